/**
 * Nodes stored before conduct was kept (tests/fixtures/nodes-before-conduct.json: made by the machine of commit 69bbc88) go on
 * as what they were.
 */
import { describe, expect, test } from "bun:test";
import { type Nodes, nodeKind, nodeStateName, presenceOf, unavailabilityOf } from "../../../src/actors/node/kind.ts";
import { upgradeNode } from "../../../src/actors/node/upgrade.ts";
import { type ActorKind, ActorSystem, type Json, replay } from "../../../src/actors/runtime/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { quietLog } from "../../support/quiet.ts";
import { begin, outcome, step } from "./stepping.ts";

interface Old {
  readonly log: readonly Json[];
  readonly snapshot: {
    readonly value: { readonly presence: unknown; readonly standing: string };
    readonly context: { readonly id: string; readonly deadline: number | null };
  };
}

const { nodes: old } = (await Bun.file(
  new URL("../../fixtures/nodes-before-conduct.json", import.meta.url),
).json()) as {
  readonly nodes: readonly Old[];
};
const kind = nodeKind({
  link: { offer: () => Promise.reject(new Error("no offers here")), probe: () => Promise.resolve(true) },
  clock: new FakeClock(),
  probeDelay: { first: 1000, slowest: 10_000 },
});
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("the fixture has every state there was", () => {
  expect(new Set(old.map(({ snapshot }) => JSON.stringify(snapshot.value))).size).toBe(4 * 3);
});

describe("a node from before", () => {
  test.each(old.map((one) => [JSON.stringify(one.snapshot.value), one] as const))(
    "in %p",
    async (_, { log, snapshot }) => {
      const { id, deadline } = snapshot.context;
      const at = (log.at(-1) as { readonly at: number }).at;
      const journal = new MemoryJournal();
      journal.rows.set(`node/${id}`, {
        version: log.length,
        state: "whatever it was called",
        snapshot: JSON.stringify(snapshot),
        deadline,
        finished: false,
        updatedAt: at,
      });
      const system = new ActorSystem({
        clock: new FakeClock(at),
        journal,
        log: quietLog,
        outsideGrace: 10_000,
        maxPending: 10,
        onDeposed: () => {},
      });
      const nodes: Nodes = system.register(kind);
      await system.recover();
      expect(system.quarantined()).toEqual([]);
      const loaded = nodes.peek(id)!.snapshot;

      // Its log, replayed by today's machine, gives what is loaded (I9): no outcome of then moves a score of now.
      const { state } = replay(kind as unknown as ActorKind, log);
      expect([plain(state.value), plain(state.context)]).toEqual([plain(loaded.value), plain(loaded.context)]);
      expect(loaded.context).toMatchObject({ ...snapshot.context, standingReason: loaded.context.standingReason });

      const was = snapshot.value.standing;
      expect(nodeStateName(loaded)).toBe(
        was === "banned" ? "banned" : was === "maintenance" ? "draining" : presenceOf(loaded),
      );
      if (was !== "inService") expect(unavailabilityOf(loaded)).not.toBeNull();

      // And it goes on by today's rules.
      system.start();
      const judged = await nodes.ask(id, outcome(9, "failed", { attempt: 9 }));
      expect(judged.snapshot.context).toMatchObject({ reputation: 70, changeCount: 1 });
      await settle();
      await system.stop();
      const row = kind.row!(judged.snapshot, judged.version);
      expect(row).toMatchObject({ strike_count: 0, total_bans: 0, reputation_score: 70 });
    },
  );
});

test("a snapshot of today is left as it is", () => {
  const today = plain(step(begin(), outcome(1, "failed"))) as Json;
  expect(upgradeNode(today)).toBe(today);
});
