/**
 * Carries out what committed states owe. A state is its own outbox: the effect runs after the commit that entered the
 * state and again at recovery, and its outcome comes back as an event. It stops being owed when the state is left, and
 * then its signal is aborted.
 *
 * Safety: an effect may run more than once for one key (crash between the act and its outcome's commit), never for a
 * state that was not committed. Handlers pass the idempotency key on, which makes the repeat harmless.
 */
import { ActorOverloaded, ActorUnavailable } from "./errors.ts";
import type { ActorKind, Committed, Owed } from "./kind.ts";
import type { ActorRef, Clock, Log, Millis } from "./ports.ts";

const FIRST_RETRY: Millis = 100;
const SLOWEST_RETRY: Millis = 10_000;

const keyOf = ({ kind, id }: ActorRef): string => `${kind}/${id}`;

interface Running {
  readonly abort: AbortController;
  cancelRetry: (() => void) | null;
}

export class Effects {
  /** By actor ("kind/id"), then by the effect's key. An entry stays until the effect is no longer owed: that is what makes it run once. */
  readonly #running = new Map<string, Map<string, Running>>();
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly report: (ref: ActorRef, event: { readonly type: string }) => Promise<unknown>,
  ) {}

  /** Starts what `committed` owes and is not under way, and aborts what it no longer owes. */
  reconcile(kind: ActorKind, committed: Committed, owed: readonly Owed[]): void {
    if (this.#stopped) return;
    const actor = keyOf(committed.ref);
    let running = this.#running.get(actor);
    if (running) {
      for (const [key, one] of running) {
        if (owed.some((still) => still.key === key)) continue;
        this.#cancel(one);
        running.delete(key);
      }
      if (running.size === 0) this.#running.delete(actor);
    }
    for (const effect of owed) {
      if (running?.has(effect.key)) continue;
      if (!running || running.size === 0) {
        running = new Map();
        this.#running.set(actor, running);
      }
      const one: Running = { abort: new AbortController(), cancelRetry: null };
      running.set(effect.key, one);
      this.#attempt(kind, committed, effect, one, FIRST_RETRY);
    }
  }

  /** Aborts whatever runs for the actor, owed or not; what it still owes runs anew when it is reconciled again. */
  abort(ref: ActorRef): void {
    const actor = keyOf(ref);
    for (const one of this.#running.get(actor)?.values() ?? []) this.#cancel(one);
    this.#running.delete(actor);
  }

  stop(): void {
    this.#stopped = true;
    for (const running of this.#running.values()) for (const one of running.values()) this.#cancel(one);
    this.#running.clear();
  }

  #cancel(one: Running): void {
    one.cancelRetry?.();
    one.abort.abort();
  }

  #attempt(kind: ActorKind, committed: Committed, owed: Owed, one: Running, retryDelay: Millis): void {
    this.#perform(kind, committed, owed, one.abort.signal).catch((error: unknown) => {
      if (one.abort.signal.aborted || this.#stopped) return;
      this.log.warn("an effect failed and will be tried again", {
        ...committed.ref,
        effect: owed.key,
        retryDelay,
        error,
      });
      one.cancelRetry = this.clock.after(retryDelay, () => {
        one.cancelRetry = null;
        this.#attempt(kind, committed, owed, one, Math.min(retryDelay * 2, SLOWEST_RETRY));
      });
    });
  }

  async #perform(kind: ActorKind, committed: Committed, owed: Owed, signal: AbortSignal): Promise<void> {
    const handler = kind.effects?.[owed.name];
    if (!handler) throw new Error(`${kind.name} owes ${owed.name}, for which it has no handler`);
    const { ref, snapshot } = committed;
    const idempotencyKey = `${ref.kind}/${ref.id}/${owed.key}`;
    const event = await handler({ ref, owed, idempotencyKey, snapshot: snapshot as never, signal });
    if (event === null || signal.aborted) return;
    try {
      await this.report(ref, event as unknown as { readonly type: string });
    } catch (error) {
      // The outcome could not be stored: the effect is still owed. Any other refusal means that the actor has moved on.
      if (error instanceof ActorUnavailable || error instanceof ActorOverloaded) throw error;
      this.log.debug("an effect's outcome came too late", { ...ref, effect: owed.key, error });
    }
  }
}
