/**
 * Whatever an earlier version has stored is loaded, is what its log says, and goes on. tests/fixtures/snapshots has one folder for each
 * version, written by scripts/write-snapshots.ts with the machines of that version; folders named after commits are of forms
 * that databases had before the first release.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SnapshotFrom } from "xstate";
import manifest from "../../../../package.json" with { type: "json" };
import { jobKind } from "../../../../src/actors/job/kind.ts";
import { nodeKind } from "../../../../src/actors/node/kind.ts";
import { paymentKind } from "../../../../src/actors/payment/kind.ts";
import { type ActorKind, ActorSystem, type Json, replay } from "../../../../src/actors/runtime/index.ts";
import { schedulerKind } from "../../../../src/actors/scheduler/kind.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { quietLog } from "../../../support/quiet.ts";
import { next, plain } from "./graph.ts";
import { jobWorlds } from "./job-world.ts";
import { nodeWorlds } from "./node-world.ts";
import { paymentWorlds } from "./payment-world.ts";
import { schedulerWorld } from "./scheduler-world.ts";
import { formOf, KINDS, type Kind, type StoredActor, storedBy } from "./stored.ts";

setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "../../../..");
const FOLDER = join(ROOT, "tests/fixtures/snapshots");

const kinds = {
  job: jobKind({ link: undefined as never, texts: undefined as never, nodes: undefined as never }),
  node: nodeKind({
    link: undefined as never,
    clock: new FakeClock(),
    probeDelay: { first: 1000, slowest: 10_000 },
  }),
  payment: paymentKind({
    chain: undefined as never,
    clock: new FakeClock(),
    pace: { lookEvery: 1000, sendEvery: 1000 },
    jobs: () => undefined as never,
  }),
  scheduler: schedulerKind,
} as unknown as Readonly<Record<Kind, ActorKind>>;

const moves = {
  job: jobWorlds[0].moves,
  node: nodeWorlds[0]?.moves,
  payment: paymentWorlds[0].moves,
  scheduler: schedulerWorld.moves,
} as unknown as Readonly<Record<Kind, (snapshot: SnapshotFrom<ActorKind["machine"]>) => readonly { type: string }[]>>;

/**
 * Loaded, but not what its log gives today: the first jobs took a refusal as "invalid" for a failed run, and their events
 * bear no stamp by which those of then could be told from those of an hour later (8774e4e).
 */
const OTHER_RULES: ReadonlySet<string> = new Set(["0.2.0-dev.00766f3/job"]);

const versions = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** Kinds that came later are not in the folders of before. */
const isIn = (version: string, kind: Kind): boolean => existsSync(join(FOLDER, version, `${kind}.json`));

const storedIn = (version: string, kind: Kind): readonly StoredActor[] =>
  (
    JSON.parse(readFileSync(join(FOLDER, version, `${kind}.json`), "utf8")) as {
      readonly actors: readonly StoredActor[];
    }
  ).actors;

/** A start of today's server on the rows of then. */
async function recovered(kind: Kind, actors: readonly StoredActor[]) {
  const journal = new MemoryJournal();
  for (const [index, { log, snapshot }] of actors.entries()) {
    journal.rows.set(`${kind}/${index}`, {
      version: log.length,
      state: "whatever it was called",
      snapshot: JSON.stringify(snapshot),
      deadline: null,
      finished: false,
      updatedAt: 0,
    });
  }
  const system = new ActorSystem({
    clock: new FakeClock(),
    journal,
    log: quietLog,
    outsideGrace: 1e9,
    maxPending: 10,
    onDeposed: () => {},
  });
  const loaded = system.register(kinds[kind]);
  await system.recover();
  return { system, loaded, journal };
}

test("the versions before this one are there, and this one is", () => {
  expect(versions).toContain("0.2.0-dev.00766f3");
  expect(versions).toContain("0.2.0-dev.69bbc88");
  expect(versions).toContain("0.2.0-dev.c7a40ed");
  for (const kind of KINDS) expect(isIn(manifest.version, kind)).toBe(true);
});

describe.each(
  versions.flatMap((version) => KINDS.filter((kind) => isIn(version, kind)).map((kind) => [version, kind] as const)),
)("%s: every %s", (version, kind) => {
  const actors = storedIn(version, kind);
  const { machine } = kinds[kind];

  test("is loaded by a start of today's server, and is what its log replayed by today's machine gives (I9)", async () => {
    const { system, loaded, journal } = await recovered(kind, actors);
    expect(actors.length).toBeGreaterThan(0);
    expect(system.quarantined()).toEqual([]);
    expect(journal.poison).toEqual([]);
    for (const [index, { log }] of actors.entries()) {
      const { state } = replay(kinds[kind], log);
      if (OTHER_RULES.has(`${version}/${kind}`)) continue;
      const here = loaded.peek(String(index))?.snapshot as { readonly value: Json; readonly context: Json } | undefined;
      expect([index, plain(here?.value), plain(here?.context)]).toEqual([
        index,
        plain(state.value),
        plain(state.context),
      ]);
    }
    await system.stop();
  });

  test("goes on from there: each of today's events is taken or refused, and leads to what can be stored", async () => {
    const { system, loaded } = await recovered(kind, actors);
    for (const index of actors.keys()) {
      const snapshot = loaded.peek(String(index))?.snapshot;
      if (!snapshot) throw new Error(`${kind} ${index} was not loaded`);
      for (const event of moves[kind](snapshot)) {
        const after = next(machine, snapshot, event);
        const deadline = kinds[kind].deadline(after);
        expect([event.type, deadline === null || Number.isFinite(deadline)]).toEqual([event.type, true]);
        expect(kinds[kind].row?.(after, 1) ?? {}).toBeObject();
      }
    }
    await system.stop();
  });
});

describe.each(KINDS)("the form in which a %s is stored", (kind) => {
  /**
   * Should this fail: the stored form has changed. If this version has been released, give package.json the next one, and
   * teach the kind's `upgrade` the earlier forms if the other tests here ask for it. Then run scripts/write-snapshots.ts.
   */
  test("is that of this version's fixtures, field by field and state by state", async () => {
    const forms = (actors: readonly StoredActor[]): readonly string[] => [...new Set(actors.flatMap(formOf))].sort();
    expect(forms(await storedBy(ROOT, kind))).toEqual(forms(storedIn(manifest.version, kind)) as string[]);
  });

  test("is the very same when the logs of this version's fixtures are replayed", () => {
    for (const { log, snapshot } of storedIn(manifest.version, kind)) {
      expect(plain(replay(kinds[kind], log).snapshot)).toEqual(snapshot as unknown as Json);
    }
  });
});
