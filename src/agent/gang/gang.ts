/** What a run sees of its gang, whatever its rank. */
import type { GangSeat } from "../training/index.ts";

/** Why a gang's attempt cannot go on. */
export class GangError extends Error {
  override readonly name = "GangError";

  /**
   * @param isToReport true: this member is the one to tell the server that the attempt failed. False: somebody else ended
   *   it, or is gone, which the server hears or sees for itself; a report would blame a member that did nothing wrong.
   */
  constructor(
    message: string,
    readonly isToReport: boolean,
  ) {
    super(message);
  }
}

export interface Gang extends GangSeat {
  /**
   * This member has met the others: of rank 0 when all are in, of another when rank 0 took it in.
   * Rejects with the reason when they do not come together, or when the gang broke meanwhile.
   */
  readonly met: Promise<void>;
  /** Rank 0 says "start" to the others; they wait for it. Rejects when the gang breaks first. */
  begin(): Promise<void>;
  /** Aborted, with a GangError that tells why, when this attempt cannot go on because of the others. */
  readonly broken: AbortSignal;
  /** Leaves. A reason ends the attempt for all; null says that this member's work is done. What is awaited rejects. Again: does nothing. */
  end(reason: string | null): void;
}

/** Which attempt of which job. */
export interface GangAttempt {
  readonly jobId: string;
  readonly attempt: number;
}

export interface GangTimes {
  /**
   * A member that has not met rank 0 after this long fails with what kept it. Less than the server's start timeout (300 s
   * by default), so that the owner hears this reason rather than "did not start".
   */
  readonly gangJoin: number;
  /**
   * Rank 0 gives up waiting for members after this long. More than the server's start timeout: the server knows which
   * member did not come and ends the attempt first; this is for a server that does not.
   */
  readonly gangGather: number;
  /** A member that says nothing for this long is taken for dead, and the gang is broken. */
  readonly gangSilence: number;
}
