/** An actor that fails is restarted, then set aside; never the server, never its neighbours. */
import { describe, expect, test } from "bun:test";
import { ActorQuarantined, EventPoisonous, JournalRejected } from "../../../src/actors/runtime/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { rejection, World } from "./counter.ts";

type Boom = "THROW_IN_ACTION" | "THROW_IN_GUARD";
const boom = (world: World, id: string, type: Boom = "THROW_IN_ACTION") => rejection(world.counters.ask(id, { type }));

/** Lets it fail until it is set aside, resting in between as it must. */
async function wearOut(world: World, id: string): Promise<void> {
  for (let failure = 1; failure <= 5; failure++) {
    await boom(world, id);
    if (failure < 5) await world.clock.advance(20 * 2 ** (failure - 1));
  }
}

describe("an event that makes its actor throw", () => {
  for (const type of ["THROW_IN_ACTION", "THROW_IN_GUARD"] as const) {
    test(`(${type}) is put aside, and the actor goes on from its last committed state`, async () => {
      const world = await World.start();
      await world.make("a", "b");
      await world.add("a", 3);
      const refusal = await boom(world, "a", type);
      expect(refusal).toBeInstanceOf(EventPoisonous);
      expect((refusal as EventPoisonous).cause).toBeInstanceOf(Error);
      expect(world.journal.poison).toMatchObject([
        { ref: { kind: "counter", id: "a" }, event: { type, at: world.clock.now() }, at: world.clock.now() },
      ]);
      expect(world.journal.poison[0]?.error).toContain("threw");
      expect(world.logged("a")).toEqual(["created", "ADD"]);
      const next = world.add("a", 4);
      expect(await world.add("b", 1)).toBe(1);
      expect(world.value("a")).toBe(3);
      await world.clock.advance(20);
      expect(await next).toBe(7);
    });
  }

  test("rests longer after each failure", async () => {
    const world = await World.start();
    await world.make("a");
    const rests: number[] = [];
    for (let failure = 0; failure < 4; failure++) {
      await boom(world, "a");
      const from = world.clock.now();
      const next = world.add("a").then(() => rests.push(world.clock.now() - from));
      while (rests.length === failure) await world.clock.advance(5);
      await next;
    }
    expect(rests).toEqual([20, 40, 80, 160]);
  });

  test("five times within a minute sets the actor aside, and nobody else", async () => {
    const world = await World.start();
    await world.make("a", "b");
    await world.add("a", 3);
    await wearOut(world, "a");
    expect(world.system.quarantined()).toMatchObject([{ ref: { kind: "counter", id: "a" } }]);
    expect(world.journal.poison).toHaveLength(5);
    expect(await rejection(world.add("a"))).toBeInstanceOf(ActorQuarantined);
    await world.clock.advance(3_600_000);
    expect(await rejection(world.counters.create("a", { start: 1 }))).toBeInstanceOf(ActorQuarantined);
    // Its last committed state can still be read.
    expect(world.value("a")).toBe(3);
    expect(await world.add("b")).toBe(1);
  });

  test("messages that wait for an actor set aside are refused, not forgotten", async () => {
    const world = await World.start();
    await world.make("a");
    const asked = Array.from({ length: 5 }, () => boom(world, "a"));
    const behind = rejection(world.add("a"));
    await world.clock.advance(1000);
    for (const refusal of await Promise.all(asked)) expect(refusal).toBeInstanceOf(EventPoisonous);
    expect(await behind).toBeInstanceOf(ActorQuarantined);
  });

  test("seldom enough never sets it aside", async () => {
    const world = await World.start();
    await world.make("a");
    for (let failure = 0; failure < 20; failure++) {
      expect(await boom(world, "a")).toBeInstanceOf(EventPoisonous);
      await world.clock.advance(15_001);
    }
    expect(world.system.quarantined()).toEqual([]);
  });

  test("is only put aside when the machine throws at its creation, too", async () => {
    const world = await World.start();
    expect(await rejection(world.counters.create("a", { start: -1 }))).toBeInstanceOf(EventPoisonous);
    expect(world.journal.poison).toMatchObject([{ event: { type: "created", input: { start: -1 } } }]);
    await world.clock.advance(100);
    expect(world.counters.size).toBe(0);
    expect(await world.counters.create("a", { start: 1 })).toMatchObject({ created: true });
  });

  test("is as poisonous when its row cannot be stored", async () => {
    const world = await World.start();
    await world.make("a");
    world.journal.fault = () => {
      throw new JournalRejected("value out of range", false);
    };
    expect(await rejection(world.add("a"))).toBeInstanceOf(EventPoisonous);
    expect(world.value("a")).toBe(0);
  });

  test("harms nothing when the journal cannot keep the poison either", async () => {
    const world = await World.start();
    await world.make("a");
    world.journal.recordPoison = () => Promise.reject(new Error("no"));
    expect(await boom(world, "a")).toBeInstanceOf(EventPoisonous);
    await world.clock.advance(20);
    expect(await world.add("a")).toBe(1);
  });
});

