/** Drains, bans and settings-aside that end by themselves: through restarts, long waits and changes of mind. */
import { describe, expect, test } from "bun:test";
import { type Nodes, nodeKind, nodeStateName } from "../../../src/actors/node/kind.ts";
import { NODE_RULES } from "../../../src/actors/node/machine.ts";
import type { NodeInput } from "../../../src/actors/node/state.ts";
import { type ActorKind, ActorSystem, EventRejected, type Millis, replay } from "../../../src/actors/runtime/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { quietLog } from "../../support/quiet.ts";
import { nodeInput, nodePolicy, T0, uuid } from "../fixtures.ts";
import { ban, drain, outcome, strictPolicy, unban } from "./stepping.ts";

const NODE = uuid(100);
const HOUR: Millis = 3_600_000;
const link = { offer: () => Promise.reject(new Error("no offers here")), probe: () => Promise.resolve(true) };

interface World {
  readonly clock: FakeClock;
  readonly journal: MemoryJournal;
  readonly nodes: Nodes;
  readonly kind: ReturnType<typeof nodeKind>;
  state(): string;
  /** The process ends, and another one takes over after `pause`. */
  restart(pause?: Millis): Promise<World>;
}

async function boot(clock: FakeClock, journal: MemoryJournal): Promise<World> {
  const kind = nodeKind({ link, clock, probeDelay: { first: 1000, slowest: 10_000 } });
  const system = new ActorSystem({
    clock,
    journal,
    log: quietLog,
    outsideGrace: 365 * 24 * HOUR,
    maxPending: 1000,
    onDeposed: () => {},
  });
  const nodes: Nodes = system.register(kind);
  await system.recover();
  system.start();
  await settle();
  return {
    clock,
    journal,
    nodes,
    kind,
    state: () => nodeStateName(nodes.peek(NODE)!.snapshot),
    restart: async (pause = 0) => {
      await system.stop();
      return boot(new FakeClock(clock.now() + pause), journal);
    },
  };
}

/** A node whose lease never ends, so that nothing but the event in question happens to it. */
async function world(overrides: Partial<NodeInput> = {}): Promise<World> {
  const fresh = await boot(new FakeClock(T0), new MemoryJournal());
  const { at: _, ...input } = nodeInput({ policy: { ...nodePolicy, heartbeatTimeout: 365 * 24 * HOUR }, ...overrides });
  await fresh.nodes.create(NODE, input);
  await settle();
  return fresh;
}

const lasting = { ...strictPolicy, heartbeatTimeout: 365 * 24 * HOUR };

describe("a drain with a deadline", () => {
  test("is over at that time, not before", async () => {
    const { nodes, clock, state } = await world();
    await nodes.ask(NODE, drain(T0 + 60_000));
    await clock.advance(59_999);
    expect(state()).toBe("draining");
    await clock.advance(1);
    expect(state()).toBe("drained");
  });

  test("whose time has passed already is over at once; one without a deadline never is", async () => {
    const { nodes, clock, state } = await world();
    await nodes.ask(NODE, drain());
    clock.jump(1000 * HOUR);
    await clock.advance(60_000);
    expect(state()).toBe("draining");
    await nodes.ask(NODE, drain(-1));
    await clock.advance(0);
    expect(state()).toBe("drained");
  });

  test("that is put off is over at the later time", async () => {
    const { nodes, clock, state } = await world();
    await nodes.ask(NODE, drain(T0 + 60_000));
    await nodes.ask(NODE, drain(T0 + 120_000));
    await clock.advance(119_999);
    expect(state()).toBe("draining");
    await clock.advance(1);
    expect(state()).toBe("drained");
  });

  test("that was called off and given again for the same time is over then", async () => {
    const { nodes, clock, state } = await world();
    await nodes.ask(NODE, drain(T0 + 60_000));
    await nodes.ask(NODE, { type: "UNCORDON", reason: "", by: "operator" });
    await nodes.ask(NODE, drain(T0 + 60_000));
    await clock.advance(60_000);
    expect(state()).toBe("drained");
  });

  test("survives a restart, also one that lasts longer than the drain", async () => {
    for (const pause of [10_000, HOUR]) {
      const first = await world();
      await first.nodes.ask(NODE, drain(T0 + 60_000));
      const second = await first.restart(pause);
      expect(second.state()).toBe(pause > 60_000 ? "drained" : "draining");
      await second.clock.advance(60_000);
      expect(second.state()).toBe("drained");
    }
  });
});

