/** How many job streams one caller has open, over both transports: a stream costs memory for as long as it is held. */
import { Refusal } from "../domain/refusal.ts";

/** Milliseconds. A stream is held for minutes as a rule; whoever comes sooner is only refused again. */
const RETRY_AFTER_MS = 10_000;

export class StreamLimit {
  readonly #open = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /** Returns what gives the place back, once. @throws Refusal (`resource_exhausted`) */
  take(caller: string): () => void {
    const open = this.#open.get(caller) ?? 0;
    if (open >= this.limit) {
      throw new Refusal(
        "resource_exhausted",
        `${this.limit} of your streams are open already (limits.max_streams_per_caller); close one, or poll the job`,
        { retryAfterMs: RETRY_AFTER_MS },
      );
    }
    this.#open.set(caller, open + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const left = (this.#open.get(caller) ?? 1) - 1;
      if (left > 0) this.#open.set(caller, left);
      else this.#open.delete(caller);
    };
  }
}