describe("a kind whose own functions throw", () => {
  test("in its deadline or state name poisons the event, before anything is stored", async () => {
    const world = await World.start({
      kind: {
        deadline: ({ context }) => {
          if (context.value === 13) throw new Error("no deadline for 13");
          return null;
        },
      },
    });
    await world.make("a");
    expect(await rejection(world.add("a", 13))).toBeInstanceOf(EventPoisonous);
    expect(world.logged("a")).toEqual(["created"]);
  });

  test("in what follows from a commit sets that actor aside; its group's answers stand", async () => {
    const world = await World.start({
      kind: {
        owes: ({ context }) => {
          if (context.value === 13) throw new Error("nothing owed for 13");
          return [];
        },
      },
    });
    await world.make("a", "b", "c");
    expect(await Promise.all([world.add("a", 1), world.add("b", 13), world.add("c", 2)])).toEqual([1, 13, 2]);
    await settle();
    await world.clock.advance(1000);
    expect(world.system.quarantined()).toMatchObject([{ ref: { id: "b" } }]);
    expect(world.changes.filter(({ event }) => event === "ADD")).toHaveLength(3);
    expect(await Promise.all([world.add("a", 1), world.add("c", 1)])).toEqual([2, 3]);
  });

  test("at the start sets that actor aside and starts the others", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    await before.make("a", "b", "c");
    await before.add("b", 13);
    await before.counters.ask("c", { type: "OWE" });
    await before.system.stop();
    const world = await World.start({
      journal,
      kind: {
        owes: ({ context }) => {
          if (context.value === 13) throw new Error("nothing owed for 13");
          return context.parcel > 0 ? [{ name: "send", key: "send/1" }] : [];
        },
      },
    });
    expect(world.system.quarantined()).toMatchObject([{ ref: { id: "b" } }]);
    expect(world.effects).toEqual(["counter/c/send/1"]);
    expect(await world.add("a")).toBe(1);
  });

  test("when a deadline is due sets that actor aside; other deadlines go on", async () => {
    const world = await World.start({
      kind: {
        awaitsOutside: ({ context }) => {
          if (context.value === 13) throw new Error("13 awaits nobody");
          return false;
        },
      },
    });
    await world.make("a", "b");
    const until = world.clock.now() + 5000;
    await world.counters.ask("a", { type: "WAIT", until });
    await world.counters.ask("b", { type: "WAIT", until: until + 1 });
    await world.add("a", 13);
    await world.clock.advance(6000);
    expect(world.system.quarantined()).toMatchObject([{ ref: { id: "a" } }]);
    expect(world.counters.peek("b")?.state).toBe("idle");
  });
});

