/** How actors come to be, leave memory, are found again, and what a system that starts, stops or drowns says to askers. */
import { describe, expect, test } from "bun:test";
import { ActorOverloaded, ActorUnavailable, ActorUnknown, EventRejected } from "../../../src/actors/runtime/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { counterKind, hold, rejection, World } from "./counter.ts";

describe("a creation", () => {
  test("makes the actor once; a repeat gives the one that is there, as it is now", async () => {
    const world = await World.start();
    const first = await world.counters.create("a", { start: 5 });
    expect(first).toMatchObject({ created: true, committed: { version: 1, state: "idle" } });
    await world.add("a", 1);
    const again = await world.counters.create("a", { start: 99 });
    expect(again).toMatchObject({ created: false, committed: { version: 2, snapshot: { context: { value: 6 } } } });
    expect(world.logged("a")).toEqual(["created", "ADD"]);
  });

  test("at the same time by many makes one actor, and tells one of them so", async () => {
    const world = await World.start();
    const made = await Promise.all(
      Array.from({ length: 50 }, (_, index) => world.counters.create("a", { start: index })),
    );
    expect(made.map(({ created }) => created)).toEqual(made.map((_, index) => index === 0));
    expect(new Set(made.map(({ committed }) => committed)).size).toBe(1);
    expect(world.logged("a")).toEqual(["created"]);
  });

  test("that fails leaves the next one to be made", async () => {
    const world = await World.start();
    const [failed, made] = [world.counters.create("a", { start: -1 }), world.counters.create("a", { start: 1 })];
    const refusal = rejection(failed);
    await world.clock.advance(20);
    expect((await refusal).name).toBe("EventPoisonous");
    expect(await made).toMatchObject({ created: true, committed: { snapshot: { context: { value: 1 } } } });
  });

  test("finds an actor of an earlier process", async () => {
    const journal = new MemoryJournal();
    await (await World.start({ journal })).counters.create("a", { start: 5 });
    const world = await World.start({ journal });
    expect(await world.counters.create("a", { start: 0 })).toMatchObject({ created: false });
    expect(world.changes).toEqual([]);
  });
});

describe("an actor that nobody made", () => {
  test("is unknown, and asking for it leaves nothing in memory", async () => {
    const world = await World.start();
    const refusals = await Promise.all(Array.from({ length: 20 }, (_, index) => rejection(world.add(`ghost${index}`))));
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ActorUnknown);
    expect(world.counters.size).toBe(0);
    expect(world.counters.peek("ghost0")).toBeUndefined();
  });

  test("of a kind registered twice is a programming error", async () => {
    const world = new World();
    expect(() => world.system.register(counterKind)).toThrow("registered twice");
  });
});

describe("a finished actor", () => {
  test("leaves memory after its commit, and says so in its answer", async () => {
    const world = await World.start();
    await world.make("a", "b");
    const last = await world.counters.ask("a", { type: "CLOSE" });
    expect(last).toMatchObject({ finished: true, state: "closed", version: 2 });
    await settle();
    expect(world.counters.size).toBe(1);
    expect(world.counters.peek("a")).toBeUndefined();
    expect(world.changes.at(-1)).toMatchObject({ event: "CLOSE", after: { finished: true } });
  });

  test("refuses what waited behind its end, and what comes later is told its last state from the journal", async () => {
    const world = await World.start();
    await world.make("a");
    const closing = world.counters.ask("a", { type: "CLOSE" });
    const behind = rejection(world.add("a"));
    await closing;
    const refusals = [await behind, await rejection(world.add("a")), await rejection(world.add("a"))];
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(EventRejected);
      expect((refusal as EventRejected).committed).toMatchObject({ state: "closed", finished: true, version: 2 });
    }
    expect(await world.counters.create("a", { start: 1 })).toMatchObject({
      created: false,
      committed: { finished: true },
    });
    expect(world.counters.size).toBe(0);
    expect(world.changes.map(({ event }) => event)).toEqual(["created", "CLOSE"]);
  });

  test("is not loaded by the next process", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    await before.make("a", "b");
    await before.counters.ask("a", { type: "CLOSE" });
    await before.system.stop();
    const world = new World({ journal });
    expect((await world.system.recover()).get("counter")).toEqual({ loaded: 1, quarantined: 0 });
  });
});

