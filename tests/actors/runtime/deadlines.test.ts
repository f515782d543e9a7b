/** Deadlines are points in time in the row: they survive everything, fire in order, and wait for those we kept waiting. */
import { describe, expect, test } from "bun:test";
import { settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { seeded } from "../../support/seeded.ts";
import { hold, OUTSIDE_GRACE, rejection, SettableClock, World } from "./counter.ts";

const state = (world: World, id: string) => world.counters.peek(id)?.state;

async function waiting(world: World, id: string, delay: number, outside = false): Promise<number> {
  await world.make(id);
  const until = world.clock.now() + delay;
  await world.counters.ask(id, { type: "WAIT", until, outside });
  return until;
}

/** When the log says that the deadline fired. */
function firedAt(world: World, id: string): number[] {
  return (world.journal.log.get(`counter/${id}`) ?? []).flatMap(({ event }) => {
    const { type, at } = event as { type: string; at: number };
    return type === "DEADLINE" ? [at] : [];
  });
}

describe("a deadline", () => {
  test("fires at its time and not before", async () => {
    const world = await World.start();
    const until = await waiting(world, "a", 7500);
    await world.clock.advance(7499);
    expect(state(world, "a")).toBe("waiting");
    await world.clock.advance(1);
    expect(state(world, "a")).toBe("idle");
    expect(firedAt(world, "a")).toEqual([until]);
    await world.clock.advance(60_000);
    expect(firedAt(world, "a")).toHaveLength(1);
  });

  test("of a state that was left does not fire", async () => {
    const world = await World.start();
    await waiting(world, "a", 5000);
    const until = world.clock.now() + 20_000;
    await world.counters.ask("a", { type: "WAIT", until });
    await world.clock.advance(19_999);
    expect(state(world, "a")).toBe("waiting");
    await world.clock.advance(1);
    expect(firedAt(world, "a")).toEqual([until]);
  });

  test("moved forward fires at the earlier time", async () => {
    const world = await World.start();
    await waiting(world, "a", 50_000);
    const until = world.clock.now() + 300;
    await world.counters.ask("a", { type: "WAIT", until });
    await world.clock.advance(1000);
    expect(firedAt(world, "a")).toEqual([until]);
  });

  test("that comes due while its state is being left is not held against the next state", async () => {
    const world = await World.start();
    await waiting(world, "a", 5000);
    await world.clock.advance(4990);
    // A later deadline is with the journal when the earlier one comes due.
    const gate = hold(world.journal);
    const until = world.clock.now() + 60_000;
    const moved = world.counters.ask("a", { type: "WAIT", until });
    await world.clock.advance(500);
    gate.release();
    await moved;
    await settle();
    expect(state(world, "a")).toBe("waiting");
    expect(firedAt(world, "a")).toEqual([]);
    await world.clock.advance(60_000);
    expect(firedAt(world, "a")).toEqual([until]);
    expect(world.lines("warn")).toEqual([]);
  });

  test("fires once, however often the row was read again in between", async () => {
    const world = await World.start();
    await waiting(world, "a", 5000);
    for (let time = 0; time < 3; time++) {
      world.journal.fault = () => {
        throw new Error("lost");
      };
      await rejection(world.add("a"));
      world.journal.fault = null;
      await world.clock.advance(100);
    }
    // Whoever hears of the first one waits again: a second one would end that early.
    const later = world.clock.now() + 60_000;
    world.counters.onCommit(({ event }) => {
      if (event === "DEADLINE") world.counters.tell("a", { type: "WAIT", until: later });
    });
    const gate = hold(world.journal);
    await world.clock.advance(6000);
    gate.release();
    await settle();
    expect(firedAt(world, "a")).toHaveLength(1);
    expect(state(world, "a")).toBe("waiting");
    expect(world.lines("warn").filter(({ message }) => message === "a deadline's event was refused")).toEqual([]);
  });

  test("survives recovery as the same point in time", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    const until = await waiting(before, "a", 30_000);
    await before.clock.advance(10_000);
    await before.system.stop();
    const world = await World.start({ journal, clock: before.clock });
    await world.clock.advance(19_999);
    expect(state(world, "a")).toBe("waiting");
    await world.clock.advance(1);
    expect(firedAt(world, "a")).toEqual([until]);
  });

  test("that passed while the process was away fires at once", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    await waiting(before, "a", 30_000);
    await before.system.stop();
    before.clock.jump(3_600_000);
    const world = await World.start({ journal, clock: before.clock });
    await world.clock.advance(0);
    expect(firedAt(world, "a")).toEqual([world.clock.now()]);
  });

  test("comes again until it is stored when the database is down", async () => {
    const world = await World.start();
    await waiting(world, "a", 5000);
    world.journal.down = true;
    await world.clock.advance(60_000);
    expect(state(world, "a")).toBe("waiting");
    world.journal.down = false;
    await world.clock.advance(3000);
    expect(state(world, "a")).toBe("idle");
    expect(firedAt(world, "a")).toHaveLength(1);
  });

  test("fires neither before the start nor after the stop", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    await waiting(before, "a", 1000);
    await before.system.stop();
    await before.clock.advance(60_000);
    expect(firedAt(before, "a")).toEqual([]);
    const world = new World({ journal, clock: before.clock });
    await world.system.recover();
    await world.clock.advance(60_000);
    expect(firedAt(world, "a")).toEqual([]);
  });
});