describe("an actor set aside", () => {
  test("goes on from its row when an operator releases it, with a fresh budget", async () => {
    const world = await World.start();
    await world.make("a");
    await world.add("a", 3);
    await wearOut(world, "a");
    world.system.releaseQuarantined({ kind: "counter", id: "a" });
    await settle();
    expect(world.system.quarantined()).toEqual([]);
    expect(await world.add("a", 1)).toBe(4);
    expect(await boom(world, "a")).toBeInstanceOf(EventPoisonous);
    await world.clock.advance(20);
    expect(await world.add("a", 1)).toBe(5);
    // Releasing what is not set aside, or not there, is nothing.
    world.system.releaseQuarantined({ kind: "counter", id: "a" });
    world.system.releaseQuarantined({ kind: "counter", id: "nobody" });
    expect(await world.add("a", 1)).toBe(6);
  });

  test("does not act: its deadline waits and its effects are aborted, and both are taken up again on release", async () => {
    const world = await World.start();
    let signal: AbortSignal | undefined;
    world.send = (call) => {
      signal = call.signal;
      return new Promise(() => {});
    };
    await world.make("a", "b");
    await world.counters.ask("a", { type: "OWE" });
    await world.counters.ask("b", { type: "WAIT", until: world.clock.now() + 10_000 });
    expect(world.effects).toEqual(["counter/a/send/1"]);
    await Promise.all([wearOut(world, "a"), wearOut(world, "b")]);
    expect(world.system.quarantined()).toHaveLength(2);
    expect(signal?.aborted).toBe(true);
    await world.clock.advance(60_000);
    expect(world.counters.peek("b")?.state).toBe("waiting");

    world.send = async () => ({ type: "SENT", key: "send/1" });
    world.system.releaseQuarantined({ kind: "counter", id: "a" });
    world.system.releaseQuarantined({ kind: "counter", id: "b" });
    await world.clock.advance(10);
    expect(world.effects).toEqual(["counter/a/send/1", "counter/a/send/1"]);
    expect(world.counters.peek("a")?.state).toBe("idle");
    expect(world.counters.peek("b")?.state).toBe("idle");
  });
});

describe("a row that cannot be loaded", () => {
  async function withBadRow(): Promise<{ journal: MemoryJournal; good: string }> {
    const journal = new MemoryJournal();
    const world = await World.start({ journal });
    await world.make("good", "bad", "fine");
    await world.system.stop();
    const row = journal.rows.get("counter/bad");
    const good = row!.snapshot;
    row!.snapshot = JSON.stringify({ ...JSON.parse(good), value: "no such state" });
    return { journal, good };
  }

  test("at recovery is set aside; the others run", async () => {
    const { journal } = await withBadRow();
    const world = new World({ journal });
    expect((await world.system.recover()).get("counter")).toEqual({ loaded: 2, quarantined: 1 });
    world.system.start();
    expect(world.system.quarantined()).toMatchObject([{ ref: { kind: "counter", id: "bad" } }]);
    expect(world.journal.poison).toHaveLength(1);
    expect(await rejection(world.add("bad"))).toBeInstanceOf(ActorQuarantined);
    expect(await Promise.all([world.add("good"), world.add("fine")])).toEqual([1, 1]);
    expect([...world.counters.live()].map(({ ref }) => ref.id)).toEqual(["good", "fine"]);
    expect(world.counters.peek("bad")).toBeUndefined();
  });

  test("stays aside when released unmended, and runs when the row was mended", async () => {
    const { journal, good } = await withBadRow();
    const world = await World.start({ journal });
    world.system.releaseQuarantined({ kind: "counter", id: "bad" });
    await settle();
    expect(world.system.quarantined()).toHaveLength(1);
    journal.rows.get("counter/bad")!.snapshot = good;
    world.system.releaseQuarantined({ kind: "counter", id: "bad" });
    await settle();
    expect(world.system.quarantined()).toEqual([]);
    expect(await world.add("bad")).toBe(1);
  });
});
