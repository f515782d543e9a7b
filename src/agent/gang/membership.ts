/**
 * The side of every other rank: it finds rank 0, is taken in, waits for the start, and gives its share in each round.
 *
 *   seeking     calls rank 0 again and again, for its offers go out to all members at once and rank 0 may be the last to
 *               accept; taken in: met. A refusal that will not pass, or time that runs out: broken
 *   waiting     for the start
 *   training    rounds of contribute; rank 0 gone or ending: broken
 *   over        after the last mean, a break, or the end
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ChannelCredentials } from "@grpc/grpc-js";
import { ClientError, createChannel, createClient, Metadata, Status } from "nice-grpc";
import { GangServiceDefinition } from "../../transport/grpc/generated/cyxwiz/gang.ts";
import type { Share } from "../training/index.ts";
import { type Gang, type GangAttempt, GangError, type GangTimes } from "./gang.ts";
import { Peer } from "./peer.ts";
import type { GangRole } from "./role.ts";
import type { ReceivedShare } from "./share-frames.ts";

/** One try to be taken in may take this long: a host that drops packets answers nothing at all. */
const TRY = 10_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;
/** How long a last word may take to be heard. */
const LINGER = 2000;

/** Rank 0 is not there, or does not have the job yet. Everything else it says is said for good. */
const PASSING: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.NOT_FOUND,
  Status.DEADLINE_EXCEEDED,
  Status.UNKNOWN,
  Status.CANCELLED,
]);

export class Membership implements Gang {
  readonly rank: number;
  readonly size: number;
  readonly met: Promise<void>;
  readonly #met = Promise.withResolvers<void>();
  readonly #start = Promise.withResolvers<void>();
  readonly #broken = new AbortController();
  /** Ends the seeking. */
  readonly #sought = new AbortController();
  #peer: Peer | null = null;
  #waiting: { readonly round: number; readonly last: boolean; readonly mean: PromiseWithResolvers<Share> } | null =
    null;
  #isIn = false;
  #isOver = false;

  constructor(
    private readonly role: GangRole,
    private readonly of: GangAttempt,
    private readonly times: GangTimes,
  ) {
    this.rank = role.rank;
    this.size = role.size;
    this.met = this.#met.promise;
    // Whoever does not look at them any more must not bring the process down.
    this.met.catch(() => {});
    this.#start.promise.catch(() => {});
    void this.#seek();
  }

  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  begin(): Promise<void> {
    return this.#start.promise;
  }

  gather(): Promise<readonly Share[]> {
    return Promise.reject(new Error("only rank 0 gathers"));
  }

  scatter(): void {
    throw new Error("only rank 0 scatters");
  }

  contribute(round: number, share: Share, last: boolean): Promise<Share> {
    if (this.#isOver || !this.#peer) return Promise.reject(this.#broken.signal.reason ?? new Error("the gang is over"));
    const mean = Promise.withResolvers<Share>();
    this.#waiting = { round, last, mean };
    this.#peer.share(round, share);
    return mean.promise;
  }

  end(reason: string | null): void {
    this.#finish(reason, new GangError(reason ?? "the gang's work is done", false));
  }

  #finish(reason: string | null, error: GangError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#met.reject(error);
    this.#start.reject(error);
    this.#waiting?.mean.reject(error);
    this.#sought.abort();
    this.#peer?.end(reason);
  }

  /** Never rejects. */
  async #seek(): Promise<void> {
    const { rendezvous } = this.role;
    const until = performance.now() + this.times.gangJoin;
    let pause = FIRST_PAUSE;
    while (!this.#isOver) {
      const problem = await this.#call(Math.min(TRY, Math.max(1, until - performance.now())));
      if (this.#isOver) return;
      if (problem.isFinal)
        return this.#break(`rank 0 at ${rendezvous} did not let rank ${this.rank} in: ${problem.message}`, true);
      if (performance.now() + pause >= until) {
        return this.#break(
          `rank ${this.rank} could not meet rank 0 at ${rendezvous} within ${this.times.gangJoin / 1000} s: ${problem.message}`,
          true,
        );
      }
      await sleep(pause, undefined, { signal: this.#sought.signal, ref: false }).catch(() => {});
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  /** One call, from the knock to the end. Once taken in there is no second: its end is then the gang's. Never rejects. */
  async #call(patience: number): Promise<{ readonly isFinal: boolean; readonly message: string }> {
    let problem = { isFinal: false, message: "no answer" };
    const give = new AbortController();
    const channel = createChannel(`dns:${this.role.rendezvous}`, ChannelCredentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.use_local_subchannel_pool": 1,
    });
    const stopSeeking = () => {
      if (!this.#isIn) give.abort();
      // A word is on its way to rank 0, which ends the call when it hears it.
      else setTimeout(() => give.abort(), LINGER).unref();
    };
    this.#sought.signal.addEventListener("abort", stopSeeking);
    const timer = setTimeout(() => give.abort(), patience);
    const peer = new Peer(
      "rank 0",
      {
        onWelcome: () => {
          clearTimeout(timer);
          this.#isIn = true;
          this.#peer = peer;
          this.#met.resolve();
        },
        onStart: () => this.#start.resolve(),
        onShare: (received) => this.#take(received),
        onEnd: (reason) => {
          peer.end(null);
          this.#break(reason ?? "rank 0 ended before its time");
        },
        onGone: (why) => {
          if (this.#isIn) this.#break(why);
        },
      },
      this.times.gangSilence,
    );
    const { jobId, attempt } = this.of;
    const metadata = Metadata({
      "cyxwiz-job": jobId,
      "cyxwiz-attempt": String(attempt),
      "cyxwiz-gang-rank": String(this.rank),
      "cyxwiz-gang-size": String(this.size),
      "cyxwiz-gang-key": this.role.key,
    });
    const frames = createClient(GangServiceDefinition, channel).train(peer.outgoing(), {
      metadata,
      signal: give.signal,
    });
    const noting = async function* () {
      try {
        yield* frames;
      } catch (error) {
        const isFinal = error instanceof ClientError && !PASSING.has(error.code);
        problem = { isFinal, message: wordsOf(error) };
        throw error;
      }
    };
    await peer.listen(noting());
    clearTimeout(timer);
    peer.end(null);
    this.#sought.signal.removeEventListener("abort", stopSeeking);
    channel.close();
    return problem;
  }

  #take({ round, share }: ReceivedShare): void {
    if (this.#isOver) return;
    const waiting = this.#waiting;
    if (waiting?.round !== round) throw new Error(`a mean of round ${round} came that nobody waits for`);
    this.#waiting = null;
    // With the last mean it has all it needs, whatever becomes of the others.
    if (waiting.last) this.end(null);
    waiting.mean.resolve(share);
  }

  #break(why: string, isToReport = false): void {
    if (this.#isOver) return;
    const error = new GangError(why, isToReport);
    this.#finish(why, error);
    this.#broken.abort(error);
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof ClientError) return `${Status[error.code]}: ${error.details}`;
  return error instanceof Error && error.name === "AbortError" ? "no answer" : String(error);
}
