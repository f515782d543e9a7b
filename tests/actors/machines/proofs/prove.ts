/**
 * What is proved of a machine in every situation it can be brought into. One set of tests, told by each machine what its
 * events are and which of its states have no deadline of their own.
 */
import { describe, expect, test } from "bun:test";
import { type AnyStateMachine, createActor, type SnapshotFrom } from "xstate";
import {
  type ActorKind,
  ActorSystem,
  dottedState,
  EventRejected,
  type Json,
  owedByMeta,
  replay,
} from "../../../../src/actors/runtime/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { quietLog } from "../../../support/quiet.ts";
import { next, plain, reach, type Situation, type StampedEvent, type World } from "./graph.ts";

/** States without a deadline of their own: what they wait for instead, and why that comes, or need not. */
export interface Waits<M extends AnyStateMachine> {
  readonly what: string;
  readonly applies: (snapshot: SnapshotFrom<M>) => boolean;
  /** What is also true of every such situation, where something must be for the wait to end. */
  readonly holds?: (snapshot: SnapshotFrom<M>) => boolean;
}

export interface Subject<M extends AnyStateMachine> {
  readonly kind: ActorKind<M>;
  readonly worlds: readonly (World<M> & { readonly name: string })[];
  /** At least one event of each type of the union, for this situation. */
  readonly events: (snapshot: SnapshotFrom<M>) => readonly StampedEvent[];
  /** The source that declares the union of the events. */
  readonly source: string;
  /** All there are: each must apply somewhere, and a state without a deadline must be among them. */
  readonly waits: readonly Waits<M>[];
  /** Nothing leads out of it; only bookkeeping is left. */
  readonly isOver: (snapshot: SnapshotFrom<M>) => boolean;
  /** Fewer than this, and the walk has gone wrong. */
  readonly atLeast: number;
}

const UNKNOWN = "NO_SUCH_EVENT";

/** Thousands of situations, hundreds of events each: seconds on a quiet machine, many on a busy one. */
const LONG = 400_000;
const proof = (name: string, run: () => void | Promise<void>): void => test(name, run, LONG);

const text = (value: unknown): string => JSON.stringify(value);

/** The types in a union of events, read from its source, so that a new one cannot be forgotten here. */
async function declaredTypes(source: string): Promise<readonly string[]> {
  const code = await Bun.file(new URL(`../../../../src/actors/${source}`, import.meta.url)).text();
  return [...new Set([...code.matchAll(/readonly type: "([A-Z_]+)"/g)].map(([, name]) => name ?? ""))].sort();
}

/** The same state with the same memory: all that is stored of a machine without children. */
function isSame(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other] as { readonly value: unknown; readonly context: unknown; readonly status: string }[];
  return Bun.deepEquals([a?.value, a?.status, a?.context], [b?.value, b?.status, b?.context]);
}

const restored = <M extends AnyStateMachine>(machine: M, stored: Json): SnapshotFrom<M> => {
  const actor = createActor(machine, { snapshot: stored } as never);
  actor.subscribe({ error: () => {} });
  return actor.start().getSnapshot() as SnapshotFrom<M>;
};

