/** The statechart of a node, explored: every state that any sequence of events leads to, and every event in each. */
import { describe, expect, test } from "bun:test";
import { createActor, type SnapshotFrom } from "xstate";
import { nodeStateName, presenceOf, uptimeOf } from "../../../src/actors/node/kind.ts";
import { nodeMachine } from "../../../src/actors/node/machine.ts";
import type { NodeEvent } from "../../../src/actors/node/state.ts";
import { nodeInput, nodePolicy, nodeProfile, T0, type Unstamped, uuid } from "../fixtures.ts";

type Snapshot = SnapshotFrom<typeof nodeMachine>;
type Event = Unstamped<NodeEvent>;

const registered = (bootId: string, port = 5000): Event => ({
  type: "REGISTERED",
  profile: nodeProfile({ port }),
  policy: nodePolicy,
  bootId,
});
const outcome = (attempt: number, of: "completed" | "failed" | "rejected" | "lost"): Event => ({
  type: "OUTCOME",
  jobId: uuid(1),
  jobCreatedAt: T0,
  attempt,
  outcome: of,
});
const events: readonly Event[] = [
  { type: "HEARD" },
  { type: "DEADLINE" },
  { type: "LOAD", busy: true },
  { type: "LOAD", busy: false },
  { type: "CALLABLE", proven: false },
  { type: "CALLABLE", proven: true },
  { type: "UNCALLABLE" },
  { type: "DRAIN", reason: "update", by: "operator", until: null },
  { type: "BAN", reason: "lied", by: "operator", until: null, evict: false },
  { type: "UNCORDON", reason: "repaired", by: "operator" },
  { type: "UNBAN", reason: "appealed", by: "operator" },
  registered("boot-1"),
  registered("boot-2"),
  registered("boot-1", 6000),
  outcome(1, "completed"),
  outcome(2, "failed"),
];

/** XState's types ask for an input beside a snapshot, which has none. */
const startFrom = (snapshot: unknown) => createActor(nodeMachine, { snapshot } as never).start();
const begin = (): Snapshot => createActor(nodeMachine, { input: nodeInput() }).start().getSnapshot();

function step(snapshot: Snapshot, event: Event, at: number): Snapshot {
  const actor = startFrom(snapshot);
  const before = actor.getSnapshot();
  actor.send({ ...event, at } as NodeEvent);
  const after = actor.getSnapshot();
  if (after.status === "error") throw after.error;
  return after === before ? snapshot : after;
}

const standingOf = (snapshot: Snapshot): string => (snapshot.value as { standing: string }).standing;

const explored: readonly Snapshot[] = (() => {
  const shapeOf = ({ value, context }: Snapshot): string =>
    JSON.stringify([value, context.reachability, Math.min(1, context.unreachableCount), context.recorded.length]);
  const found = new Map<string, Snapshot>();
  const queue = [begin()];
  for (let snapshot = queue.shift(); snapshot !== undefined; snapshot = queue.shift()) {
    for (const event of events) {
      const next = step(snapshot, event, T0 + 1);
      if (found.has(shapeOf(next))) continue;
      found.set(shapeOf(next), next);
      queue.push(next);
    }
  }
  return [...found.values()];
})();