describe("a deadline that waits for somebody outside", () => {
  test("is moved by each sign of life, without a transition", async () => {
    const world = await World.start();
    await world.clock.advance(OUTSIDE_GRACE);
    await waiting(world, "a", 5000, true);
    const commits = world.journal.commits;
    for (let beat = 0; beat < 20; beat++) {
      await world.clock.advance(3000);
      world.counters.renew("a", world.clock.now() + 5000);
    }
    expect(state(world, "a")).toBe("waiting");
    expect(world.journal.commits).toBe(commits);
    const due = world.clock.now() + 5000;
    await world.clock.advance(4999);
    expect(state(world, "a")).toBe("waiting");
    await world.clock.advance(1);
    expect(firedAt(world, "a")).toEqual([due]);
  });

  test("takes a sign of life only for what waits outside, and for nobody who is not there", async () => {
    const world = await World.start();
    const until = await waiting(world, "a", 5000, false);
    world.counters.renew("a", until + 60_000);
    world.counters.renew("nobody", until + 60_000);
    await world.clock.advance(5000);
    expect(firedAt(world, "a")).toEqual([until]);
  });

  test("gets its grace after a start: the silence may have been ours", async () => {
    const journal = new MemoryJournal();
    const before = await World.start({ journal });
    await waiting(before, "outside", 1000, true);
    await waiting(before, "inside", 1000, false);
    await before.system.stop();
    before.clock.jump(500_000);
    const started = before.clock.now();
    const world = await World.start({ journal, clock: before.clock });
    await world.clock.advance(OUTSIDE_GRACE - 1);
    expect(state(world, "inside")).toBe("idle");
    expect(state(world, "outside")).toBe("waiting");
    await world.clock.advance(1);
    expect(firedAt(world, "outside")).toEqual([started + OUTSIDE_GRACE]);
  });

  test("gets its grace after a stall of the process", async () => {
    const world = await World.start();
    await world.clock.advance(OUTSIDE_GRACE);
    await waiting(world, "outside", 20_000, true);
    await waiting(world, "inside", 20_000, false);
    world.clock.jump(30_000);
    const woke = world.clock.now();
    await world.clock.advance(OUTSIDE_GRACE - 1);
    expect(state(world, "inside")).toBe("idle");
    expect(state(world, "outside")).toBe("waiting");
    expect(world.lines("warn").map(({ message }) => message)).toEqual([
      "this process stood still; outsiders get time to be heard",
    ]);
    await world.clock.advance(1);
    expect(firedAt(world, "outside")).toEqual([woke + OUTSIDE_GRACE]);
  });

  test("gets its grace, too, when a commit is the first thing to happen after the stall", async () => {
    const world = await World.start();
    await world.clock.advance(OUTSIDE_GRACE);
    await waiting(world, "outside", 20_000, true);
    await world.make("b");
    const gate = hold(world.journal);
    const committing = world.counters.ask("b", { type: "WAIT", until: world.clock.now() + 100 });
    await settle();
    world.clock.jump(30_000);
    gate.release();
    await committing;
    await world.clock.advance(OUTSIDE_GRACE - 1);
    expect(state(world, "b")).toBe("idle");
    expect(state(world, "outside")).toBe("waiting");
    await world.clock.advance(1);
    expect(state(world, "outside")).toBe("idle");
  });

  test("gets no grace for a hiccup", async () => {
    const world = await World.start();
    await world.clock.advance(OUTSIDE_GRACE);
    const until = await waiting(world, "outside", 5000, true);
    await world.clock.advance(4000);
    world.clock.jump(2500);
    await world.clock.advance(0);
    expect(firedAt(world, "outside")).toEqual([until + 1500]);
  });
});

