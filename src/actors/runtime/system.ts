/**
 * The actor system: finds or makes the cell an event is for, and does what follows from each commit. It knows nothing of
 * jobs or nodes; `docs/runtime.md` shows how a kind is added.
 *
 * Order after a commit, and nothing before it: the sender is answered, the deadline set, effects started, listeners told.
 */
import type { AnyStateMachine } from "xstate";
import { Cell } from "./cell.ts";
import type { CellHost, Message, Reply } from "./cell-host.ts";
import { Computation } from "./computation.ts";
import { Deadlines } from "./deadlines.ts";
import { Effects } from "./effects.ts";
import { ActorError, ActorOverloaded, ActorUnavailable, EventRejected } from "./errors.ts";
import { failpoints } from "./failpoints.ts";
import { GroupCommit } from "./group-commit.ts";
import {
  type ActorKind,
  type Committed,
  type CommittedChange,
  type EventOf,
  type InputOf,
  type Owed,
  owedByMeta,
} from "./kind.ts";
import type { ActorRef, Clock, Journal, JournalDeposed, Log, Millis, Text } from "./ports.ts";

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly log: Log;
  /** After a start or a stall, deadlines that wait for outsiders get at least this long: one heartbeat interval and a bit. */
  readonly outsideGrace: Millis;
  /** Transitions that may wait for the journal before new ones are refused. */
  readonly maxPending: number;
  /** Another leader has taken over: stop. */
  readonly onDeposed: (error: JournalDeposed) => void;
  /** Runs the callback in the next turn of the event loop. Absent: setImmediate; a simulator decides itself when that is. */
  readonly nextTurn?: (callback: () => void) => void;
}

export interface Created<M extends AnyStateMachine> {
  readonly created: boolean;
  readonly committed: Committed<M>;
}

/** The typed door to one kind's actors. */
export interface Actors<M extends AnyStateMachine> {
  /** Resolves after the commit, with the committed state; rejects with an `ActorError`. */
  ask(id: string, event: EventOf<M>): Promise<Committed<M>>;
  /** Does not wait. Refusals are logged; use it only for what will be found out anyway. */
  tell(id: string, event: EventOf<M>): void;
  /**
   * Makes the actor unless it exists; either way resolves to its committed state.
   * @param texts what the input only refers to, stored in the same commit
   */
  create(id: string, input: InputOf<M>, texts?: readonly Text[]): Promise<Created<M>>;
  /** The committed state of an actor in memory; finished actors are in the store only. */
  peek(id: string): Committed<M> | undefined;
  /** The committed states of all actors in memory. */
  live(): Iterable<Committed<M>>;
  readonly size: number;
  /** A sign of life, without a transition: deadlines that wait for outsiders do not fire before `until`. */
  renew(id: string, until: Millis): void;
  onCommit(listener: (change: CommittedChange<M>) => void): () => void;
}

type Phase = "recovering" | "running" | "stopping" | "stopped";
type Listener = (change: CommittedChange) => void;

export class ActorSystem implements CellHost {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly log: Log;
  #phase: Phase = "recovering";
  readonly #kinds = new Map<string, ActorKind>();
  readonly #computations = new Map<string, Computation>();
  readonly #cells = new Map<string, Map<string, Cell>>();
  readonly #listeners = new Map<string, Set<Listener>>();
  /** The latest sign of life, by cell. */
  readonly #leases = new Map<Cell, Millis>();
  #outsideFloor: Millis = 0;
  readonly #writer: GroupCommit;
  readonly #deadlines: Deadlines<Cell>;
  readonly #effects: Effects;