describe("every state of a node", () => {
  test("can be reached, in every combination of presence and standing", () => {
    const combinations = new Set(explored.map((one) => `${presenceOf(one)}/${standingOf(one)}`));
    expect(combinations.size).toBe(4 * 3);
    expect(new Set(explored.map(nodeStateName))).toEqual(
      new Set(["online.idle", "online.busy", "suspect", "offline", "maintenance", "banned"]),
    );
  });

  test("takes every event or refuses it, and throws at none", () => {
    for (const snapshot of explored) for (const event of events) step(snapshot, event, T0 + 5);
  });

  test("has a deadline unless it is offline, and is online for as long as it is counted as such", () => {
    for (const snapshot of explored) {
      const presence = presenceOf(snapshot);
      expect([presence, snapshot.context.deadline === null]).toEqual([presence, presence === "offline"]);
      expect([presence, snapshot.context.onlineSince !== null]).toEqual([presence, presence.startsWith("online")]);
    }
  });

  test("keeps its standing whatever is heard of the node; only an operator changes it", () => {
    for (const snapshot of explored) {
      for (const event of events) {
        if (event.type === "DRAIN" || event.type === "BAN" || event.type === "UNCORDON" || event.type === "UNBAN")
          continue;
        expect(standingOf(step(snapshot, event, T0 + 5))).toBe(standingOf(snapshot));
      }
    }
  });

  test("stays busy or idle whatever is heard; only the load changes it", () => {
    for (const snapshot of explored) {
      const presence = presenceOf(snapshot);
      if (!presence.startsWith("online")) continue;
      for (const event of events) {
        if (event.type === "LOAD" || event.type === "DEADLINE") continue;
        expect(presenceOf(step(snapshot, event, T0 + 5))).toBe(presence);
      }
    }
  });

  test("takes the load only while it is online, and only when it changes", () => {
    for (const snapshot of explored) {
      for (const busy of [true, false]) {
        const taken = step(snapshot, { type: "LOAD", busy }, T0 + 5) !== snapshot;
        expect(taken).toBe(presenceOf(snapshot) === (busy ? "online.idle" : "online.busy"));
      }
    }
  });

  test("hears a heartbeat only after silence", () => {
    for (const snapshot of explored) {
      const gone = !presenceOf(snapshot).startsWith("online");
      const next = step(snapshot, { type: "HEARD" }, T0 + 5);
      expect(next !== snapshot).toBe(gone);
      if (gone) expect(presenceOf(next)).toBe("online.idle");
    }
  });

  test("stored and read back is the same, and goes on in the same way", () => {
    for (const snapshot of explored) {
      const stored = JSON.parse(JSON.stringify(startFrom(snapshot).getPersistedSnapshot()));
      const back = startFrom(stored).getSnapshot();
      expect([back.value, back.context, back.getMeta()]).toEqual([
        snapshot.value,
        snapshot.context,
        snapshot.getMeta(),
      ]);
      for (const event of events) {
        const here = step(snapshot, event, T0 + 5);
        const there = step(back, event, T0 + 5);
        expect([there === back, there.value, there.context]).toEqual([here === snapshot, here.value, here.context]);
      }
    }
  });
});

describe("what a node is remembered for", () => {
  test("an outcome counts once, however often it is told; of a later job under the same id it counts again", () => {
    let snapshot = begin();
    for (const event of [
      outcome(1, "completed"),
      outcome(1, "completed"),
      outcome(2, "failed"),
      outcome(3, "rejected"),
    ])
      snapshot = step(snapshot, event, T0 + 1);
    expect(snapshot.context).toMatchObject({ jobsCompleted: 1, jobsFailed: 1 });
    expect(step(snapshot, outcome(2, "failed"), T0 + 2)).toBe(snapshot);
    const another = step(snapshot, { ...outcome(1, "completed"), jobCreatedAt: T0 + 9 } as Event, T0 + 2);
    expect(another.context.jobsCompleted).toBe(2);
  });

  test("the list of outcomes does not grow without end", () => {
    let snapshot = begin();
    for (let attempt = 1; attempt <= 400; attempt++) snapshot = step(snapshot, outcome(attempt, "completed"), T0);
    expect(snapshot.context.recorded.length).toBe(256);
    expect(snapshot.context.jobsCompleted).toBe(400);
  });

  test("uptime counts the time it was heard from, silence until it was noticed included", () => {
    let snapshot = begin();
    expect(uptimeOf(snapshot.context, T0)).toBe(100);
    snapshot = step(snapshot, { type: "DEADLINE" }, T0 + 15_000);
    expect(uptimeOf(snapshot.context, T0 + 30_000)).toBe(50);
    snapshot = step(snapshot, { type: "DEADLINE" }, T0 + 45_000);
    snapshot = step(snapshot, { type: "HEARD" }, T0 + 60_000);
    expect(uptimeOf(snapshot.context, T0 + 60_000)).toBe(25);
    snapshot = step(snapshot, registered("boot-2"), T0 + 75_000);
    expect(uptimeOf(snapshot.context, T0 + 90_000)).toBe(50);
    expect(uptimeOf(snapshot.context, T0 - 1)).toBe(100);
  });

  test("a new boot or a new address makes it worth probing again; the same ones do not", () => {
    const uncallable = step(begin(), { type: "UNCALLABLE" }, T0 + 1);
    expect(uncallable.context).toMatchObject({ reachability: "uncallable", unreachableCount: 1 });
    expect(step(uncallable, registered("boot-1"), T0 + 2).context.reachability).toBe("uncallable");
    expect(step(uncallable, registered("boot-2"), T0 + 2).context.reachability).toBe("unknown");
    expect(step(uncallable, registered("boot-1", 6000), T0 + 2).context.reachability).toBe("unknown");
    const answered = step(uncallable, { type: "CALLABLE", proven: false }, T0 + 2);
    expect(answered.context).toMatchObject({ reachability: "callable", unreachableCount: 1 });
    expect(step(answered, { type: "CALLABLE", proven: true }, T0 + 3).context.unreachableCount).toBe(0);
  });
});
