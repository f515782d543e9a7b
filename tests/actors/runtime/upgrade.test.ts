/** A kind that has changed since its actors were stored: old snapshots are brought up to date, and events say by which rules they were applied. */
import { describe, expect, test } from "bun:test";
import { type ActorKind, ActorSystem, type Json } from "../../../src/actors/runtime/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { rememberingLog } from "../../support/quiet.ts";
import { type ToyMachine, toyKind, toyWorld } from "./toy.ts";

interface Stored {
  readonly value: string;
  readonly context: Readonly<Record<string, Json>>;
}

/** As if the state "open" had been called "ajar" once, and its context had kept no list of what it owes. */
const upgrade = (snapshot: Json): Json => {
  const { value, context, ...rest } = snapshot as unknown as Stored;
  if (value !== "ajar") return snapshot;
  return { ...rest, value: "open", context: { ...context, owed: [] } };
};

async function storedLongAgo(kind: Partial<ActorKind<ToyMachine>>) {
  const first = await toyWorld();
  await first.toys.create("a", { sum: 1 });
  await first.system.stop();
  const row = first.journal.rows.get("toy/a")!;
  const { value: _, context, ...rest } = JSON.parse(row.snapshot);
  delete context.owed;
  row.snapshot = JSON.stringify({ ...rest, value: "ajar", context });
  const system = new ActorSystem({
    clock: new FakeClock(),
    journal: first.journal,
    log: rememberingLog(),
    outsideGrace: 0,
    maxPending: 10,
    onDeposed: () => {},
  });
  const toys = system.register({ ...toyKind(), ...kind });
  await system.recover();
  system.start();
  await settle();
  return { system, toys, journal: first.journal };
}

describe("an actor stored by an earlier version", () => {
  test("is loaded in today's shape, and stored so with its next transition", async () => {
    const { toys, journal, system } = await storedLongAgo({ upgrade });
    expect(toys.peek("a")).toMatchObject({ version: 1, state: "open" });
    expect(JSON.parse(journal.rows.get("toy/a")!.snapshot).value).toBe("ajar");
    await toys.ask("a", { type: "OWE", key: "b" });
    expect(JSON.parse(journal.rows.get("toy/a")!.snapshot)).toMatchObject({ value: "open", context: { owed: ["b"] } });
    await system.stop();
  });

  test("is set aside where its kind does not know how, or fails at it; the server starts", async () => {
    const failing = (): Json => {
      throw new Error("older than I can read");
    };
    for (const kind of [{}, { upgrade: failing }]) {
      const { system } = await storedLongAgo(kind);
      expect(system.quarantined().map(({ ref }) => ref)).toEqual([{ kind: "toy", id: "a" }]);
      await system.stop();
    }
  });
});

test("every event is stamped with the version of the rules it was applied by, where there is one", async () => {
  for (const rules of [undefined, 3]) {
    const journal = new MemoryJournal();
    const system = new ActorSystem({
      clock: new FakeClock(),
      journal,
      log: rememberingLog(),
      outsideGrace: 0,
      maxPending: 10,
      onDeposed: () => {},
    });
    const toys = system.register({ ...toyKind(), ...(rules !== undefined && { rules }) });
    await system.recover();
    system.start();
    await toys.create("a", { sum: 1 });
    await toys.ask("a", { type: "ADD", by: 2 });
    const stamp = rules === undefined ? {} : { rules };
    expect(journal.log.get("toy/a")?.at(-1)?.event).toEqual({ type: "ADD", by: 2, at: expect.any(Number), ...stamp });
    await system.stop();
  }
});