  constructor(private readonly options: ActorSystemOptions) {
    this.clock = options.clock;
    this.journal = options.journal;
    this.log = options.log;
    this.#writer = new GroupCommit(options.journal, options.onDeposed, options.nextTurn ?? setImmediate);
    this.#deadlines = new Deadlines(
      options.clock,
      ({ target, version, at }) => this.#deadlineFired(target, version, at),
      (stalledFor) => {
        this.log.warn("this process stood still; outsiders get time to be heard", { stalledFor });
        this.#outsideFloor = this.clock.now() + options.outsideGrace;
      },
    );
    this.#effects = new Effects(options.clock, options.log, (ref, event, refused) =>
      this.#post(ref, { type: "event", event, reply: { resolve: () => {}, reject: refused } }),
    );
  }

  register<M extends AnyStateMachine>(kind: ActorKind<M>): Actors<M> {
    const name = kind.name;
    if (this.#kinds.has(name)) throw new Error(`the kind ${name} is registered twice`);
    // Inside, kinds are handled without their types; this is the one place where they are taken off and put on again.
    this.#kinds.set(name, kind as unknown as ActorKind);
    this.#computations.set(name, new Computation(kind.machine));
    const cells = new Map<string, Cell>();
    const listeners = new Set<Listener>();
    this.#cells.set(name, cells);
    this.#listeners.set(name, listeners);
    const typed = (committed: Committed) => committed as unknown as Committed<M>;
    return {
      ask: (id, event) =>
        this.#ask({ kind: name, id }, event as unknown as { type: string }) as unknown as Promise<Committed<M>>,
      tell: (id, event) => this.#tell({ kind: name, id }, event as unknown as { type: string }),
      create: (id, input, texts = []) =>
        this.#create({ kind: name, id }, input, texts).then(({ created, committed }) => ({
          created,
          committed: typed(committed),
        })),
      peek: (id) => {
        const committed = cells.get(id)?.committed;
        return committed ? typed(committed) : undefined;
      },
      *live() {
        for (const cell of cells.values()) if (cell.committed) yield typed(cell.committed);
      },
      get size() {
        return cells.size;
      },
      renew: (id, until) => {
        const cell = cells.get(id);
        if (cell) this.#leases.set(cell, until);
      },
      onCommit: (listener) => {
        const untyped = listener as unknown as Listener;
        listeners.add(untyped);
        return () => listeners.delete(untyped);
      },
    };
  }

  /**
   * Loads every live actor of every kind, without starting deadlines or effects. A row that cannot be loaded is
   * quarantined, never fatal. Returns how many of each were found.
   */
  async recover(): Promise<ReadonlyMap<string, { readonly loaded: number; readonly quarantined: number }>> {
    const found = new Map<string, { loaded: number; quarantined: number }>();
    for (const name of this.#kinds.keys()) {
      const counts = { loaded: 0, quarantined: 0 };
      for await (const page of this.journal.loadLive(name)) {
        for (const stored of page) {
          const cell = this.#cellAt(stored.ref);
          if (cell.restore(stored)) counts.loaded += 1;
          else counts.quarantined += 1;
        }
      }
      found.set(name, counts);
      if (failpoints.armed) await failpoints.hit("recovery.half");
    }
    return found;
  }

  /** Opens the doors: deadlines run, owed effects are carried out again, outsiders' messages are taken. */
  start(): void {
    this.#phase = "running";
    this.#outsideFloor = this.clock.now() + this.options.outsideGrace;
    for (const [name, cells] of this.#cells) {
      const kind = this.#kindOf(name);
      for (const cell of cells.values()) {
        if (cell.committed && cell.quarantined === null) this.#follow(cell, kind, cell.committed);
      }
    }
    this.#deadlines.start();
  }

  /** Takes nothing new, lets what is under way commit, and refuses the rest. */
  async stop(): Promise<void> {
    if (this.#phase === "stopped") return;
    this.#phase = "stopping";
    this.#deadlines.stop();
    this.#effects.stop();
    await this.#writer.idle();
    this.#phase = "stopped";
    for (const cells of this.#cells.values()) for (const cell of cells.values()) cell.close();
  }

  get running(): boolean {
    return this.#phase === "running";
  }

  /** Transitions waiting for the journal. */
  get pending(): number {
    return this.#writer.pending;
  }

  /** Actors that take no events until an operator releases them. */
  quarantined(): readonly { readonly ref: ActorRef; readonly reason: string }[] {
    const list: { ref: ActorRef; reason: string }[] = [];
    for (const cells of this.#cells.values()) {
      for (const cell of cells.values())
        if (cell.quarantined !== null) list.push({ ref: cell.ref, reason: cell.quarantined });
    }
    return list;
  }

  releaseQuarantined(ref: ActorRef): void {
    this.#cells.get(ref.kind)?.get(ref.id)?.release();
  }

  // What cells call.

  enqueue(...[entry, settle]: Parameters<CellHost["enqueue"]>): void {
    this.#writer.enqueue(entry, settle);
  }

  committed(cell: Cell, change: CommittedChange): void {
    const kind = cell.kind;
    if (this.#phase === "running") this.#follow(cell, kind, change.after);
    for (const listener of this.#listeners.get(kind.name) ?? []) {
      try {
        listener(change);
      } catch (error) {
        this.log.error("a listener failed on a commit", { ...change.after.ref, event: change.event, error });
      }
    }
  }

  setAside(cell: Cell): void {
    this.#deadlines.clear(cell);
    this.#effects.abort(cell.ref);
  }

  release(cell: Cell): void {
    const cells = this.#cellsOf(cell.ref.kind);
    if (cells.get(cell.ref.id) === cell) cells.delete(cell.ref.id);
    this.#deadlines.clear(cell);
    this.#leases.delete(cell);
  }

  /** What a committed state calls for. Never throws: a kind that cannot say it harms its own actor only. */
  #follow(cell: Cell, kind: ActorKind, committed: Committed): void {
    try {
      this.#setDeadline(cell, kind, committed);
      this.#effects.reconcile(kind, committed, committed.finished ? [] : this.#owedBy(kind, committed));
    } catch (error) {
      cell.quarantine(`its kind could not say what follows from ${committed.state}: ${String(error)}`);
    }
  }

  #ask(ref: ActorRef, event: { readonly type: string }, forVersion?: number): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const message = { type: "event", event, reply: { resolve, reject } } as const;
      this.#post(ref, forVersion === undefined ? message : { ...message, forVersion });
    });
  }

  #create(
    ref: ActorRef,
    input: Readonly<Record<string, unknown>>,
    texts: readonly Text[],
  ): Promise<{ created: boolean; committed: Committed }> {
    return new Promise((resolve, reject) => {
      const reply: Reply = { resolve: (committed, created) => resolve({ created, committed }), reject };
      this.#post(ref, { type: "create", input, texts, reply });
    });
  }

  #tell(ref: ActorRef, event: { readonly type: string }): void {
    this.#ask(ref, event).catch((error: unknown) => {
      // A told event that no longer applies is the ordinary way of a race; anything else deserves to be seen.
      if (error instanceof EventRejected) this.log.debug("a told event did not apply", { ...ref, event: event.type });
      else this.log.warn("a told event was lost", { ...ref, event: event.type, error });
    });
  }

  #post(ref: ActorRef, message: Message): void {
    if (this.#phase !== "running") {
      const phase = this.#phase === "recovering" ? "starting" : "stopping";
      message.reply?.reject(new ActorUnavailable(ref, `the server is ${phase}`));
      return;
    }
    if (this.#writer.pending >= this.options.maxPending) {
      message.reply?.reject(new ActorOverloaded(ref, `${this.options.maxPending} transitions wait for the database`));
      return;
    }
    this.#cellAt(ref).post(message);
  }

  /** The actor's cell; a new one when it has none. */
  #cellAt(ref: ActorRef): Cell {
    const cells = this.#cellsOf(ref.kind);
    let cell = cells.get(ref.id);
    if (!cell) {
      const computation = this.#computations.get(ref.kind);
      if (!computation) throw new Error(`the kind ${ref.kind} is not registered`);
      cell = new Cell(ref, this.#kindOf(ref.kind), computation, this);
      cells.set(ref.id, cell);
    }
    return cell;
  }

  #setDeadline(cell: Cell, kind: ActorKind, committed: Committed): void {
    const deadline = committed.finished ? null : kind.deadline(committed.snapshot as never);
    if (deadline === null) this.#deadlines.clear(cell);
    else this.#deadlines.set({ at: this.#dueAt(cell, deadline), target: cell, version: committed.version });
  }

  /** The deadline of the row, moved by signs of life and, where it waits for outsiders, by our own silence. */
  #dueAt(cell: Cell, deadline: Millis): Millis {
    const committed = cell.committed;
    if (committed === null || cell.kind.awaitsOutside?.(committed.snapshot as never) !== true) return deadline;
    return Math.max(deadline, this.#leases.get(cell) ?? 0, this.#outsideFloor);
  }

  #deadlineFired(cell: Cell, version: number, at: Millis): void {
    const committed = cell.committed;
    if (committed?.version !== version || cell.quarantined !== null) return;
    try {
      const deadline = cell.kind.deadline(committed.snapshot as never);
      if (deadline === null) return;
      const due = this.#dueAt(cell, deadline);
      if (due > at) {
        this.#deadlines.set({ at: due, target: cell, version });
        return;
      }
    } catch (error) {
      cell.quarantine(`its kind could not say whether its deadline is due: ${String(error)}`);
      return;
    }
    this.#ask(cell.ref, { type: "DEADLINE" }, version).catch((error: unknown) => {
      // The actor was faster: what was in its mailbox already led to another state, which has its own deadline.
      if (cell.committed?.version !== version) return;
      this.log.warn("a deadline's event was refused", { ...cell.ref, state: committed.state, error });
      // The deadline is still due: the machine may refuse it for good, but not silently.
      const again = error instanceof ActorError && !(error instanceof EventRejected);
      if (again && this.#phase === "running") {
        this.#deadlines.set({ at: this.clock.now() + 1000, target: cell, version });
      }
    });
  }

  #owedBy(kind: ActorKind, committed: Committed): readonly Owed[] {
    if (kind.owes) return kind.owes(committed.snapshot as never);
    return owedByMeta(committed.snapshot as never).map((name) => ({ name, key: name }));
  }

  #cellsOf(kind: string): Map<string, Cell> {
    const cells = this.#cells.get(kind);
    if (!cells) throw new Error(`the kind ${kind} is not registered`);
    return cells;
  }

  #kindOf(name: string): ActorKind {
    const kind = this.#kinds.get(name);
    if (!kind) throw new Error(`the kind ${name} is not registered`);
    return kind;
  }
}
