/** A small kind of actor with everything the runtime can meet, and a server's worth of runtime around it. */
import { assign, type SnapshotFrom, setup } from "xstate";
import {
  type ActorKind,
  ActorSystem,
  type ActorSystemOptions,
  type Actors,
  type CommittedChange,
  type EffectCall,
  type EventOf,
  type Journal,
  type JournalDeposed,
  type Millis,
  type StoredActor,
} from "../../../src/actors/runtime/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { type LogLine, rememberingLog } from "../../support/quiet.ts";

interface CounterContext {
  readonly value: number;
  readonly limit: number;
  readonly deadline: Millis | null;
  /** Whether the deadline waits for somebody outside. */
  readonly outside: boolean;
  readonly expired: number;
  /** Counts the sendings owed so far: each has its own key. */
  readonly parcel: number;
  readonly sent: readonly string[];
}

type CounterEvent = { readonly at: Millis } & (
  | { readonly type: "ADD"; readonly by: number; readonly token?: string }
  | { readonly type: "WAIT"; readonly until: Millis; readonly outside?: boolean }
  | { readonly type: "DEADLINE" }
  | { readonly type: "OWE" }
  | { readonly type: "SENT"; readonly key: string }
  | { readonly type: "THROW_IN_ACTION" }
  | { readonly type: "THROW_IN_GUARD" }
  | { readonly type: "CLOSE" }
);

const machine = setup({
  types: {
    context: {} as CounterContext,
    events: {} as CounterEvent,
    input: {} as { readonly start: number; readonly limit?: number; readonly at: Millis },
  },
  guards: {
    fits: ({ context, event }) => event.type === "ADD" && context.value + event.by <= context.limit,
    throws: () => {
      throw new Error("the guard threw");
    },
    isOwed: ({ context, event }) => event.type === "SENT" && event.key === `send/${context.parcel}`,
  },
  actions: {
    add: assign({ value: ({ context, event }) => context.value + (event.type === "ADD" ? event.by : 0) }),
    wait: assign(({ event }) =>
      event.type === "WAIT" ? { deadline: event.until, outside: event.outside ?? false } : {},
    ),
    expire: assign({ deadline: null, expired: ({ context }) => context.expired + 1 }),
    owe: assign({ parcel: ({ context }) => context.parcel + 1 }),
    noteSent: assign({
      sent: ({ context, event }) => (event.type === "SENT" ? [...context.sent, event.key] : context.sent),
    }),
    throwUp: assign(() => {
      throw new Error("the action threw");
    }),
  },
});

export const counterMachine = machine.createMachine({
  id: "counter",
  context: ({ input }) => {
    if (input.start < 0) throw new Error("a counter does not start below zero");
    return {
      value: input.start,
      limit: input.limit ?? Number.MAX_SAFE_INTEGER,
      deadline: null,
      outside: false,
      expired: 0,
      parcel: 0,
      sent: [],
    };
  },
  initial: "idle",
  on: {
    ADD: { guard: "fits", actions: "add" },
    THROW_IN_ACTION: { actions: "throwUp" },
    THROW_IN_GUARD: { guard: "throws", actions: "add" },
    CLOSE: ".closed",
  },
  states: {
    idle: { on: { WAIT: { target: "waiting", actions: "wait" }, OWE: { target: "owing", actions: "owe" } } },
    waiting: { on: { WAIT: { actions: "wait" }, DEADLINE: { target: "idle", actions: "expire" } } },
    owing: {
      meta: { owes: "send" },
      on: {
        SENT: { guard: "isOwed", target: "idle", actions: "noteSent" },
        OWE: { actions: "owe" },
      },
    },
    closed: { type: "final" },
  },
});

export type CounterMachine = typeof counterMachine;
export type CounterSnapshot = SnapshotFrom<CounterMachine>;
export type CounterCall = EffectCall<CounterMachine>;
export type Send = (call: CounterCall) => Promise<EventOf<CounterMachine> | null>;

export const counterKind: ActorKind<CounterMachine> = {
  name: "counter",
  machine: counterMachine,
  deadline: ({ context }) => context.deadline,
  finished: (snapshot) => snapshot.status === "done",
  awaitsOutside: ({ context }) => context.outside,
  owes: (snapshot) => (snapshot.matches("owing") ? [{ name: "send", key: `send/${snapshot.context.parcel}` }] : []),
};

export interface WorldOptions {
  readonly journal?: MemoryJournal;
  readonly clock?: FakeClock;
  readonly kind?: Partial<ActorKind<CounterMachine>>;
  readonly send?: Send;
  readonly system?: Partial<ActorSystemOptions>;
}

