/** What a committed state owes is done: after the commit, again after a crash, and no more once it is not owed. */
import { describe, expect, test } from "bun:test";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { type CounterCall, rejection, type Send, World } from "./counter.ts";

const FIRST = "counter/a/send/1";
const never: Send = () => new Promise(() => {});
const sent: Send = async ({ owed }) => ({ type: "SENT", key: owed.key });

async function owing(options: ConstructorParameters<typeof World>[0] = {}): Promise<World> {
  const world = await World.start(options);
  await world.make("a");
  await world.counters.ask("a", { type: "OWE" });
  await settle();
  return world;
}

describe("an effect", () => {
  test("runs after its state was committed, and its outcome comes back as an event", async () => {
    const calls: CounterCall[] = [];
    const journal = new MemoryJournal();
    const rows: unknown[] = [];
    const world = await owing({
      journal,
      send: async (call) => {
        calls.push(call);
        rows.push(journal.rows.get("counter/a")?.state);
        return { type: "SENT", key: call.owed.key };
      },
    });
    expect(rows).toEqual(["owing"]);
    expect(world.logged("a")).toEqual(["created", "OWE", "SENT"]);
    expect(world.counters.peek("a")?.snapshot.context.sent).toEqual(["send/1"]);
    expect(calls).toMatchObject([
      { ref: { kind: "counter", id: "a" }, idempotencyKey: FIRST, owed: { name: "send", key: "send/1" } },
    ]);
    expect(calls[0]?.snapshot.context.parcel).toBe(1);
  });

  test("runs once for a key, whatever else its actor does meanwhile", async () => {
    const world = await owing({ send: never });
    await world.add("a");
    await world.add("a");
    await world.clock.advance(600_000);
    expect(world.effects).toEqual([FIRST]);
  });

  test("with nothing to tell runs once, for as long as it stays owed", async () => {
    const world = await owing();
    await world.add("a");
    await world.clock.advance(600_000);
    expect(world.effects).toEqual([FIRST]);
  });

  test("with a new key is a new effect", async () => {
    const signals: AbortSignal[] = [];
    const world = await owing({
      send: ({ signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    await world.counters.ask("a", { type: "OWE" });
    await settle();
    expect(world.effects).toEqual([FIRST, "counter/a/send/2"]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  test("is aborted when it is no longer owed, and its late outcome is not sent", async () => {
    const gate = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const world = await owing({
      send: async (call) => {
        signal = call.signal;
        await gate.promise;
        return { type: "ADD", by: 1000 };
      },
    });
    expect(signal?.aborted).toBe(false);
    await world.counters.ask("a", { type: "SENT", key: "send/1" });
    await settle();
    expect(signal?.aborted).toBe(true);
    gate.resolve();
    await settle();
    expect(world.value("a")).toBe(0);
  });

  test("is not disturbed once it has answered, and its signal tells the truth to whoever asks for it late", async () => {
    let call: CounterCall | undefined;
    let early: AbortSignal | undefined;
    const world = await owing({
      send: async (given) => {
        call = given;
        early = given.signal;
        return { type: "SENT", key: given.owed.key };
      },
    });
    expect(world.counters.peek("a")?.state).toBe("idle");
    expect(early?.aborted).toBe(false);
    expect(call?.signal.aborted).toBe(true);
  });

  test("is aborted when its actor finishes", async () => {
    let signal: AbortSignal | undefined;
    const world = await owing({
      send: (call) => {
        signal = call.signal;
        return new Promise(() => {});
      },
    });
    await world.counters.ask("a", { type: "CLOSE" });
    await settle();
    expect(signal?.aborted).toBe(true);
    expect(world.counters.size).toBe(0);
  });

  test("whose outcome comes too late is done with", async () => {
    const world = await owing({ send: async () => ({ type: "SENT", key: "send/0" }) });
    await world.clock.advance(600_000);
    expect(world.effects).toEqual([FIRST]);
    expect(world.counters.peek("a")?.state).toBe("owing");
  });

  test("without a handler is tried again and said aloud, and harms nothing", async () => {
    const world = await owing({ kind: { effects: {} } });
    expect(world.lines("warn")[0]?.fields.error).toMatchObject({
      message: "counter owes send, for which it has no handler",
    });
    expect(await world.add("a")).toBe(1);
  });
});

describe("a failing effect", () => {
  test("is tried again with growing pauses of at most ten seconds", async () => {
    const times: number[] = [];
    const clock = new FakeClock();
    const world = await owing({
      clock,
      send: () => {
        times.push(clock.now());
        throw new Error("nobody answers");
      },
    });
    await world.clock.advance(60_000);
    const pauses = times.slice(1).map((at, index) => at - times[index]!);
    expect(pauses.slice(0, 9)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    world.send = sent;
    await world.clock.advance(10_000);
    expect(world.counters.peek("a")?.state).toBe("idle");
  });

  test("is not tried again once it is not owed any more", async () => {
    const world = await owing({ send: () => Promise.reject(new Error("no")) });
    await world.counters.ask("a", { type: "SENT", key: "send/1" });
    await world.clock.advance(60_000);
    expect(world.effects).toEqual([FIRST]);
  });

  test("is not tried again after the stop", async () => {
    const world = await owing({ send: () => Promise.reject(new Error("no")) });
    await world.system.stop();
    await world.clock.advance(60_000);
    expect(world.effects).toEqual([FIRST]);
    expect(world.clock.pending).toBe(0);
  });

  test("runs again when its outcome could not be stored", async () => {
    const world = await World.start({ send: sent });
    await world.make("a");
    let lose = true;
    world.journal.fault = (batch, write) => {
      if (lose && batch.some(({ event }) => (event as { type: string }).type === "SENT")) throw new Error("lost");
      write();
    };
    await world.counters.ask("a", { type: "OWE" });
    await world.clock.advance(1000);
    expect(world.effects.length).toBeGreaterThan(1);
    expect(world.counters.peek("a")?.state).toBe("owing");
    lose = false;
    await world.clock.advance(10_000);
    expect(world.counters.peek("a")?.state).toBe("idle");
    expect(new Set(world.effects)).toEqual(new Set([FIRST]));
    expect(world.counters.peek("a")?.snapshot.context.sent).toEqual(["send/1"]);
  });

  test("does not run again when its outcome turns out to have been stored", async () => {
    const world = await World.start({ send: sent });
    await world.make("a");
    world.journal.fault = (batch, write) => {
      write();
      if (batch.some(({ event }) => (event as { type: string }).type === "SENT")) throw new Error("lost at COMMIT");
    };
    await world.counters.ask("a", { type: "OWE" });
    await world.clock.advance(60_000);
    expect(world.effects).toEqual([FIRST]);
    expect(world.counters.peek("a")?.state).toBe("idle");
  });
});

describe("after a crash", () => {
  test("an effect that is still owed runs again with the same key", async () => {
    const journal = new MemoryJournal();
    const before = await owing({ journal, send: never });
    const world = new World({ journal, clock: before.clock, send: sent });
    await world.system.recover();
    await settle();
    expect(world.effects).toEqual([]);
    world.system.start();
    await settle();
    expect(world.effects).toEqual([FIRST]);
    expect(world.logged("a")).toEqual(["created", "OWE", "SENT"]);
  });

  test("an effect whose outcome was stored does not run again", async () => {
    const journal = new MemoryJournal();
    await owing({ journal, send: sent });
    const world = await World.start({ journal });
    await settle();
    expect(world.effects).toEqual([]);
  });

  test("an effect of a transition that was lost never runs", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    await before.make("a");
    journal.fault = () => {
      throw new Error("lost");
    };
    await rejection(before.counters.ask("a", { type: "OWE" }));
    journal.fault = null;
    const world = await World.start({ journal });
    await settle();
    expect([...before.effects, ...world.effects]).toEqual([]);
  });
});
