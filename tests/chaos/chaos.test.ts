/**
 * The cheapest cells of the chaos matrix, small and short, in the normal suite: what was acknowledged survives, nothing is
 * done twice, everything ends. How fast it comes back is measured by `bun run chaos`, where nothing else runs beside it.
 */
import { describe, expect, test } from "bun:test";
import { findPostgres } from "../support/servers.ts";
import { cells } from "./cells.ts";
import { runCell } from "./run-cell.ts";

const SHORT = ["pg-crash", "pg-kill", "redis-kill", "nodes-kill"];

const scale = { nodes: 5, slots: 2, rate: 20, runTime: 100 };
/** Seconds. The patience is only for a machine that is busy with something else. */
const phases = { warm: 0.5, steadyWithin: 0, before: 1, during: 2, after: 1, patience: 120 };

describe.skipIf(findPostgres() === undefined)("under faults no job is lost, doubled or stuck", () => {
  for (const cell of cells.filter(({ name }) => SHORT.includes(name))) {
    test(`${cell.name}: ${cell.what}`, async () => {
      const result = await runCell(cell, scale, phases);
      expect(result?.verdict).toEqual({
        lost: [],
        doubled: [],
        stuck: [],
        failed: [],
        rerun: expect.any(Number),
        faults: [],
      });
      expect(result?.unanswered).toBe(0);
      // The load was there, or all of the above says nothing.
      expect(result?.acknowledged).toBeGreaterThan(20);
    }, 300_000);
  }
});
