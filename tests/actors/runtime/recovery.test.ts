import { describe, expect, test } from "bun:test";
import { isDeepStrictEqual } from "node:util";
import { type Json, replay } from "../../../src/actors/runtime/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { seeded } from "../../support/seeded.ts";
import { refusal, toyKind, toyWorld } from "./toy.ts";

describe("recovery", () => {
  test("brings back what was live, and only that", async () => {
    const world = await toyWorld();
    for (const id of ["a", "b", "c"]) await world.toys.create(id, { sum: id.charCodeAt(0) });
    await world.toys.ask("b", { type: "CLOSE" });
    await world.system.stop();
    const next = await toyWorld({ journal: world.journal });
    expect([...next.toys.live()].map(({ ref }) => ref.id)).toEqual(["a", "c"]);
    expect(next.toys.peek("c")).toMatchObject({ version: 1, state: "open", snapshot: { context: { sum: 99 } } });
    expect(await next.toys.ask("c", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });
  });

  test("sets a row aside that cannot be loaded, whatever is wrong with it, and loads the others", async () => {
    const world = await toyWorld();
    const bad: Record<string, (snapshot: Record<string, unknown>) => unknown> = {
      null: () => null,
      text: () => "garbage",
      empty: () => ({}),
      state: (snapshot) => ({ ...snapshot, value: "no such state" }),
      value: (snapshot) => ({ ...snapshot, value: undefined }),
      context: (snapshot) => ({ ...snapshot, context: null }),
      emptyContext: (snapshot) => ({ ...snapshot, context: {} }),
    };
    for (const id of [...Object.keys(bad), "good"]) await world.toys.create(id, { sum: 1 });
    await world.system.stop();
    for (const [id, spoil] of Object.entries(bad)) {
      const row = world.journal.rows.get(`toy/${id}`);
      if (row) row.snapshot = JSON.stringify(spoil(JSON.parse(row.snapshot)));
    }
    const next = await toyWorld({ journal: world.journal });
    expect(next.system.quarantined().map(({ ref }) => ref.id)).toEqual(Object.keys(bad));
    expect([...next.toys.live()].map(({ ref }) => ref.id)).toEqual(["good"]);
    expect(next.journal.poison.length).toBe(Object.keys(bad).length);
    for (const id of Object.keys(bad)) {
      expect(await refusal(next.toys.ask(id, { type: "ADD", by: 1 }))).toMatchObject({ name: "ActorQuarantined" });
      expect(await refusal(next.toys.create(id, { sum: 1 }))).toMatchObject({ name: "ActorQuarantined" });
    }
    expect(await next.toys.ask("good", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });
    await next.clock.advance(60_000);

    // Mended by hand and released.
    const good = world.journal.rows.get("toy/good");
    const row = world.journal.rows.get("toy/empty");
    if (row && good) row.snapshot = good.snapshot;
    next.system.releaseQuarantined({ kind: "toy", id: "empty" });
    await settle();
    expect(await next.toys.ask("empty", { type: "ADD", by: 1 })).toMatchObject({ version: 2 });
  });
});

test("thousands of actors under random failures: what was acknowledged is in the log, and the log replayed is the row", async () => {
  const seed = Number(process.env.SEED ?? 20_261_124);
  const random = seeded(seed);
  const journal = new MemoryJournal();
  let world = await toyWorld({ journal });
  const faults: ((write: () => void) => void)[] = [
    (write) => write(),
    (write) => write(),
    (write) => write(),
    () => {
      throw new Error("lost before the write");
    },
    (write) => {
      write();
      throw new Error("lost after the write");
    },
  ];
  journal.fault = (_, write) => faults[Math.floor(random() * faults.length)]?.(write);
  const acknowledged = new Map<string, number>();
  const versions: { id: string; version: number; sum: number }[] = [];
  const ids = Array.from({ length: 2000 }, (_, index) => `a${index}`);
  for (let round = 0; round < 12; round++) {
    const asks: Promise<unknown>[] = [];
    for (const id of ids) {
      if (random() < 0.3) continue;
      const chance = random();
      const asked =
        round === 0 || chance < 0.1
          ? world.toys.create(id, { sum: 1 }).then(({ committed }) => committed)
          : world.toys.ask(
              id,
              chance < 0.15 ? { type: "BOOM" } : chance < 0.18 ? { type: "CLOSE" } : { type: "ADD", by: 1 },
            );
      asks.push(
        asked.then(
          ({ version, snapshot }) => {
            acknowledged.set(id, Math.max(version, acknowledged.get(id) ?? 0));
            versions.push({ id, version, sum: snapshot.context.sum });
          },
          () => {},
        ),
      );
    }
    await settle();
    await world.clock.advance(400);
    await Promise.all(asks);
    if (round % 4 === 3) {
      // A crash: nothing of the old process is used again.
      world = await toyWorld({ journal, clock: world.clock });
    }
  }
  const kind = toyKind() as never;
  try {
    expect(versions.length).toBeGreaterThan(5000);
    for (const { id, version, sum } of versions) {
      const log = journal.log.get(`toy/${id}`) ?? [];
      if (log.length < version) throw new Error(`${id}: version ${version} was acknowledged and is not in the log`);
      const added = log.slice(0, version).filter(({ event }) => (event as { type: string }).type === "ADD").length;
      if (sum !== 1 + added) throw new Error(`${id}: acknowledged with ${sum}, the log says ${1 + added}`);
    }
    for (const [key, row] of journal.rows) {
      const log = journal.log.get(key) ?? [];
      if (log.some(({ version }, index) => version !== index + 1)) throw new Error(`${key}: its log has gaps`);
      const { snapshot } = replay(
        kind,
        log.map(({ event }) => event as Json),
      );
      if (
        row.version !== log.length ||
        !isDeepStrictEqual(JSON.parse(JSON.stringify(snapshot)), JSON.parse(row.snapshot))
      )
        throw new Error(`${key}: its log replayed is not its row`);
    }
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}, 20_000);