describe("a wall clock", () => {
  test("set back delays deadlines until their time comes again, and hurries none", async () => {
    const clock = new SettableClock();
    const world = await World.start({ clock });
    const until = await waiting(world, "a", 5000);
    clock.set(-60_000);
    await clock.advance(64_999);
    expect(state(world, "a")).toBe("waiting");
    await clock.advance(2);
    expect(state(world, "a")).toBe("idle");
    expect(firedAt(world, "a")[0]).toBeGreaterThanOrEqual(until);
    expect(world.lines("warn")).toEqual([]);
  });

  test("set back does not keep new deadlines from firing in time", async () => {
    const clock = new SettableClock();
    const world = await World.start({ clock });
    await waiting(world, "a", 5000);
    clock.set(-3_600_000);
    const until = await waiting(world, "b", 200);
    await clock.advance(200);
    expect(firedAt(world, "b")).toEqual([until]);
  });

  test("set forward counts as a stall: outsiders get their grace", async () => {
    const clock = new SettableClock();
    const world = await World.start({ clock });
    await clock.advance(OUTSIDE_GRACE);
    await waiting(world, "outside", 5000, true);
    clock.set(3_600_000);
    await clock.advance(OUTSIDE_GRACE);
    expect(state(world, "outside")).toBe("waiting");
    await clock.advance(1001);
    expect(state(world, "outside")).toBe("idle");
  });
});

describe("thousands of deadlines", () => {
  test("fire in order, each at its time", async () => {
    const world = await World.start();
    const random = seeded(11);
    const start = world.clock.now();
    const until = new Map<string, number>();
    for (let index = 0; index < 5000; index++) until.set(`n${index}`, start + 1000 + Math.floor(random() * 2000));
    await world.make(...until.keys());
    await Promise.all([...until].map(([id, at]) => world.counters.ask(id, { type: "WAIT", until: at })));
    const fired: [string, number][] = [];
    world.counters.onCommit(({ after, event }) => {
      if (event === "DEADLINE") fired.push([after.ref.id, after.at]);
    });
    await world.clock.advance(3000);
    expect(fired).toHaveLength(5000);
    for (const [id, at] of fired) expect(at).toBe(until.get(id)!);
    const times = fired.map(([, at]) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }, 30_000);

  test("that come due at once go to the journal in groups", async () => {
    const world = await World.start();
    const ids = Array.from({ length: 2000 }, (_, index) => `n${index}`);
    await world.make(...ids);
    const until = world.clock.now() + 1000;
    await Promise.all(ids.map((id) => world.counters.ask(id, { type: "WAIT", until })));
    const commits = world.journal.commits;
    await world.clock.advance(1000);
    expect(ids.every((id) => state(world, id) === "idle")).toBe(true);
    expect(world.journal.commits - commits).toBe(4);
  });
});
