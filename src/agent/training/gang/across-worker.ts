/** A seat on one side of the worker boundary, used from the other: training sits in the worker, the network outside. */
import { TrainingError } from "../errors.ts";
import type { GangSeat, Share } from "./seat.ts";

/** From the worker. */
export type SeatRequest =
  | { readonly type: "gather"; readonly round: number }
  | { readonly type: "scatter"; readonly round: number; readonly mean: Share; readonly last: boolean }
  | { readonly type: "contribute"; readonly round: number; readonly share: Share; readonly last: boolean };

/** To the worker: to a `gather` the others' shares, to a `contribute` the mean. */
export interface SeatAnswer {
  readonly type: "answer";
  readonly shares: readonly Share[];
}

/** The worker's end. One question is open at a time, because training waits for each answer. */
export class WorkerSeat implements GangSeat {
  #answer: PromiseWithResolvers<readonly Share[]> | null = null;

  constructor(
    readonly rank: number,
    readonly size: number,
    private readonly post: (request: SeatRequest) => void,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.#answer?.reject(stopped()), { once: true });
  }

  gather(round: number): Promise<readonly Share[]> {
    return this.#ask({ type: "gather", round });
  }

  scatter(round: number, mean: Share, last: boolean): void {
    this.post({ type: "scatter", round, mean, last });
  }

  async contribute(round: number, share: Share, last: boolean): Promise<Share> {
    const [mean] = await this.#ask({ type: "contribute", round, share, last });
    if (mean === undefined) throw new TrainingError("gang", "rank 0 sent no mean");
    return mean;
  }

  deliver({ shares }: SeatAnswer): void {
    this.#answer?.resolve(shares);
  }

  #ask(request: SeatRequest): Promise<readonly Share[]> {
    if (this.signal.aborted) return Promise.reject(stopped());
    this.#answer = Promise.withResolvers();
    this.post(request);
    return this.#answer.promise;
  }
}

const stopped = (): TrainingError =>
  new TrainingError("cancelled", "the job was cancelled while it waited for the other members of its gang");

/** The host's end: carries out what the worker asks for. Rejects when the gang is broken. */
export async function serveSeat(
  seat: GangSeat,
  request: SeatRequest,
  answer: (answer: SeatAnswer) => void,
): Promise<void> {
  switch (request.type) {
    case "gather":
      answer({ type: "answer", shares: await seat.gather(request.round) });
      return;
    case "scatter":
      seat.scatter(request.round, request.mean, request.last);
      return;
    case "contribute":
      answer({ type: "answer", shares: [await seat.contribute(request.round, request.share, request.last)] });
      return;
  }
}
