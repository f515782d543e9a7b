/**
 * One member as another sees it: the two directions of one Train call, and whether it is still there. The same on both
 * ends of the call, for both say the same things to each other.
 *
 * Silence is judged here and not left to gRPC: its keepalive notices a machine that is gone, not a process that hangs.
 * Whoever computes is not silent, for computing happens in a worker.
 */
import type { Frame } from "../../transport/grpc/generated/cyxwiz/gang.ts";
import type { Share } from "../training/index.ts";
import { framesOf, type OutgoingFrame, type ReceivedShare, ShareReader } from "./share-frames.ts";

export interface PeerEvents {
  readonly onWelcome?: () => void;
  readonly onStart?: () => void;
  readonly onShare: (received: ReceivedShare) => void;
  /** It said that it is done, or (with a reason) that the attempt is over. */
  readonly onEnd: (reason: string | null) => void;
  /** It is gone without a word, silent, or breaks the rules. The text is the whole sentence. */
  readonly onGone: (why: string) => void;
}

/** Silence is noticed after three looks, and "alive" is said at each. */
const LOOKS = 3;

export class Peer {
  readonly #queue: OutgoingFrame[] = [];
  readonly #reader = new ShareReader();
  #more = Promise.withResolvers<void>();
  #isClosed = false;
  #isOver = false;
  #quietLooks = 0;
  #watch: ReturnType<typeof setInterval> | undefined;

  /**
   * @param name as sentences name it: "rank 2"
   * @param silence milliseconds without a frame after which it is taken for dead
   */
  constructor(
    readonly name: string,
    private readonly events: PeerEvents,
    private readonly silence: number,
  ) {}

  welcome(): void {
    this.#keepWatch();
    this.#send({ body: { case: "welcome", value: {} } });
  }

  start(): void {
    this.#send({ body: { case: "start", value: {} } });
  }

  share(round: number, share: Share): void {
    this.#send(...framesOf(round, share));
  }

  /** Says the last word (null: done) and hears no more. */
  end(reason: string | null): void {
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#send({ body: { case: "end", value: { reason: reason ?? "" } } });
    this.#isClosed = true;
    this.#more.resolve();
  }

  /** What is to be sent, as it comes up; ends after the last word. */
  async *outgoing(): AsyncGenerator<OutgoingFrame, void, undefined> {
    for (;;) {
      const frame = this.#queue.shift();
      if (frame) yield frame;
      else if (this.#isClosed) return;
      else {
        this.#more = Promise.withResolvers();
        await this.#more.promise;
      }
    }
  }

  /** Takes in what it sends, until the call is over. Never rejects. */
  async listen(frames: AsyncIterable<Frame>): Promise<void> {
    try {
      for await (const { body } of frames) {
        this.#quietLooks = 0;
        // What comes after the last word is let pass, so that the call can end in good order.
        if (!this.#isOver) this.#take(body);
      }
      this.#gone(`${this.name} hung up`);
    } catch (error) {
      // An AbortError says only that the call is off.
      const isAbort = error instanceof Error && error.name === "AbortError";
      this.#gone(
        `the connection to ${this.name} broke${isAbort ? "" : `: ${error instanceof Error ? error.message : error}`}`,
      );
    }
    // Nobody is there to be spoken to.
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#more.resolve();
  }

  #take(body: Frame["body"]): void {
    try {
      switch (body?.case) {
        case "welcome":
          this.#keepWatch();
          this.events.onWelcome?.();
          return;
        case "start":
          this.events.onStart?.();
          return;
        case "share":
          this.#received(this.#reader.begin(body.value));
          return;
        case "weights":
          this.#received(this.#reader.add(body.value.data));
          return;
        case "end":
          this.#isOver = true;
          clearInterval(this.#watch);
          this.events.onEnd(body.value.reason || null);
          return;
        default: // "alive", or a frame of a later version
          return;
      }
    } catch (error) {
      this.#gone(`${this.name} broke the protocol: ${error instanceof Error ? error.message : error}`);
    }
  }

  #received(received: ReceivedShare | null): void {
    if (received) this.events.onShare(received);
  }

  /** From the welcome on. Looks are counted, not time: when this process itself was stopped for a while, one look is late. */
  #keepWatch(): void {
    this.#watch ??= setInterval(() => this.#look(), this.silence / LOOKS);
    this.#watch.unref();
  }

  #look(): void {
    this.#quietLooks += 1;
    if (this.#quietLooks > LOOKS) this.#gone(`${this.name} has been silent for ${this.silence / 1000} s`);
    else this.#send({ body: { case: "alive", value: {} } });
  }

  #gone(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#watch);
    this.events.onGone(why);
  }

  #send(...frames: readonly OutgoingFrame[]): void {
    if (this.#isClosed) return;
    this.#queue.push(...frames);
    this.#more.resolve();
  }
}
