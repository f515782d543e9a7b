/** What is visible when: nothing before its commit, everything after it, and the truth when a commit went wrong. */
import { describe, expect, test } from "bun:test";
import {
  ActorUnavailable,
  EventPoisonous,
  EventRejected,
  JournalDeposed,
  JournalRejected,
} from "../../../src/actors/runtime/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { hold, rejection, World } from "./counter.ts";

describe("a transition", () => {
  test("is seen by nobody before its commit, and by everybody after it", async () => {
    const world = await World.start();
    await world.make("a");
    world.changes.length = 0;
    const gate = hold(world.journal);
    let answered = false;
    const asked = world.counters.ask("a", { type: "OWE" }).then((committed) => {
      answered = true;
      return committed;
    });
    await settle();
    expect(gate.held).toBe(1);
    expect(answered).toBe(false);
    expect(world.counters.peek("a")?.state).toBe("idle");
    expect([...world.counters.live()].map(({ state }) => state)).toEqual(["idle"]);
    expect(world.changes).toEqual([]);
    expect(world.effects).toEqual([]);

    gate.release();
    const committed = await asked;
    expect(committed).toMatchObject({ version: 2, state: "owing", finished: false, at: world.clock.now() });
    expect(world.counters.peek("a")).toBe(committed);
    await settle();
    expect(world.changes).toHaveLength(1);
    expect(world.changes[0]).toMatchObject({ before: { version: 1 }, after: { version: 2 }, event: "OWE" });
    expect(world.effects).toEqual(["counter/a/send/1"]);
  });

  test("has its answer before listeners hear of it, with the committed state already in place", async () => {
    const world = await World.start();
    const seen: unknown[] = [];
    world.counters.onCommit(({ after }) => seen.push([after.version, world.counters.peek(after.ref.id)?.version]));
    await world.make("a");
    await world.add("a");
    expect(seen).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  test("a listener that throws harms neither the actor nor the other listeners", async () => {
    const world = new World();
    const heard: number[] = [];
    const forget = world.counters.onCommit(() => {
      throw new Error("no");
    });
    world.counters.onCommit(({ after }) => heard.push(after.version));
    world.system.start();
    await world.make("a");
    expect(await world.add("a")).toBe(1);
    expect(heard).toEqual([1, 2]);
    expect(world.lines("error")).toHaveLength(2);
    forget();
    await world.add("a");
    expect(world.lines("error")).toHaveLength(2);
  });

  test("is refused with the committed state when a guard or the state does not take it, and writes nothing", async () => {
    const world = await World.start();
    await world.counters.create("a", { start: 5, limit: 6 });
    const guarded = await rejection(world.add("a", 2));
    expect(guarded).toBeInstanceOf(EventRejected);
    expect(guarded.message).toBe("counter a is idle: ADD does not apply");
    expect((guarded as EventRejected).committed).toBe(world.counters.peek("a") as never);
    const stateless = await rejection(world.counters.ask("a", { type: "SENT", key: "send/0" }));
    expect(stateless).toBeInstanceOf(EventRejected);
    expect(world.logged("a")).toEqual(["created"]);
    expect(world.journal.poison).toEqual([]);
    expect(await world.add("a", 1)).toBe(6);
  });

  test("is stamped with the time it was taken up, not the time it was sent", async () => {
    const world = await World.start();
    await world.make("a");
    const gate = hold(world.journal);
    const first = world.add("a");
    const second = world.counters.ask("a", { type: "ADD", by: 1 });
    const sentAt = world.clock.now();
    await world.clock.advance(250);
    gate.release();
    await first;
    expect((await second).at).toBe(sentAt + 250);
    expect(world.journal.log.get("counter/a")?.map(({ event }) => (event as { at?: number }).at)).toEqual([
      undefined,
      sentAt,
      sentAt + 250,
    ]);
  });
});

describe("a mailbox", () => {
  test("is worked off strictly in the order of sending", async () => {
    const world = await World.start();
    await world.make("a");
    const values = await Promise.all(Array.from({ length: 200 }, (_, index) => world.add("a", index % 2 ? -1 : 10)));
    let value = 0;
    expect(values).toEqual(values.map((_, index) => (value += index % 2 ? -1 : 10)));
    const versions = world.journal.log.get("counter/a")?.map(({ version }) => version);
    expect(versions).toEqual(Array.from({ length: 201 }, (_, index) => index + 1));
  });

  test("takes refusals in the same order as answers", async () => {
    const world = await World.start();
    await world.counters.create("a", { start: 0, limit: 2 });
    const order: string[] = [];
    await Promise.all(
      [1, 5, 1, 1].map((by, index) =>
        world.add("a", by).then(
          (value) => order.push(`${index}=${value}`),
          () => order.push(`${index} refused`),
        ),
      ),
    );
    expect(order).toEqual(["0=1", "1 refused", "2=2", "3 refused"]);
  });

  test("goes on when a listener asks the same actor in the middle of a commit", async () => {
    const world = await World.start();
    const asked: Promise<number>[] = [];
    world.counters.onCommit(({ event }) => {
      if (event === "WAIT") asked.push(world.add("a", 100));
    });
    await world.make("a");
    const [, last] = await Promise.all([
      world.counters.ask("a", { type: "WAIT", until: world.clock.now() + 9000 }),
      world.add("a", 1),
    ]);
    expect(last).toBe(1);
    expect(await asked[0]).toBe(101);
  });
});

describe("a group commit", () => {
  test("takes all transitions that wait, with at most one of each actor", async () => {
    const world = await World.start();
    const ids = Array.from({ length: 300 }, (_, index) => `n${index}`);
    await world.make(...ids);
    expect(world.journal.commits).toBe(1);
    const batches: string[][] = [];
    world.journal.fault = (batch, write) => {
      batches.push(batch.map(({ ref }) => ref.id));
      write();
    };
    await Promise.all(ids.flatMap((id) => [world.add(id), world.add(id), world.add(id)]));
    expect(batches).toHaveLength(3);
    for (const batch of batches) expect(new Set(batch).size).toBe(batch.length);
    expect(ids.every((id) => world.value(id) === 3)).toBe(true);
  });

  test("is never larger than 500", async () => {
    const world = await World.start();
    const sizes: number[] = [];
    world.journal.fault = (batch, write) => {
      sizes.push(batch.length);
      write();
    };
    await world.make(...Array.from({ length: 1200 }, (_, index) => `n${index}`));
    expect(sizes).toEqual([500, 500, 200]);
  });

  test("that is full is sent behind the one in flight, up to three; one that is not full waits for it", async () => {
    const world = await World.start();
    const ids = Array.from({ length: 1900 }, (_, index) => `n${index}`);
    await world.make(...ids);
    const gate = hold(world.journal);
    const some = ids.slice(0, 900).map((id) => world.add(id));
    await settle();
    // 500, and behind it 400 that wait for more.
    expect([gate.held, world.system.pending]).toEqual([1, 400]);
    const others = ids.slice(900).map((id) => world.add(id));
    await settle();
    expect([gate.held, world.system.pending]).toEqual([3, 400]);
    expect(ids.every((id) => world.value(id) === 0)).toBe(true);
    gate.release();
    expect(new Set(await Promise.all([...some, ...others]))).toEqual(new Set([1]));
    expect(world.system.pending).toBe(0);
  });

  test("that fails beside others in flight fails alone, and a stop waits for all of them", async () => {
    const world = await World.start();
    const ids = Array.from({ length: 1500 }, (_, index) => `n${index}`);
    await world.make(...ids);
    const gates = ids.map(() => Promise.withResolvers<void>());
    let commits = 0;
    world.journal.fault = async (batch, write) => {
      await gates[commits++]?.promise;
      if (batch.some(({ ref }) => ref.id === "n600")) throw new Error("connection lost");
      write();
    };
    const asked = ids.map((id) => world.add(id).catch((error: unknown) => error));
    await settle();
    expect(commits).toBe(3);
    const stopped = world.system.stop();
    // The answers come in another order than the questions.
    for (const index of [2, 1, 0]) {
      gates[index]?.resolve();
      await settle();
    }
    await stopped;
    const answers = await Promise.all(asked);
    const refused = answers.flatMap((answer, index) => (answer === 1 ? [] : [index]));
    expect(refused).toEqual(Array.from({ length: 500 }, (_, index) => 500 + index));
    for (const index of refused) expect(answers[index]).toBeInstanceOf(ActorUnavailable);
    expect(ids.filter((id) => world.stored(id) === 1)).toHaveLength(1000);
  });

  test("fails only the poisonous entry: the others commit, in few commits", async () => {
    const world = await World.start();
    const ids = Array.from({ length: 500 }, (_, index) => `n${index}`);
    await world.make(...ids);
    let tries = 0;
    world.journal.fault = (batch, write) => {
      tries += 1;
      if (batch.some(({ ref }) => ref.id === "n77")) throw new JournalRejected("bad row", false);
      write();
    };
    const results = await Promise.allSettled(ids.map((id) => world.add(id)));
    const failed = results.flatMap((result, index) =>
      result.status === "rejected" ? [[ids[index], result.reason]] : [],
    );
    expect(failed).toHaveLength(1);
    expect(failed[0]?.[0]).toBe("n77");
    expect(failed[0]?.[1]).toBeInstanceOf(EventPoisonous);
    expect(world.journal.poison).toHaveLength(1);
    expect(world.journal.poison[0]).toMatchObject({ ref: { kind: "counter", id: "n77" }, error: "bad row" });
    expect(ids.filter((id) => world.stored(id) === 1)).toHaveLength(499);
    expect(tries).toBeLessThan(30);
    // The poisoned actor goes on from its last committed state.
    world.journal.fault = null;
    const later = world.add("n77", 5);
    await world.clock.advance(50);
    expect(await later).toBe(5);
  });
});

describe("a failed commit", () => {
  const lost = () => {
    throw new Error("connection refused");
  };

  test("that was lost tells the asker so, and the actor goes on from the row", async () => {
    const world = await World.start();
    await world.make("a", "b");
    world.changes.length = 0;
    world.journal.fault = lost;
    const refusals = await Promise.all([
      rejection(world.add("a")),
      rejection(world.counters.ask("b", { type: "OWE" })),
    ]);
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ActorUnavailable);
    expect(world.value("a")).toBe(0);
    expect(world.changes).toEqual([]);
    expect(world.effects).toEqual([]);
    world.journal.fault = null;
    const next = world.add("a", 7);
    await world.clock.advance(100);
    expect(await next).toBe(7);
    expect(world.logged("a")).toEqual(["created", "ADD"]);
    expect(world.counters.peek("b")?.state).toBe("idle");
    expect(world.effects).toEqual([]);
  });

  test("that was written after all is found by reading the row, and what follows from it is done", async () => {
    const world = await World.start();
    await world.make("a");
    world.changes.length = 0;
    world.journal.fault = (_, write) => {
      write();
      throw new Error("connection lost at COMMIT");
    };
    expect(await rejection(world.counters.ask("a", { type: "OWE" }))).toBeInstanceOf(ActorUnavailable);
    expect(world.counters.peek("a")?.state).toBe("idle");
    expect(world.effects).toEqual([]);
    world.journal.fault = null;
    await world.clock.advance(100);
    expect(world.counters.peek("a")).toMatchObject({ state: "owing", version: 2 });
    expect(world.changes).toHaveLength(1);
    expect(world.changes[0]).toMatchObject({ before: { version: 1 }, after: { version: 2 }, event: "reloaded" });
    expect(world.effects).toEqual(["counter/a/send/1"]);
    expect(await world.add("a", 3)).toBe(3);
    expect(world.logged("a")).toEqual(["created", "OWE", "ADD"]);
  });

  test("of a creation that was written after all makes the actor", async () => {
    const world = await World.start();
    world.journal.fault = (_, write) => {
      write();
      throw new Error("connection lost at COMMIT");
    };
    expect(await rejection(world.counters.create("a", { start: 4 }))).toBeInstanceOf(ActorUnavailable);
    world.journal.fault = null;
    await world.clock.advance(100);
    expect(world.changes).toMatchObject([{ before: null, after: { version: 1 }, event: "reloaded" }]);
    expect(await world.counters.create("a", { start: 9 })).toMatchObject({
      created: false,
      committed: { snapshot: { context: { value: 4 } } },
    });
  });

  test("of a creation that was lost leaves nothing behind", async () => {
    const world = await World.start();
    world.journal.fault = lost;
    await rejection(world.counters.create("a", { start: 4 }));
    world.journal.fault = null;
    await world.clock.advance(100);
    expect(world.counters.size).toBe(0);
    expect(await world.counters.create("a", { start: 9 })).toMatchObject({ created: true });
  });

  test("of one actor does not hold up another", async () => {
    const world = await World.start();
    await world.make("a", "b");
    world.journal.fault = lost;
    await rejection(world.add("a"));
    world.journal.fault = null;
    expect(await world.add("b")).toBe(1);
  });

  test("messages that came in behind it are worked off after the row was read", async () => {
    const world = await World.start();
    await world.make("a");
    let once = true;
    world.journal.fault = (_, write) => {
      write();
      if (!once) return;
      once = false;
      throw new Error("connection lost at COMMIT");
    };
    const [first, ...rest] = [world.add("a", 1), world.add("a", 10), world.add("a", 100)];
    const refusal = rejection(first as Promise<number>);
    await world.clock.advance(100);
    expect(await refusal).toBeInstanceOf(ActorUnavailable);
    expect(await Promise.all(rest)).toEqual([11, 111]);
  });

  test("a stale version is never written over: the row is read and the actor goes on from it", async () => {
    const world = await World.start();
    await world.make("a");
    const usurper = await World.start({ journal: world.journal, clock: world.clock });
    expect(await usurper.add("a", 50)).toBe(50);
    expect(await rejection(world.add("a", 1))).toBeInstanceOf(ActorUnavailable);
    await world.clock.advance(100);
    expect(await world.add("a", 1)).toBe(51);
    expect(world.changes.map(({ event }) => event)).toEqual(["created", "reloaded", "ADD"]);
    expect(world.journal.poison).toEqual([]);
  });
});

describe("while the database is down", () => {
  test("askers are told, nothing is lost or made up, and all goes on when it is back", async () => {
    const world = await World.start();
    await world.make("a", "b");
    world.journal.down = true;
    expect(await rejection(world.add("a", 1))).toBeInstanceOf(ActorUnavailable);
    for (let minute = 0; minute < 3; minute++) {
      const refused = rejection(world.add("a", 1));
      await world.clock.advance(60_000);
      expect(await refused).toBeInstanceOf(ActorUnavailable);
    }
    expect(await rejection(world.add("b", 1))).toBeInstanceOf(ActorUnavailable);
    expect(world.value("a")).toBe(0);
    world.journal.down = false;
    // The row is read again within two seconds of the database's return.
    const back = Promise.all([world.add("a", 2), world.add("b", 3)]);
    await world.clock.advance(2000);
    expect(await back).toEqual([2, 3]);
    expect(world.logged("a")).toEqual(["created", "ADD"]);
    expect(world.system.quarantined()).toEqual([]);
  });

  test("after stop, nobody tries to read rows any more", async () => {
    const world = await World.start();
    await world.make("a");
    world.journal.down = true;
    await rejection(world.add("a"));
    await world.system.stop();
    await world.clock.advance(60_000);
    expect(world.clock.pending).toBe(0);
  });
});

describe("a deposed process", () => {
  test("is told once and writes nothing more", async () => {
    const world = await World.start();
    await world.make("a", "b");
    const commits = world.journal.commits;
    world.journal.deposed = true;
    const refusals = await Promise.all([rejection(world.add("a")), rejection(world.add("b"))]);
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ActorUnavailable);
    expect(world.deposed).toHaveLength(1);
    expect(world.deposed[0]).toBeInstanceOf(JournalDeposed);
    // Even if the journal would take it again: the epoch was another's in between.
    world.journal.deposed = false;
    const late = rejection(world.add("a"));
    await world.clock.advance(10_000);
    expect(await late).toBeInstanceOf(ActorUnavailable);
    expect(world.deposed).toHaveLength(1);
    expect(world.journal.commits).toBe(commits);
    await world.system.stop();
  });
});
