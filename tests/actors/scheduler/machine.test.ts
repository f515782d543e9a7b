import { expect, test } from "bun:test";
import { createActor } from "xstate";
import { type SchedulerEvent, schedulerMachine } from "../../../src/actors/scheduler/machine.ts";

const types = ["LEADER_STARTED", "RECONCILED", "PAUSE", "RESUME"] as const;
type Type = (typeof types)[number];
const event = (type: Type): SchedulerEvent =>
  (type === "PAUSE" ? { type, reason: "why", at: 1 } : { type, at: 1 }) as SchedulerEvent;

/** Where the events lead; "-" in front of what was refused. */
function walk(...path: Type[]): string[] {
  const actor = createActor(schedulerMachine, { input: { at: 0 } }).start();
  return path.map((type) => {
    const before = actor.getSnapshot();
    actor.send(event(type));
    const after = actor.getSnapshot();
    return `${after === before ? "-" : ""}${String(after.value)}`;
  });
}

test("the scheduler brokers after it has reconciled, pauses and resumes", () => {
  expect(walk("RECONCILED", "PAUSE", "RESUME")).toEqual(["brokering", "paused", "brokering"]);
});

test("a pause outlives a restart, also one that comes while it reconciles", () => {
  expect(walk("RECONCILED", "PAUSE", "LEADER_STARTED", "RECONCILED")).toEqual([
    "brokering",
    "paused",
    "reconciling",
    "paused",
  ]);
  expect(walk("PAUSE", "RECONCILED", "LEADER_STARTED", "RESUME", "RECONCILED")).toEqual([
    "reconciling",
    "paused",
    "reconciling",
    "reconciling",
    "brokering",
  ]);
});

test("what means nothing is refused", () => {
  expect(walk("RECONCILED", "RESUME", "RECONCILED")).toEqual(["brokering", "-brokering", "-brokering"]);
  expect(walk("RESUME", "PAUSE", "PAUSE")).toEqual(["-reconciling", "reconciling", "-reconciling"]);
  expect(walk("RECONCILED", "PAUSE", "PAUSE")).toEqual(["brokering", "paused", "-paused"]);
});

test("stored and read back in every state it goes on in the same way", () => {
  const paths: Type[][] = [[], ["PAUSE"], ["RECONCILED"], ["RECONCILED", "PAUSE"]];
  for (const path of paths) {
    for (const next of types) {
      const actor = createActor(schedulerMachine, { input: { at: 0 } }).start();
      for (const type of path) actor.send(event(type));
      const stored = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
      const back = createActor(schedulerMachine, { snapshot: stored } as never).start();
      expect([back.getSnapshot().value, back.getSnapshot().context]).toEqual([
        actor.getSnapshot().value,
        actor.getSnapshot().context,
      ]);
      for (const one of [actor, back]) one.send(event(next));
      expect([back.getSnapshot().value, back.getSnapshot().context]).toEqual([
        actor.getSnapshot().value,
        actor.getSnapshot().context,
      ]);
    }
  }
});