describe("a ban", () => {
  test("of two months, longer than one timer can be, ends after two months", async () => {
    const { nodes, clock, state } = await world();
    const delays: number[] = [];
    const after = clock.after.bind(clock);
    clock.after = (delay, callback) => {
      delays.push(delay);
      return after(delay, callback);
    };
    const long = 60 * 24 * HOUR;
    await nodes.ask(NODE, ban(T0 + long));
    await settle();
    clock.jump(long - HOUR / 60);
    await clock.advance(HOUR / 60 - 1);
    expect(state()).toBe("banned");
    await clock.advance(1);
    expect(state()).toBe("online.idle");
    expect(delays.length).toBeGreaterThan(1);
    expect(Math.max(...delays)).toBeLessThan(2 ** 31);
  });

  test("earned at night is over a day later, through a restart", async () => {
    const first = await world({ reputation: 26 });
    await first.nodes.ask(NODE, outcome(1, "failed"));
    expect(first.state()).toBe("banned");
    const second = await first.restart(24 * HOUR - 60_000);
    await second.clock.advance(59_999);
    expect(second.state()).toBe("banned");
    await second.clock.advance(1);
    expect(second.nodes.peek(NODE)!.snapshot.context).toMatchObject({ ban: null, reputation: 25, strikes: 0 });
  });

  test("is not ended by the clock's being set back", async () => {
    const { nodes, clock, state } = await world();
    await nodes.ask(NODE, ban(T0 + 120_000));
    await settle();
    clock.jump(-60_000);
    await clock.advance(179_999);
    expect(state()).toBe("banned");
    await clock.advance(1);
    expect(state()).toBe("online.idle");
  });

  test("that an operator lifts does not come back, and the lifted one's end is not heard of", async () => {
    const { nodes, clock, journal, state } = await world();
    await settle();
    const timers = clock.pending;
    await nodes.ask(NODE, ban(T0 + HOUR));
    await settle();
    expect(clock.pending).toBe(timers + 1);
    await nodes.ask(NODE, unban);
    await settle();
    expect(clock.pending).toBe(timers);
    clock.jump(2 * HOUR);
    await clock.advance(1000);
    expect(state()).toBe("online.idle");
    expect(
      journal.log.get(`node/${NODE}`)?.filter(({ event }) => (event as { type: string }).type === "BAN_OVER"),
    ).toEqual([]);
  });
});

test("a node that is set aside is offered jobs again when the time is over", async () => {
  const { nodes, clock, state } = await world({ policy: lasting });
  await nodes.ask(NODE, outcome(1, "failed"));
  await nodes.ask(NODE, outcome(2, "rejected"));
  expect(state()).toBe("set_aside");
  await clock.advance(59_999);
  expect(state()).toBe("set_aside");
  await clock.advance(1);
  expect(state()).toBe("online.idle");
});

test("what an operator has said already is refused, with the state it is in", async () => {
  const { nodes } = await world();
  await nodes.ask(NODE, drain());
  const refused = await nodes.ask(NODE, drain()).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(EventRejected);
  expect((refused as EventRejected).committed.state).toBe("draining");
});

test("who said what and why is in the log, and the log replayed is the row (I9)", async () => {
  const { nodes, clock, journal, kind } = await world({ policy: lasting, reputation: 60 });
  await nodes.ask(NODE, drain(T0 + 1000, "new fans"));
  for (const job of [1, 2, 3]) await nodes.ask(NODE, outcome(job, "lost"));
  await nodes.ask(NODE, outcome(4, "completed", { goodMetrics: true }));
  await nodes.ask(NODE, ban(T0 + 5000, true));
  await clock.advance(10_000);
  await nodes.ask(NODE, { type: "UNCORDON", reason: "done", by: "ada" });
  const log = journal.log.get(`node/${NODE}`) ?? [];
  const said = log.map(({ event }) => event as { type: string; by?: string; reason?: string; rules?: number });
  expect(said.find(({ type }) => type === "DRAIN")).toMatchObject({ by: "operator", reason: "new fans" });
  expect(said.find(({ type }) => type === "UNCORDON")).toMatchObject({ by: "ada", reason: "done" });
  expect(said.map(({ type }) => type)).toEqual(expect.arrayContaining(["DRAIN_OVER", "BAN_OVER"]));
  expect(new Set(said.slice(1).map(({ rules }) => rules))).toEqual(new Set([NODE_RULES]));
  const { snapshot } = replay(
    kind as unknown as ActorKind,
    log.map(({ event }) => event),
  );
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(JSON.parse(journal.rows.get(`node/${NODE}`)!.snapshot));
});
