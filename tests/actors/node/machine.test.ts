/** The statechart of a node, explored: every state that any sequence of events leads to, and every event in each. */
import { describe, expect, test } from "bun:test";
import { createActor } from "xstate";
import {
  evictionOf,
  nodeStateName,
  noticeOf,
  presenceOf,
  unavailabilityOf,
  uptimeOf,
} from "../../../src/actors/node/kind.ts";
import { nodeMachine } from "../../../src/actors/node/machine.ts";
import { nodePolicy, nodeProfile, T0, uuid } from "../fixtures.ts";
import {
  ban,
  begin,
  complaint,
  cordon,
  drain,
  type Event,
  outcome,
  type Snapshot,
  serviceOf,
  standingOf,
  step,
  strictPolicy,
  unban,
  uncordon,
} from "./stepping.ts";

const registered = (bootId: string, port = 5000): Event => ({
  type: "REGISTERED",
  profile: nodeProfile({ port }),
  policy: strictPolicy,
  bootId,
});
/** Before the first event's time and long after. */
const SOON = T0 + 100;
const operators: readonly Event[] = [cordon(), drain(), drain(SOON), uncordon, ban(), ban(SOON, true), unban];
const ends: readonly Event[] = (["DRAIN_OVER", "BAN_OVER", "SET_ASIDE_OVER"] as const).flatMap((type) => [
  { type, until: SOON },
  { type, until: T0 + 60_001 },
]);
const events: readonly Event[] = [
  { type: "HEARD" },
  { type: "DEADLINE" },
  { type: "LOAD", busy: true },
  { type: "LOAD", busy: false },
  { type: "CALLABLE", proven: false },
  { type: "CALLABLE", proven: true },
  { type: "UNCALLABLE" },
  ...operators,
  ...ends,
  registered("boot-1"),
  registered("boot-2"),
  registered("boot-1", 6000),
  outcome(1, "completed"),
  outcome(2, "failed"),
  outcome(3, "rejected"),
  complaint(1),
];

/** XState's types ask for an input beside a snapshot, which has none. */
const startFrom = (snapshot: unknown) => createActor(nodeMachine, { snapshot } as never).start();

const explored: readonly Snapshot[] = (() => {
  const shapeOf = ({ value, context: { reachability, failedJobs, setAside, ban, drainUntil } }: Snapshot): string =>
    JSON.stringify([value, reachability, failedJobs.length, setAside !== null, ban, drainUntil]);
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
  test("can be reached, in every combination of presence, service and standing", () => {
    const combinations = new Set(explored.map((one) => `${presenceOf(one)}/${serviceOf(one)}/${standingOf(one)}`));
    expect(combinations.size).toBe(4 * 4 * 3);
    const names = "online.idle online.busy suspect offline cordoned draining drained set_aside banned";
    expect(new Set(explored.map(nodeStateName))).toEqual(new Set(names.split(" ")));
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

  test("stays in or out of service whatever is heard of the node or becomes of its jobs; only an operator changes it", () => {
    for (const snapshot of explored) {
      for (const event of events) {
        if (operators.includes(event) || event.type === "DRAIN_OVER") continue;
        expect(serviceOf(step(snapshot, event, T0 + 5))).toBe(serviceOf(snapshot));
      }
    }
  });

  test("stays banned whatever it does: an operator's word or the end of the ban lifts it, and no heartbeat", () => {
    for (const snapshot of explored.filter((one) => standingOf(one) === "banned")) {
      for (const event of events) {
        const lifted = standingOf(step(snapshot, event, T0 + 5)) !== "banned";
        const end = event.type === "BAN_OVER" && event.until === snapshot.context.ban?.until;
        expect([event.type, lifted]).toEqual([event.type, event.type === "UNBAN" || end]);
      }
    }
  });

  test("says the same in its name, its standing, its notice and to the scheduler", () => {
    for (const snapshot of explored) {
      const { context } = snapshot;
      expect([standingOf(snapshot) === "banned", standingOf(snapshot) === "setAside"]).toEqual([
        context.ban !== null,
        context.setAside !== null,
      ]);
      const name = nodeStateName(snapshot);
      const out = serviceOf(snapshot) !== "inService" || standingOf(snapshot) !== "good";
      expect([name, noticeOf(snapshot) !== null]).toEqual([name, out]);
      const unavailable = unavailabilityOf(snapshot);
      if (out || !name.startsWith("online.")) expect(unavailable).not.toBeNull();
      else expect(unavailable).toBe(context.reachability === "uncallable" ? "uncallable" : null);
      const moved = serviceOf(snapshot) === "drained" || context.ban?.evict === true;
      expect([name, evictionOf(snapshot) !== null]).toEqual([name, moved]);
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
        const there = step(back as Snapshot, event, T0 + 5);
        expect([there === back, there.value, there.context]).toEqual([here === snapshot, here.value, here.context]);
      }
    }
  });
});

describe("what a node is remembered for", () => {
  test("an outcome counts once, however often it is told; of a later job under the same id it counts again", () => {
    let snapshot = begin({ policy: nodePolicy });
    for (const event of [
      outcome(1, "completed"),
      outcome(1, "completed"),
      outcome(1, "failed", { attempt: 2 }),
      outcome(1, "rejected", { attempt: 3 }),
    ])
      snapshot = step(snapshot, event, T0 + 1);
    expect(snapshot.context).toMatchObject({ jobsCompleted: 1, jobsFailed: 1 });
    expect(step(snapshot, outcome(1, "failed", { attempt: 2 }), T0 + 2)).toBe(snapshot);
    const another = step(snapshot, outcome(1, "completed", { jobCreatedAt: T0 + 9 }), T0 + 2);
    expect(another.context.jobsCompleted).toBe(2);
  });

  test("an attempt's silence is one thing, its end another, and the end after its return a third", () => {
    let snapshot = begin({ policy: nodePolicy });
    const told = [outcome(1, "silent"), outcome(1, "lost"), outcome(1, "completed", { returns: 1 })];
    for (const event of [...told, ...told]) snapshot = step(snapshot, event);
    expect(snapshot.context).toMatchObject({ jobsCompleted: 1, jobsFailed: 1, reputation: 75 - 2 - 5 + 1 });
    expect(snapshot.context.recorded).toEqual([
      `${uuid(1)}@${T0}/1/silent`,
      `${uuid(1)}@${T0}/1`,
      `${uuid(1)}@${T0}/1+1`,
    ]);
  });

  test("the lists of outcomes, complaints and changes do not grow without end", () => {
    let snapshot = begin({ policy: nodePolicy });
    for (let attempt = 1; attempt <= 400; attempt++) {
      snapshot = step(snapshot, outcome(1, "completed", { attempt }), T0);
      if (attempt <= 300) snapshot = step(snapshot, complaint(1, attempt), T0);
    }
    const { recorded, complaints, changes, changeCount, jobsCompleted } = snapshot.context;
    expect([recorded.length, complaints.length, changes.length, jobsCompleted]).toEqual([256, 256, 3, 400]);
    expect(changes.at(-1)?.number).toBe(changeCount);
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