export const OUTSIDE_GRACE: Millis = 10_000;

export class World {
  readonly journal: MemoryJournal;
  readonly clock: FakeClock;
  readonly log = rememberingLog();
  readonly system: ActorSystem;
  readonly counters: Actors<CounterMachine>;
  readonly changes: CommittedChange<CounterMachine>[] = [];
  readonly deposed: JournalDeposed[] = [];
  /** The keys of the effects carried out, in order. */
  readonly effects: string[] = [];
  /** Replace it to let the effect fail, wait, or say something. */
  send: Send;

  constructor(options: WorldOptions = {}) {
    this.journal = options.journal ?? new MemoryJournal();
    this.clock = options.clock ?? new FakeClock();
    this.send = options.send ?? (async () => null);
    this.system = new ActorSystem({
      clock: this.clock,
      journal: this.journal,
      log: this.log,
      outsideGrace: OUTSIDE_GRACE,
      maxPending: 100_000,
      onDeposed: (error) => void this.deposed.push(error),
      ...options.system,
    });
    this.counters = this.system.register({
      ...counterKind,
      effects: {
        send: (call) => {
          this.effects.push(call.idempotencyKey);
          return this.send(call);
        },
      },
      ...options.kind,
    });
    this.counters.onCommit((change) => void this.changes.push(change));
  }

  /** A new process over the same journal and clock: recovered and started. */
  static async start(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    await world.system.recover();
    world.system.start();
    return world;
  }

  /** A counter each, at zero. */
  async make(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.counters.create(id, { start: 0 })));
  }

  add(id: string, by = 1): Promise<number> {
    return this.counters.ask(id, { type: "ADD", by }).then((committed) => committed.snapshot.context.value);
  }

  value(id: string): number | undefined {
    return this.counters.peek(id)?.snapshot.context.value;
  }

  /** The value in the row. */
  stored(id: string): number | undefined {
    const row = this.journal.rows.get(`counter/${id}`);
    return row && JSON.parse(row.snapshot).context.value;
  }

  /** The types of the events in an actor's log. */
  logged(id: string): string[] {
    return (this.journal.log.get(`counter/${id}`) ?? []).map(({ event }) => (event as { type: string }).type);
  }

  lines(level: LogLine["level"]): readonly LogLine[] {
    return this.log.lines.filter((line) => line.level === level);
  }
}

/** The error a promise is rejected with; it is a failure when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it should have been rejected");
}

/** Holds every commit of a journal until it is let go. */
export function hold(journal: MemoryJournal): { release(): void; readonly held: number } {
  const gate = Promise.withResolvers<void>();
  let held = 0;
  journal.fault = async (_, write) => {
    held += 1;
    await gate.promise;
    write();
  };
  return {
    release: () => {
      journal.fault = null;
      gate.resolve();
    },
    get held() {
      return held;
    },
  };
}

/** One process's connection to a journal that outlives it: once cut, nothing it has under way reaches the journal. */
export class Connection implements Journal {
  cut = false;

  constructor(private readonly journal: MemoryJournal) {}

  commit(...[batch]: Parameters<Journal["commit"]>): Promise<void> {
    if (this.cut) return Promise.reject(new Error("the process is dead"));
    return this.journal.commit(batch.map((entry) => this.#guarded(entry)));
  }

  load(...[ref]: Parameters<Journal["load"]>): Promise<StoredActor | null> {
    return this.cut ? Promise.reject(new Error("the process is dead")) : this.journal.load(ref);
  }

  loadLive(kind: string): AsyncIterable<readonly StoredActor[]> {
    return this.journal.loadLive(kind);
  }

  recordPoison(...[poison]: Parameters<Journal["recordPoison"]>): Promise<void> {
    return this.journal.recordPoison(poison);
  }

  /** The journal looks at the version last thing before it writes, which is where a dead process's write must fail. */
  #guarded(entry: Parameters<Journal["commit"]>[0][number]): Parameters<Journal["commit"]>[0][number] {
    const isCut = () => this.cut;
    return {
      ...entry,
      get expectedVersion() {
        if (isCut()) throw new Error("the process is dead");
        return entry.expectedVersion;
      },
    };
  }
}

/** A wall clock that can be set without the timers noticing, as `settimeofday` does it. */
export class SettableClock extends FakeClock {
  #skew: Millis = 0;

  override now(): Millis {
    return super.now() + this.#skew;
  }

  set(by: Millis): void {
    this.#skew += by;
  }
}
