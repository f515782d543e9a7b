import { describe, expect, test } from "bun:test";
import { JournalDeposed, type JournalEntry, JournalRejected } from "../../../src/actors/runtime/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { refusal, toyWorld } from "./toy.ts";

const typeOf = (entry: JournalEntry): string => (entry.event as { type: string }).type;

describe("a commit whose outcome is unknown", () => {
  test("and that was lost: its askers are told so, and the actor goes on from its row", async () => {
    const ran: string[] = [];
    const world = await toyWorld({
      effect: async ({ owed }) => {
        ran.push(owed.key);
        return null;
      },
    });
    await world.toys.create("a", { sum: 1 });
    const before = world.changes.length;
    world.journal.fault = () => {
      throw new Error("connection lost before the write");
    };
    const lost = refusal(world.toys.ask("a", { type: "OWE", key: "k" }));
    const next = world.toys.ask("a", { type: "ADD", by: 5 });
    expect(await lost).toMatchObject({ name: "ActorUnavailable" });
    expect(world.changes.length).toBe(before);
    world.journal.fault = null;
    await world.clock.advance(100);
    expect(await next).toMatchObject({ version: 2, snapshot: { context: { sum: 6, owed: [] } } });
    expect(ran).toEqual([]);
  });

  test("and that was there: the asker is told that it is unknown, and what follows from the commit follows", async () => {
    const ran: string[] = [];
    const world = await toyWorld({
      effect: async ({ owed }) => {
        ran.push(owed.key);
        return null;
      },
    });
    await world.toys.create("a", { sum: 1 });
    world.journal.fault = (_, write) => {
      write();
      throw new Error("connection lost after the write");
    };
    expect(await refusal(world.toys.ask("a", { type: "OWE", key: "k" }))).toMatchObject({ name: "ActorUnavailable" });
    world.journal.fault = null;
    await world.clock.advance(100);
    expect(world.toys.peek("a")).toMatchObject({ version: 2, snapshot: { context: { owed: ["k"] } } });
    expect(ran).toEqual(["k"]);
    expect(world.changes.at(-1)).toMatchObject({ event: "reloaded", before: { version: 1 }, after: { version: 2 } });
    // Asked again, it says that it has been done already.
    expect(await world.toys.ask("a", { type: "DONE", key: "k" })).toMatchObject({ version: 3 });
  });

  test("of a creation: asked again, it creates or finds", async () => {
    for (const written of [false, true]) {
      const world = await toyWorld();
      world.journal.fault = (_, write) => {
        if (written) write();
        throw new Error("connection lost");
      };
      expect(await refusal(world.toys.create("a", { sum: 3 }))).toMatchObject({ name: "ActorUnavailable" });
      world.journal.fault = null;
      await world.clock.advance(100);
      expect((await world.toys.create("a", { sum: 3 })).created).toBe(!written);
      expect(world.sum("a")).toBe(3);
    }
  });

  test("while the database is away: everybody is told, and the actor is there when it is back", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    world.journal.down = true;
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorUnavailable" });
    const waiting = refusal(world.toys.ask("a", { type: "ADD", by: 1 }));
    await world.clock.advance(100);
    expect(await waiting).toMatchObject({ name: "ActorUnavailable" });
    expect(world.sum("a")).toBe(1);
    world.journal.down = false;
    await world.clock.advance(5000);
    expect(await world.toys.ask("a", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });
  });
});

