import { describe, expect, test } from "bun:test";
import { JournalRejected } from "../../../src/actors/runtime/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { refusal, toyWorld } from "./toy.ts";

/** Lets commits wait until `open` is called. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("an ask", () => {
  test("is answered after the commit, and nothing is seen before it", async () => {
    const seen: string[] = [];
    const world = await toyWorld({
      effect: async ({ owed }) => {
        seen.push(`effect ${owed.key}`);
        return null;
      },
    });
    await world.toys.create("a", { sum: 1 });
    const { opened, open } = gate();
    world.journal.fault = async (_, write) => {
      await opened;
      write();
    };
    const before = world.changes.length;
    let answered = false;
    const asked = world.toys.ask("a", { type: "OWE", key: "k" }).then((committed) => {
      answered = true;
      return committed;
    });
    await settle();
    expect(answered).toBe(false);
    expect(seen).toEqual([]);
    expect(world.changes.length).toBe(before);
    expect(world.toys.peek("a")?.version).toBe(1);
    open();
    const committed = await asked;
    expect(committed.version).toBe(2);
    expect(world.journal.rows.get("toy/a")?.version).toBe(2);
    await settle();
    expect(seen).toEqual(["effect k"]);
    expect(world.changes.at(-1)).toMatchObject({ event: "OWE", before: { version: 1 }, after: { version: 2 } });
  });

  test("answers before listeners are told, and listeners see the committed state", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    const peeked: unknown[] = [];
    world.toys.onCommit(({ after }) => peeked.push([after.version, world.toys.peek("a")?.version]));
    await world.toys.ask("a", { type: "ADD", by: 2 });
    expect(peeked).toEqual([[2, 2]]);
  });

  test("keeps the order of the mailbox", async () => {
    const world = await toyWorld();
    const answers: number[] = [];
    const all = [world.toys.create("a", { sum: 0 }).then(({ committed }) => answers.push(committed.version))];
    for (let by = 1; by <= 50; by++)
      all.push(world.toys.ask("a", { type: "ADD", by }).then(({ version }) => answers.push(version)));
    await Promise.all(all);
    expect(answers).toEqual(Array.from({ length: 51 }, (_, index) => index + 1));
    const log = world.journal.log.get("toy/a") ?? [];
    expect(log.slice(1).map(({ event }) => (event as { by: number }).by)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  test("of many actors shares commits, with one transition of each actor per commit", async () => {
    const world = await toyWorld();
    const batches: string[][] = [];
    world.journal.fault = (batch, write) => {
      batches.push(batch.map(({ ref }) => ref.id));
      write();
    };
    await Promise.all(Array.from({ length: 1200 }, (_, index) => world.toys.create(`a${index}`, { sum: 0 })));
    expect(batches.map(({ length }) => length)).toEqual([500, 500, 200]);
    batches.length = 0;
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => world.toys.ask(`a${index % 100}`, { type: "ADD", by: 1 })),
    );
    expect(batches.length).toBeLessThanOrEqual(4);
    for (const batch of batches) expect(new Set(batch).size).toBe(batch.length);
  });

  test("that means nothing in this state is refused with the state, and nothing is written", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    const commits = world.journal.commits;
    for (const event of [{ type: "ADD", by: 0 } as const, { type: "DONE", key: "never owed" } as const]) {
      expect(await refusal(world.toys.ask("a", event))).toMatchObject({
        name: "EventRejected",
        eventType: event.type,
        committed: { state: "open", version: 1 },
      });
    }
    expect(world.journal.commits).toBe(commits);
  });

  test("of an actor that does not exist is refused, and leaves nothing in memory", async () => {
    const world = await toyWorld();
    expect(await refusal(world.toys.ask("nobody", { type: "CLOSE" }))).toMatchObject({ name: "ActorUnknown" });
    await settle();
    expect(world.toys.size).toBe(0);
  });

  test("of a finished actor is refused with its last state, read from the journal", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 7 });
    await world.toys.ask("a", { type: "CLOSE" });
    await settle();
    expect(world.toys.size).toBe(0);
    expect(world.toys.peek("a")).toBeUndefined();
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({
      name: "EventRejected",
      committed: { state: "closed", version: 2, finished: true, snapshot: { context: { sum: 7 } } },
    });
    await settle();
    expect(world.toys.size).toBe(0);
  });
});

describe("a creation", () => {
  test("repeated gives the actor that is there", async () => {
    const world = await toyWorld();
    const [first, second] = await Promise.all([world.toys.create("a", { sum: 1 }), world.toys.create("a", { sum: 2 })]);
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.committed.snapshot.context.sum).toBe(1);
    await world.toys.ask("a", { type: "CLOSE" });
    await settle();
    const third = await world.toys.create("a", { sum: 3 });
    expect([third.created, third.committed.state, third.committed.snapshot.context.sum]).toEqual([false, "closed", 1]);
  });

  test("that throws is refused and leaves nothing", async () => {
    const world = await toyWorld();
    expect(await refusal(world.toys.create("a", { sum: -1 }))).toMatchObject({ name: "EventPoisonous" });
    await world.clock.advance(1000);
    expect([world.toys.size, world.journal.rows.size, world.journal.poison.length]).toEqual([0, 0, 1]);
    expect((await world.toys.create("a", { sum: 1 })).created).toBe(true);
  });
});

describe("too much", () => {
  test("for one actor is refused at once", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 0 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 1100 }, () => world.toys.ask("a", { type: "ADD", by: 1 })),
    );
    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused.length).toBe(99);
    expect(refused[0]?.reason).toMatchObject({ name: "ActorOverloaded", retryAfter: 1000 });
    expect(world.sum("a")).toBe(1001);
  });

  test("for the journal is refused at once", async () => {
    const world = await toyWorld({ maxPending: 10 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => world.toys.create(`a${index}`, { sum: 0 })),
    );
    // A creation reads the row first, so the journal's queue grows a little later than the calls come in.
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    const more = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => world.toys.ask(`a${index}`, { type: "ADD", by: 1 })),
    );
    const refused = more.filter((one) => one.status === "rejected");
    expect(refused.length).toBe(40);
    expect(refused[0]?.reason).toMatchObject({ name: "ActorOverloaded" });
  });
});

describe("stopping", () => {
  test("lets what is under way commit, refuses what comes later, and does nothing afterwards", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 0 });
    const { opened, open } = gate();
    world.journal.fault = async (_, write) => {
      await opened;
      write();
    };
    const underWay = [1, 2, 3].map((by) => world.toys.ask("a", { type: "ADD", by }));
    await settle();
    const stopped = world.system.stop();
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 4 }))).toMatchObject({ name: "ActorUnavailable" });
    open();
    await stopped;
    expect((await Promise.all(underWay)).map(({ version }) => version)).toEqual([2, 3, 4]);
    expect(world.journal.rows.get("toy/a")?.version).toBe(4);
    expect(await refusal(world.toys.create("b", { sum: 0 }))).toMatchObject({ name: "ActorUnavailable" });
    await world.system.stop();
  });

  test("refuses what waits for a row that cannot be read, and stops trying to read it", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 0 });
    world.journal.fault = () => {
      throw new Error("connection lost");
    };
    const lost = refusal(world.toys.ask("a", { type: "ADD", by: 1 }));
    const waiting = refusal(world.toys.ask("a", { type: "ADD", by: 2 }));
    expect(await lost).toMatchObject({ name: "ActorUnavailable" });
    world.journal.down = true;
    await world.system.stop();
    expect(await waiting).toMatchObject({ name: "ActorUnavailable" });
    await world.clock.advance(10_000);
    expect(world.clock.pending).toBe(0);
  });

  test("nothing is taken before the start", async () => {
    const world = await toyWorld({ start: false });
    expect(await refusal(world.toys.create("a", { sum: 0 }))).toMatchObject({ name: "ActorUnavailable" });
  });
});

test("a listener that throws does not keep the others from being told, nor the actor from going on", async () => {
  const world = await toyWorld();
  world.toys.onCommit(() => {
    throw new Error("a bad listener");
  });
  const told: string[] = [];
  const off = world.toys.onCommit(({ event }) => told.push(event));
  await world.toys.create("a", { sum: 0 });
  await world.toys.ask("a", { type: "ADD", by: 1 });
  off();
  await world.toys.ask("a", { type: "ADD", by: 1 });
  expect(told).toEqual(["created", "ADD"]);
  expect(world.log.lines.filter(({ level }) => level === "error").length).toBe(3);
});

test("a listener may ask the same actor again; its order is kept", async () => {
  const world = await toyWorld();
  await world.toys.create("a", { sum: 0 });
  let once = true;
  world.toys.onCommit(() => {
    if (!once) return;
    once = false;
    world.toys.tell("a", { type: "ADD", by: 100 });
  });
  await Promise.all([1, 2].map((by) => world.toys.ask("a", { type: "ADD", by })));
  await settle();
  const log = world.journal.log.get("toy/a") ?? [];
  expect(log.slice(1).map(({ event }) => (event as { by: number }).by)).toEqual([1, 2, 100]);
});

test("a told event that does not apply is no trouble; one that is lost is said aloud", async () => {
  const world = await toyWorld();
  await world.toys.create("a", { sum: 0 });
  world.toys.tell("a", { type: "DONE", key: "never owed" });
  await settle();
  expect(world.log.lines.filter(({ level }) => level === "warn")).toEqual([]);
  world.journal.fault = () => {
    throw new JournalRejected("a bad row", false);
  };
  world.toys.tell("a", { type: "ADD", by: 1 });
  await settle();
  expect(world.log.lines.filter(({ level }) => level === "warn").length).toBe(1);
});