describe("too much", () => {
  test("for one mailbox is refused at once, and the mailbox is worked off", async () => {
    const world = await World.start();
    await world.make("a");
    const gate = hold(world.journal);
    // One is taken from the mailbox, a thousand wait.
    const taken = Array.from({ length: 1001 }, () => world.add("a"));
    const refusal = await rejection(world.add("a"));
    expect(refusal).toBeInstanceOf(ActorOverloaded);
    expect((refusal as ActorOverloaded).retryAfter).toBe(1000);
    gate.release();
    expect((await Promise.all(taken)).at(-1)).toBe(1001);
  });

  test("for the journal is refused at once, and taken again when it has caught up", async () => {
    const world = await World.start({ system: { maxPending: 100 } });
    await world.make(...Array.from({ length: 100 }, (_, index) => `n${index}`));
    const gate = hold(world.journal);
    const first = world.add("n0");
    await settle();
    const waiting = Array.from({ length: 100 }, (_, index) => world.counters.create(`m${index}`, { start: 0 }));
    await settle();
    expect(world.system.pending).toBe(100);
    expect(await rejection(world.add("n1"))).toBeInstanceOf(ActorOverloaded);
    gate.release();
    await Promise.all([first, ...waiting]);
    expect(await world.add("n1")).toBe(1);
  });
});

describe("a system", () => {
  test("takes nothing before its start", async () => {
    const journal = new MemoryJournal();
    await (await World.start({ journal })).make("a");
    const world = new World({ journal });
    expect(await rejection(world.add("a"))).toBeInstanceOf(ActorUnavailable);
    await world.system.recover();
    expect(await rejection(world.add("a"))).toBeInstanceOf(ActorUnavailable);
    expect(world.value("a")).toBe(0);
    world.system.start();
    expect(await world.add("a")).toBe(1);
  });

  test("that stops lets commits under way settle, and refuses what comes later", async () => {
    const world = await World.start();
    await world.make("a", "b");
    const gate = hold(world.journal);
    const underWay = [world.add("a"), world.add("b"), world.add("a")];
    await settle();
    let stopped = false;
    const stopping = world.system.stop().then(() => {
      stopped = true;
    });
    expect(await rejection(world.add("b"))).toBeInstanceOf(ActorUnavailable);
    expect(await rejection(world.counters.create("c", { start: 0 }))).toBeInstanceOf(ActorUnavailable);
    await settle();
    expect(stopped).toBe(false);
    gate.release();
    await stopping;
    expect(await Promise.all(underWay)).toEqual([1, 1, 2]);
    expect(world.stored("a")).toBe(2);
    expect(await rejection(world.add("a"))).toBeInstanceOf(ActorUnavailable);
    expect(world.system.running).toBe(false);
    await world.system.stop();
  });

  test("that stops while an actor rests refuses what waits for it", async () => {
    const world = await World.start();
    await world.make("a");
    await rejection(world.counters.ask("a", { type: "THROW_IN_ACTION" }));
    const waiting = rejection(world.add("a"));
    await world.system.stop();
    expect(await waiting).toBeInstanceOf(ActorUnavailable);
    await world.clock.advance(1000);
    expect(world.logged("a")).toEqual(["created"]);
  });

  test("loads thousands of actors and goes on with each", async () => {
    const journal = new MemoryJournal();
    const ids = Array.from({ length: 3000 }, (_, index) => `n${index}`);
    const before = await World.start({ journal });
    await before.make(...ids);
    await Promise.all(ids.map((id, index) => before.add(id, index)));
    const world = await World.start({ journal });
    expect(world.counters.size).toBe(3000);
    const values = await Promise.all(ids.map((id) => world.add(id, 1)));
    expect(values).toEqual(ids.map((_, index) => index + 1));
  });
});