export function prove<M extends AnyStateMachine>(subject: Subject<M>): void {
  const { kind, worlds, events, waits, isOver, atLeast } = subject;
  const { machine } = kind;
  const stateOf = (snapshot: SnapshotFrom<M>): string =>
    kind.stateName?.(snapshot) ?? dottedState((snapshot as { readonly value: unknown }).value);
  const persisted = (snapshot: SnapshotFrom<M>): Json =>
    plain(machine.getPersistedSnapshot(snapshot as never)) as unknown as Json;
  const owed = (snapshot: SnapshotFrom<M>) => kind.owes?.(snapshot) ?? owedByMeta(snapshot as never);
  const named = ({ snapshot, log }: Situation<M>): string =>
    `${stateOf(snapshot)} after ${log.map((event) => (event as { readonly type: string }).type).join(" ")}`;
  const situations = worlds.flatMap((world) => reach(world));

  /** Fails with the way into the first situations that break the rule, and how many there are. */
  function everywhere(rule: (situation: Situation<M>) => string | null): void {
    const broken = situations.flatMap((situation) => {
      const fault = rule(situation);
      return fault === null ? [] : [`${named(situation)}: ${fault}`];
    });
    expect([broken.length, ...broken.slice(0, 3)]).toEqual([0]);
  }

  describe(`in every situation a ${kind.name} can be in`, () => {
    proof("of which there are many, and every type of event is tried in each", async () => {
      expect(situations.length).toBeGreaterThanOrEqual(atLeast);
      const types = await declaredTypes(subject.source);
      expect(types.length).toBeGreaterThan(0);
      everywhere(({ snapshot }) => {
        const tried = new Set(events(snapshot).map(({ type }) => type));
        const missing = types.filter((type) => !tried.has(type));
        return missing.length === 0 ? null : `${missing.join(", ")} is not tried`;
      });
    });

    proof("there is an exit by time, or it is one of those that wait for what is written here (I4)", () => {
      everywhere(({ snapshot }) => {
        const at = kind.deadline(snapshot);
        const listed = waits.filter((one) => one.applies(snapshot));
        if (kind.finished(snapshot)) return at === null ? null : "it is finished and has a deadline";
        if (at === null) return listed.length > 0 ? null : "it has no deadline";
        if (!Number.isFinite(at)) return `${at} is no time`;
        return listed.length === 0 ? null : "it has a deadline and is listed as having none";
      });
      for (const { what, applies, holds } of waits) {
        const found = situations.filter(({ snapshot }) => !kind.finished(snapshot) && applies(snapshot));
        expect([what, found.length > 0]).toEqual([what, true]);
        const without = found.filter(({ snapshot }) => holds && !holds(snapshot)).map(named);
        expect([what, ...without.slice(0, 3)]).toEqual([what]);
      }
    });

    proof("its deadline, when it is due, ends the wait; where there is none it is refused", () => {
      everywhere(({ snapshot }) => {
        const at = kind.deadline(snapshot);
        const due = events(snapshot).find(({ type }) => type === "DEADLINE");
        if (at === null || !due) {
          return due && next(machine, snapshot, due) !== snapshot ? "a deadline out of nowhere is taken" : null;
        }
        const after = next(machine, snapshot, { ...due, at: Math.max(at, due.at) });
        if (after === snapshot) return "its deadline is refused";
        return stateOf(after) === stateOf(snapshot) ? `it is ${stateOf(after)} as before` : null;
      });
    });

    proof("every event is a transition or is refused, unknown ones are refused, and none throws", () => {
      everywhere(({ snapshot }) => {
        const given = [...events(snapshot), { type: UNKNOWN, at: 0 }, { type: "", at: 0 }];
        for (const event of given) {
          try {
            const after = next(machine, snapshot, event);
            if (after !== snapshot && (event.type === UNKNOWN || event.type === "")) return "an unknown event is taken";
            if (after !== snapshot && isSame(after, snapshot)) return `${text(event)} is taken and changes nothing`;
            // What cannot be committed is poison: the same questions are asked of every new state before it is stored.
            if (after !== snapshot) {
              const at = kind.deadline(after);
              if (at !== null && !Number.isFinite(at)) return `${text(event)} leads to the deadline ${at}`;
              kind.row?.(after, 1);
            }
          } catch (error) {
            return `${text(event)} throws ${error}`;
          }
        }
        return null;
      });
    });

    proof("the same event gives the same state, and changes nothing of the one it came from", () => {
      everywhere(({ snapshot }) => {
        const before = persisted(snapshot);
        for (const event of worldMoves(snapshot)) {
          if (!isSame(next(machine, snapshot, event), next(machine, snapshot, event))) return text(event);
        }
        return Bun.deepEquals(persisted(snapshot), before) ? null : "it was changed in place";
      });
    });

    proof("stored, restored and stored again it is the same, owes the same, and goes on the same way", () => {
      everywhere(({ snapshot }) => {
        const stored = persisted(snapshot);
        const again = restored(machine, kind.upgrade?.(stored) ?? stored);
        if (text(persisted(again)) !== text(stored)) return `stored again it is ${text(persisted(again))}`;
        if (kind.deadline(again) !== kind.deadline(snapshot)) return "it has another deadline";
        if (stateOf(again) !== stateOf(snapshot)) return `it is ${stateOf(again)}`;
        if (text(owed(again)) !== text(owed(snapshot))) return `it owes ${text(owed(again))}`;
        if (text(kind.row?.(again, 3)) !== text(kind.row?.(snapshot, 3))) return "it has another row";
        for (const event of worldMoves(snapshot)) {
          const [one, other] = [next(machine, snapshot, event), next(machine, again, event)];
          if ((one === snapshot) !== (other === again)) return `${event.type} is taken by one of both`;
          if (!isSame(one, other)) return `${event.type} leads elsewhere`;
        }
        return null;
      });
    });

    proof("its log, replayed, gives it (I9)", () => {
      everywhere(({ snapshot, log }) => {
        const { snapshot: replayed } = replay(kind as unknown as ActorKind, plain(log));
        return text(plain(replayed)) === text(persisted(snapshot)) ? null : `it gives ${text(replayed)}`;
      });
    });

    proof("what is over stays as it ended", () => {
      everywhere(({ snapshot }) => {
        if (kind.finished(snapshot) && !isOver(snapshot)) return "it leaves memory and is not over";
        if (!isOver(snapshot)) return null;
        for (const event of events(snapshot)) {
          const after = next(machine, snapshot, event);
          if (stateOf(after) !== stateOf(snapshot)) return `${event.type} leads to ${stateOf(after)}`;
          if (kind.finished(snapshot) && after !== snapshot) return `${event.type} is taken though it is finished`;
        }
        return null;
      });
    });

    proof("the runtime commits every event or answers EventRejected, and puts nothing aside", async () => {
      const oneOfEach = new Map(situations.map((situation) => [stateOf(situation.snapshot), situation]));
      for (const situation of oneOfEach.values()) {
        for (const event of oneOfEachType([...worldMoves(situation.snapshot), { type: UNKNOWN, at: 0 }])) {
          expect([named(situation), event.type, await answerOf(situation.snapshot, event)]).toEqual([
            named(situation),
            event.type,
            next(machine, situation.snapshot, stampedLike(event)) === situation.snapshot ? "rejected" : "committed",
          ]);
        }
      }
    });
  });

  /** What the walk itself tries: fewer than `events`, each of them of consequence somewhere. */
  function worldMoves(snapshot: SnapshotFrom<M>): readonly StampedEvent[] {
    return worlds[0]?.moves(snapshot) ?? [];
  }

  const stampedLike = (event: StampedEvent) => (kind.rules === undefined ? event : { ...event, rules: kind.rules });

  /** The actor alone in a real system, stored as it is, asked at the event's own time. Its effects are no part of this. */
  async function answerOf(snapshot: SnapshotFrom<M>, { at, ...event }: StampedEvent): Promise<string> {
    const journal = new MemoryJournal();
    const id = "one";
    journal.rows.set(`${kind.name}/${id}`, {
      version: 5,
      state: stateOf(snapshot),
      snapshot: text(persisted(snapshot)),
      deadline: null,
      finished: kind.finished(snapshot),
      updatedAt: at,
    });
    const system = new ActorSystem({
      clock: new FakeClock(at),
      journal,
      log: quietLog,
      outsideGrace: 1e9,
      maxPending: 10,
      onDeposed: () => {},
    });
    const actors = system.register({ ...kind, deadline: () => null, owes: () => [], effects: {} });
    await system.recover();
    system.start();
    const answer = await actors.ask(id, event as never).then(
      () => "committed",
      (error) => (error instanceof EventRejected ? "rejected" : `${error}`),
    );
    await system.stop();
    return journal.poison.length === 0 ? answer : `poison: ${journal.poison[0]?.error}`;
  }
}

const oneOfEachType = (events: readonly StampedEvent[]): readonly StampedEvent[] => [
  ...new Map(events.map((event) => [event.type, event])).values(),
];
