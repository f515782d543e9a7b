/**
 * I1 and I9 under a journal that loses, hides and refuses commits, and processes that are killed in the middle of them.
 * A failing run prints its seed; `CYXWIZ_TEST_SEED=<seed> bun test tests/actors/runtime/replay.test.ts` repeats it.
 */
import { describe, expect, test } from "bun:test";
import {
  ActorError,
  type ActorKind,
  ActorUnavailable,
  type Committed,
  JournalRejected,
  type Json,
  replay,
} from "../../../src/actors/runtime/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { seeded } from "../../support/seeded.ts";
import { Connection, counterKind, World } from "./counter.ts";

const STEPS = 3000;
const ids = Array.from({ length: 12 }, (_, index) => `a${index}`);

/** What one asked event came to. */
interface Asked {
  readonly id: string;
  readonly token: string;
  outcome: "waiting" | "acknowledged" | "refused" | "perhaps";
  version: number;
}

const tokenOf = (event: Json): string | undefined => (event as { readonly token?: string }).token;

async function run(seed: number): Promise<{ journal: MemoryJournal; asked: Asked[]; restarts: number }> {
  const random = seeded(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const journal = new MemoryJournal();
  const asked: Asked[] = [];
  let restarts = 0;

  journal.fault = async (batch, write) => {
    if (batch.some(({ event }) => tokenOf(event)?.endsWith("!"))) throw new JournalRejected("a bad row", false);
    if (random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
    const chance = random();
    if (chance < 0.06) throw new Error("connection refused");
    write();
    if (chance < 0.12) throw new Error("connection lost at COMMIT");
  };

  // Each process has its own timers; only wall-clock time and the journal go on.
  const boot = async (now?: number) => {
    const connection = new Connection(journal);
    const clock = new FakeClock(now);
    const world = await World.start({
      clock,
      journal,
      system: { journal: connection },
      send: async ({ owed }) => {
        if (random() < 0.2) throw new Error("nobody answers");
        return { type: "SENT", key: owed.key };
      },
    });
    return { world, connection, clock };
  };
  let process = await boot();

  const note = (id: string, token: string, answer: Promise<Committed<never>>) => {
    const one: Asked = { id, token, outcome: "waiting", version: 0 };
    asked.push(one);
    answer.then(
      ({ version }) => {
        one.outcome = "acknowledged";
        one.version = version;
      },
      (error) => {
        if (!(error instanceof ActorError)) throw error;
        one.outcome = error instanceof ActorUnavailable ? "perhaps" : "refused";
      },
    );
  };

  for (let step = 0; step < STEPS; step++) {
    const { counters } = process.world;
    const id = pick(ids);
    const token = `t${step}${random() < 0.004 ? "!" : ""}`;
    const chance = random();
    if (chance < 0.1) counters.create(id, { start: 0, limit: 1_000_000 }).catch(() => {});
    else if (chance < 0.6) note(id, token, counters.ask(id, { type: "ADD", by: 1, token }) as never);
    else if (chance < 0.64) note(id, token, counters.ask(id, { type: "ADD", by: 2_000_000, token }) as never);
    else if (chance < 0.72) {
      const until = process.clock.now() + Math.floor(random() * 3000);
      counters.ask(id, { type: "WAIT", until, outside: random() < 0.3 }).catch(() => {});
    } else if (chance < 0.82) counters.ask(id, { type: "OWE" }).catch(() => {});
    else if (chance < 0.823) counters.ask(id, { type: "CLOSE" }).catch(() => {});
    else if (chance < 0.827) counters.ask(id, { type: "THROW_IN_ACTION" }).catch(() => {});
    else if (chance < 0.9) await process.clock.advance(Math.floor(random() * 400));
    else if (chance < 0.905) {
      // kill -9: whoever still waits for an answer never gets one.
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      process.connection.cut = true;
      for (const one of asked) if (one.outcome === "waiting") one.outcome = "perhaps";
      restarts += 1;
      process = await boot(process.clock.now() + Math.floor(random() * 2000));
    }
    // A step without a wait in between gives mailboxes and groups something to do.
  }
  journal.fault = null;
  await process.clock.advance(60_000);
  await process.world.system.stop();
  return { journal, asked, restarts };
}

function check({ journal, asked }: Awaited<ReturnType<typeof run>>): void {
  for (const [key, row] of journal.rows) {
    const log = journal.log.get(key) ?? [];
    expect(log.map(({ version }) => version)).toEqual(log.map((_, index) => index + 1));
    expect(log.map(({ from }) => from)).toEqual([null, ...log.slice(0, -1).map(({ to }) => to)]);
    expect(row.version).toBe(log.length);
    const { snapshot, state } = replay(
      counterKind as unknown as ActorKind,
      log.map(({ event }) => event),
    );
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(JSON.parse(row.snapshot));
    expect(counterKind.deadline(state as never)).toBe(row.deadline);
    expect(counterKind.finished(state as never)).toBe(row.finished);
  }
  const written = new Map<string, number[]>();
  for (const [key, log] of journal.log) {
    for (const { event, version } of log) {
      const token = tokenOf(event);
      if (token !== undefined) written.set(`${key}/${token}`, [...(written.get(`${key}/${token}`) ?? []), version]);
    }
  }
  for (const { id, token, outcome, version } of asked) {
    const versions = written.get(`counter/${id}/${token}`) ?? [];
    if (outcome === "acknowledged") expect([token, ...versions]).toEqual([token, version]);
    else if (outcome === "refused") expect([token, ...versions]).toEqual([token]);
    else {
      expect(outcome).toBe("perhaps");
      expect(versions.length).toBeLessThan(2);
    }
  }
}

describe("whatever happens to the journal and the process", () => {
  const given = process.env.CYXWIZ_TEST_SEED;
  for (const seed of given ? [Number(given)] : [1, 2, 3, 4]) {
    test(`every answer is in the log once, and the log replayed gives the rows (seed ${seed})`, async () => {
      const result = await run(seed);
      check(result);
      const count = (outcome: Asked["outcome"]) => result.asked.filter((one) => one.outcome === outcome).length;
      // The run is worth something only if all of it happened.
      if (given) return;
      expect(result.restarts).toBeGreaterThan(2);
      expect(count("acknowledged")).toBeGreaterThan(100);
      expect(count("refused")).toBeGreaterThan(50);
      expect(count("perhaps")).toBeGreaterThan(50);
    }, 30_000);
  }
});
