/** The event streams that are open, so that their number can be bounded and all of them ended when the server stops. */
import { Refusal } from "../../../domain/refusal.ts";
import type { StreamLimit } from "../../stream-limit.ts";

/** Ended from outside; must not throw. */
export interface OpenStream {
  /** Events that wait for the client. */
  readonly backlog: number;
  end(): void;
}

export class EventStreams {
  /** Each with what gives its caller's place back. */
  readonly #open = new Map<OpenStream, () => void>();
  #closed = false;

  constructor(
    private readonly limit: number,
    private readonly perCaller?: StreamLimit,
  ) {}

  get size(): number {
    return this.#open.size;
  }

  open(): Iterable<OpenStream> {
    return this.#open.keys();
  }

  /** @throws Refusal when there are too many already, or the server is stopping */
  add(stream: OpenStream, caller: string): void {
    if (this.#closed) throw new Refusal("unavailable", "the server is stopping", { retryAfterMs: 2000 });
    if (this.#open.size >= this.limit) {
      const message = `${this.limit} event streams are open, which is all this server allows; poll the job instead, or try again later`;
      throw new Refusal("resource_exhausted", message, { retryAfterMs: 10_000 });
    }
    this.#open.set(stream, this.perCaller?.take(caller) ?? (() => {}));
  }

  remove(stream: OpenStream): void {
    this.#open.get(stream)?.();
    this.#open.delete(stream);
  }

  /** Ends every stream, and refuses new ones. Clients that resume elsewhere miss nothing. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#open.keys()]) stream.end();
  }
}
