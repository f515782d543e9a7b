/** The pure side of a machine gives what an XState actor of it gives, and stores it in the same form. */
import { describe, expect, test } from "bun:test";
import { type AnyMachineSnapshot, type AnyStateMachine, createActor, type EventObject } from "xstate";
import { jobMachine } from "../../../src/actors/job/machine.ts";
import { Computation } from "../../../src/actors/runtime/computation.ts";
import type { Json } from "../../../src/actors/runtime/index.ts";
import { seeded } from "../../support/seeded.ts";
import { allJobEvents, jobInput, T0 } from "../fixtures.ts";
import { counterMachine } from "./counter.ts";

const stored = (value: unknown): Json => JSON.parse(JSON.stringify(value));
const eventOf = (fields: Readonly<Record<string, unknown>>) => fields as unknown as EventObject;
const persistedBy = (actor: { getPersistedSnapshot(): unknown }): Json => stored(actor.getPersistedSnapshot());

/** Walks an actor and a computation through the same events, and compares them after each. */
function compare(machine: AnyStateMachine, input: unknown, eventsFrom: (state: AnyMachineSnapshot) => EventObject[]) {
  const random = seeded(11);
  const computation = new Computation(machine);
  let changes = 0;
  for (let walk = 0; walk < 40; walk++) {
    let actor = createActor(machine, { input });
    actor.start();
    let state = computation.begin(input);
    for (let step = 0; step < 40; step++) {
      const text = stored(computation.persist(state));
      expect(text).toEqual(persistedBy(actor));
      // Restarted in between, each from what the other has stored.
      state = computation.restore(persistedBy(actor));
      actor = createActor(machine, { input, snapshot: text } as never);
      actor.start();
      const events = eventsFrom(state);
      const event = events[Math.floor(random() * events.length)];
      if (event === undefined) break;
      const before = actor.getSnapshot();
      actor.send(event);
      const next = computation.next(state, event);
      expect(next === state).toBe(actor.getSnapshot() === before);
      if (next !== state) changes += 1;
      state = next;
    }
  }
  return changes;
}

describe("a computation", () => {
  test("walks a job as an actor does, and loads what an actor has stored", () => {
    const changes = compare(jobMachine, jobInput(), ({ context }) =>
      allJobEvents(context.live, context.attempt).map((event) => eventOf({ ...event, at: T0 + 1 })),
    );
    expect(changes).toBeGreaterThan(40);
  });

  test("takes nothing after the end, like an actor that has stopped", () => {
    const types = ["ADD", "WAIT", "OWE", "CLOSE", "CLOSE", "SENT"];
    const changes = compare(counterMachine, { start: 1, at: T0 }, () =>
      types.map((type) => eventOf({ type, by: 1, until: T0, key: "send/1", at: T0 })),
    );
    expect(changes).toBeGreaterThan(60);
    const computation = new Computation(counterMachine);
    const closed = computation.next(computation.begin({ start: 1, at: T0 }), { type: "CLOSE" });
    expect(closed.status).toBe("done");
    expect(computation.next(closed, eventOf({ type: "ADD", by: 1 }))).toBe(closed);
  });

  test("throws what the machine throws, and the snapshot it came from can still be used", () => {
    const computation = new Computation(counterMachine);
    expect(() => computation.begin({ start: -1, at: T0 })).toThrow("a counter does not start below zero");
    expect(() => computation.restore(null)).toThrow();
    expect(() => computation.restore({ value: "nowhere", status: "active", context: {}, children: {} })).toThrow();
    const state = computation.begin({ start: 1, at: T0 });
    for (const type of ["THROW_IN_ACTION", "THROW_IN_GUARD"]) expect(() => computation.next(state, { type })).toThrow();
    const after = computation.next(state, eventOf({ type: "ADD", by: 4 }));
    expect([state.context.value, after.context.value]).toEqual([1, 5]);
  });
});
