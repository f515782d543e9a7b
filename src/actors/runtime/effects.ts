/**
 * Carries out what committed states owe. A state is its own outbox: the effect runs after the commit that entered the
 * state and again at recovery, and its outcome comes back as an event. It stops being owed when the state is left, and
 * then its signal is aborted.
 *
 * Safety: an effect may run more than once for one key (crash between the act and its outcome's commit), never for a
 * state that was not committed. Handlers pass the idempotency key on, which makes the repeat harmless.
 */
import { ActorOverloaded, ActorUnavailable } from "./errors.ts";
import { failpoints } from "./failpoints.ts";
import type { ActorKind, Committed, Owed } from "./kind.ts";
import type { ActorRef, Clock, Log, Millis } from "./ports.ts";

const FIRST_RETRY: Millis = 100;
const SLOWEST_RETRY: Millis = 10_000;

/** One effect that is owed: under way, waiting for its next try, or done and its outcome reported. */
class Running {
  /** No longer owed. */
  over = false;
  /** Its handler is at work and may be listening to the signal. */
  atWork = false;
  cancelRetry: (() => void) | null = null;
  #abort: AbortController | null = null;

  constructor(readonly key: string) {}

  /** Made when it is first asked for: a handler that waits for nothing has no use for it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.over) this.#abort.abort();
    return this.#abort.signal;
  }

  /** Once the handler has answered nobody listens, and an abort, which is dear, is left out. */
  cancel(): void {
    this.over = true;
    this.cancelRetry?.();
    if (this.atWork) this.#abort?.abort();
  }
}

/** Hands an effect's outcome to its actor. `refused` is called when the actor does not take it. */
type Report = (ref: ActorRef, event: { readonly type: string }, refused: (error: unknown) => void) => void;

const NONE: readonly Running[] = [];

export class Effects {
  /**
   * By actor, whose `ref` is always the same object. An entry stays until the effect is no longer owed: that is what makes
   * it run once.
   */
  readonly #running = new Map<ActorRef, readonly Running[]>();
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly report: Report,
  ) {}

  /** Starts what `committed` owes and is not under way, and aborts what it no longer owes. */
  reconcile(kind: ActorKind, committed: Committed, owed: readonly Owed[]): void {
    if (this.#stopped) return;
    const before = this.#running.get(committed.ref) ?? NONE;
    if (owed.length === 0 && before.length === 0) return;
    const running: Running[] = [];
    for (const one of before) {
      if (owed.some(({ key }) => key === one.key)) running.push(one);
      else one.cancel();
    }
    if (owed.length === 0) {
      this.#running.delete(committed.ref);
      return;
    }
    const started: { readonly effect: Owed; readonly one: Running }[] = [];
    for (const effect of owed) {
      if (running.some(({ key }) => key === effect.key)) continue;
      const one = new Running(effect.key);
      running.push(one);
      started.push({ effect, one });
    }
    this.#running.set(committed.ref, running);
    for (const { effect, one } of started) this.#attempt(kind, committed, effect, one, FIRST_RETRY);
  }

  /** Aborts whatever runs for the actor, owed or not; what it still owes runs anew when it is reconciled again. */
  abort(ref: ActorRef): void {
    for (const one of this.#running.get(ref) ?? NONE) one.cancel();
    this.#running.delete(ref);
  }

  stop(): void {
    this.#stopped = true;
    for (const running of this.#running.values()) for (const one of running) one.cancel();
    this.#running.clear();
  }

  #attempt(kind: ActorKind, committed: Committed, owed: Owed, one: Running, retryDelay: Millis): void {
    const { ref } = committed;
    const failed = (error: unknown): void => {
      one.atWork = false;
      if (one.over || this.#stopped) return;
      this.log.warn("an effect failed and will be tried again", { ...ref, effect: owed.key, retryDelay, error });
      one.cancelRetry = this.clock.after(retryDelay, () => {
        one.cancelRetry = null;
        this.#attempt(kind, committed, owed, one, Math.min(retryDelay * 2, SLOWEST_RETRY));
      });
    };
    one.atWork = true;
    this.#perform(kind, committed, owed, one).then((event) => {
      one.atWork = false;
      if (event === null || one.over) return;
      this.report(ref, event, (error) => {
        // The outcome could not be stored: the effect is still owed. Any other refusal means that the actor has moved on.
        if (error instanceof ActorUnavailable || error instanceof ActorOverloaded) failed(error);
        else this.log.debug("an effect's outcome came too late", { ...ref, effect: owed.key, error });
      });
    }, failed);
  }

  /** Rejects, and never throws, when the handler does either. */
  async #perform(
    kind: ActorKind,
    { ref, snapshot }: Committed,
    owed: Owed,
    one: Running,
  ): Promise<{ readonly type: string } | null> {
    const handler = kind.effects?.[owed.name];
    if (!handler) throw new Error(`${kind.name} owes ${owed.name}, for which it has no handler`);
    if (failpoints.armed) await failpoints.hit("effect.before");
    const event = await handler({
      ref,
      owed,
      idempotencyKey: `${ref.kind}/${ref.id}/${owed.key}`,
      snapshot: snapshot as never,
      get signal() {
        return one.signal;
      },
    });
    if (failpoints.armed) await failpoints.hit("effect.after");
    return event as { readonly type: string } | null;
  }
}