describe("a commit that is refused", () => {
  test("for one bad row fails that one alone", async () => {
    const world = await toyWorld();
    const ids = ["a", "b", "c", "d"];
    await Promise.all(ids.map((id) => world.toys.create(id, { sum: 0 })));
    const sizes: number[] = [];
    world.journal.fault = (batch, write) => {
      sizes.push(batch.length);
      if (batch.some((entry) => typeOf(entry) === "BAD_ROW")) throw new JournalRejected("a bad row", false);
      write();
    };
    const outcomes = await Promise.allSettled(
      ids.map((id) => world.toys.ask(id, id === "c" ? { type: "BAD_ROW" } : { type: "ADD", by: 1 })),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[2]).toMatchObject({ reason: { name: "EventPoisonous" } });
    expect(sizes).toEqual([4, 2, 2, 1, 1]);
    expect(world.journal.poison).toMatchObject([{ ref: { id: "c" }, event: { type: "BAD_ROW" }, error: "a bad row" }]);
    expect(world.sum("c")).toBe(0);
    await world.clock.advance(100);
    expect(await world.toys.ask("c", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });
  });

  test("for a stale version makes the actor read its row", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    const row = world.journal.rows.get("toy/a");
    if (!row) throw new Error("no row");
    // Somebody with psql.
    row.version = 9;
    row.snapshot = row.snapshot.replace('"sum":1', '"sum":40');
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorUnavailable" });
    await world.clock.advance(100);
    expect(await world.toys.ask("a", { type: "ADD", by: 2 })).toMatchObject({
      version: 10,
      snapshot: { context: { sum: 42 } },
    });
  });

  test("because the row is gone makes the actor unknown", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    world.journal.rows.delete("toy/a");
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorUnavailable" });
    const waiting = refusal(world.toys.ask("a", { type: "ADD", by: 1 }));
    await world.clock.advance(100);
    expect(await waiting).toMatchObject({ name: "ActorUnknown" });
    expect((await world.toys.create("a", { sum: 2 })).created).toBe(true);
  });

  test("because another leads now: this process is told once, and nothing more is written or begun", async () => {
    const ran: string[] = [];
    const world = await toyWorld({
      effect: async ({ owed }) => {
        ran.push(owed.key);
        return null;
      },
    });
    await Promise.all(["a", "b"].map((id) => world.toys.create(id, { sum: 0 })));
    world.journal.deposed = true;
    for (const id of ["a", "b"]) {
      const error = await refusal(world.toys.ask(id, { type: "OWE", key: id }));
      expect(error).toMatchObject({ name: "ActorUnavailable" });
      expect(error.cause).toBeInstanceOf(JournalDeposed);
    }
    await world.clock.advance(1000);
    world.journal.deposed = false;
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorUnavailable" });
    expect(world.deposed.length).toBe(1);
    expect(ran).toEqual([]);
    expect(world.journal.rows.get("toy/a")?.version).toBe(1);
  });
});

describe("an actor that throws", () => {
  test("in a guard or an action: the event is put aside, and it goes on after a rest", async () => {
    const world = await toyWorld();
    await Promise.all(["a", "b"].map((id) => world.toys.create(id, { sum: 1 })));
    for (const type of ["BOOM", "GUARD_BOOM"] as const) {
      const failed = refusal(world.toys.ask("a", { type }));
      const next = world.toys.ask("a", { type: "ADD", by: 1 });
      expect(await failed).toMatchObject({ name: "EventPoisonous" });
      expect(await world.toys.ask("b", { type: "ADD", by: 1 })).toMatchObject({ state: "open" });
      await world.clock.advance(200);
      expect(await next).toMatchObject({ state: "open" });
    }
    expect(world.sum("a")).toBe(3);
    expect(world.journal.poison.map(({ event }) => (event as { type: string }).type)).toEqual(["BOOM", "GUARD_BOOM"]);
  });

  test("five times within a minute is quarantined, until an operator releases it", async () => {
    const world = await toyWorld();
    await Promise.all(["a", "b"].map((id) => world.toys.create(id, { sum: 1 })));
    const failures = Array.from({ length: 5 }, () => refusal(world.toys.ask("a", { type: "BOOM" })));
    const behind = refusal(world.toys.ask("a", { type: "ADD", by: 1 }));
    await world.clock.advance(5000);
    expect((await Promise.all(failures)).map(({ name }) => name)).toEqual(Array(5).fill("EventPoisonous"));
    expect(await behind).toMatchObject({ name: "ActorQuarantined" });
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorQuarantined" });
    expect(world.system.quarantined()).toMatchObject([{ ref: { kind: "toy", id: "a" } }]);
    expect(await world.toys.ask("b", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });

    world.system.releaseQuarantined({ kind: "toy", id: "a" });
    await settle();
    expect(world.system.quarantined()).toEqual([]);
    expect(await world.toys.ask("a", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });
  });

  test("now and then is never quarantined", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    for (let turn = 0; turn < 12; turn++) {
      expect(await refusal(world.toys.ask("a", { type: "BOOM" }))).toMatchObject({ name: "EventPoisonous" });
      await world.clock.advance(16_000);
    }
    expect(world.system.quarantined()).toEqual([]);
  });

  test("in the kind's own functions, after the commit, harms nobody else", async () => {
    const world = await toyWorld();
    await Promise.all(["a", "b"].map((id) => world.toys.create(id, { sum: 1 })));
    const [first, second] = await Promise.all([
      world.toys.ask("a", { type: "OWES_BOOM" }),
      world.toys.ask("b", { type: "ADD", by: 1 }),
    ]);
    expect([first.version, second.version]).toEqual([2, 2]);
    expect(await world.toys.ask("b", { type: "ADD", by: 1 })).toMatchObject({ version: 3 });
    expect(await refusal(world.toys.ask("a", { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorQuarantined" });
  });

  test("into a deadline that is no time is put aside: an actor without a deadline would wait for ever", async () => {
    const world = await toyWorld();
    await world.toys.create("a", { sum: 1 });
    expect(await refusal(world.toys.ask("a", { type: "ARM", deadlines: [Number.NaN], outside: false }))).toMatchObject({
      name: "EventPoisonous",
    });
  });
});
