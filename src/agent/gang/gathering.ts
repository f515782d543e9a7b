/**
 * Rank 0's side of a gang: it takes the members in, waits for all, and then is the hub of every round.
 *
 *   gathering   members come; all in: met. One that leaves, or time that runs out: broken
 *   training    rounds of gather and scatter; whoever is gone breaks the gang
 *   over        after the last scatter, a break, or the end: nothing that members do matters any more
 */
import type { Share } from "../training/index.ts";
import { type Gang, GangError, type GangTimes } from "./gang.ts";
import type { Peer } from "./peer.ts";
import type { GangRole } from "./role.ts";
import type { ReceivedShare } from "./share-frames.ts";

export class Gathering implements Gang {
  readonly rank = 0;
  readonly size: number;
  readonly met: Promise<void>;
  readonly #met = Promise.withResolvers<void>();
  readonly #broken = new AbortController();
  readonly #peers = new Map<number, Peer>();
  /** Shares of the round at hand, by rank. */
  readonly #shares = new Map<number, Share>();
  readonly #patience: ReturnType<typeof setTimeout>;
  #waiting: PromiseWithResolvers<readonly Share[]> | null = null;
  #round = 0;
  #isOver = false;

  constructor(
    readonly role: GangRole,
    times: GangTimes,
    private readonly onOver: () => void,
  ) {
    this.size = role.size;
    this.met = this.#met.promise;
    // Whoever does not look at it any more must not bring the process down.
    this.met.catch(() => {});
    const late = () =>
      this.#break(`${this.#missing()} did not come to the rendezvous within ${times.gangGather / 1000} s`, true);
    this.#patience = setTimeout(late, times.gangGather);
    this.#patience.unref();
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** Why a newcomer of this rank is not let in, or null. */
  objection(rank: number, size: number): { readonly kind: "invalid" | "taken"; readonly message: string } | null {
    if (size !== this.size)
      return { kind: "invalid", message: `cyxwiz-gang-size: this gang has ${this.size} members, not ${size}` };
    if (!(Number.isInteger(rank) && rank >= 1 && rank < this.size))
      return { kind: "invalid", message: `cyxwiz-gang-rank: use a whole number from 1 to ${this.size - 1}` };
    return this.#peers.has(rank) ? { kind: "taken", message: `cyxwiz-gang-rank: rank ${rank} is here already` } : null;
  }

  /** @param peer of a rank there was no objection to */
  admit(rank: number, peer: Peer): void {
    this.#peers.set(rank, peer);
    peer.welcome();
    if (this.#peers.size < this.size - 1) return;
    clearTimeout(this.#patience);
    this.#met.resolve();
  }

  /** A member's share has come. */
  take(rank: number, { round, share }: ReceivedShare): void {
    if (this.#isOver) return;
    if (round !== this.#round || this.#shares.has(rank))
      throw new Error(`a share of round ${round} came where one of round ${this.#round} is due`);
    this.#shares.set(rank, share);
    this.#answer();
  }

  /** A member said its last word. Null, that it is done, is its last word only after the last round. */
  left(rank: number, reason: string | null): void {
    this.#break(reason === null ? `rank ${rank} left before the end` : `rank ${rank} ended: ${reason}`);
  }

  lost(why: string): void {
    this.#break(why);
  }

  async begin(): Promise<void> {
    this.#broken.signal.throwIfAborted();
    for (const peer of this.#peers.values()) peer.start();
  }

  gather(round: number): Promise<readonly Share[]> {
    if (this.#isOver) return Promise.reject(this.#broken.signal.reason ?? new Error("the gang is over"));
    if (round !== this.#round) return Promise.reject(new Error(`round ${this.#round} is due, not ${round}`));
    const waiting = Promise.withResolvers<readonly Share[]>();
    this.#waiting = waiting;
    this.#answer();
    return waiting.promise;
  }

  contribute(): Promise<Share> {
    return Promise.reject(new Error("rank 0 gathers"));
  }

  scatter(round: number, mean: Share, last: boolean): void {
    if (this.#isOver) return;
    for (const peer of this.#peers.values()) peer.share(round, mean);
    if (last) this.#finish(null);
  }

  end(reason: string | null): void {
    this.#finish(reason === null ? null : `rank 0 ended: ${reason}`);
  }

  #answer(): void {
    if (!this.#waiting || this.#shares.size < this.size - 1) return;
    const shares = Array.from({ length: this.size - 1 }, (_, index) => this.#shares.get(index + 1) as Share);
    // Only now: a quick member's next share must not be taken for one of this round.
    this.#shares.clear();
    this.#round += 1;
    this.#waiting.resolve(shares);
    this.#waiting = null;
  }

  #break(why: string, isToReport = false): void {
    if (this.#isOver) return;
    const error = new GangError(why, isToReport);
    this.#finish(why, error);
    this.#broken.abort(error);
  }

  #finish(reason: string | null, error = new GangError(reason ?? "the gang's work is done", false)): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#met.reject(error);
    this.#waiting?.reject(error);
    clearTimeout(this.#patience);
    for (const peer of this.#peers.values()) peer.end(reason);
    this.onOver();
  }

  #missing(): string {
    const ranks = Array.from({ length: this.size - 1 }, (_, index) => index + 1).filter(
      (rank) => !this.#peers.has(rank),
    );
    return `rank ${ranks.join(", ")} of ${this.size}`;
  }
}
