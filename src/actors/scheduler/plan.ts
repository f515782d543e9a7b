/** What would become of a job that is not submitted yet, if it came now. Pure. */
import { demandOf, gangSizeOf } from "../../domain/job-spec.ts";
import { many } from "./advice.ts";
import { CANDIDATES_SHOWN, heldBack, summaryOf, type Wanted, whatHelps } from "./explain.ts";
import type { Plan } from "./explanation.ts";
import { expectedStart } from "./forecast.ts";
import { countsOf, offLimits, placementReason } from "./obstacles.ts";
import type { QueuedJob } from "./ranking.ts";
import type { Scene } from "./scene.ts";

export function plan({ spec, price }: Wanted, job: QueuedJob, scene: Scene): Plan {
  const why = scene.pool.why(job.demand, scene.exclusionOf(job), scene.keptFrom(job));
  const nodes = countsOf(why, scene.pool.size);
  const unplaced = placementReason(job, why, scene);
  const reason = heldBack(job, scene) ?? unplaced ?? (scene.isAnyoneReady ? "queued_behind_others" : null);
  return {
    price,
    nodesNeeded: gangSizeOf(spec),
    nodes,
    candidates: scene.pool.candidates(demandOf(spec), offLimits(job, scene), CANDIDATES_SHOWN),
    reason,
    summary:
      reason === null
        ? `it would start at once: ${many(nodes.fitting, "node", "nodes")} could take it`
        : summaryOf(reason, job, nodes, scene, null),
    wouldHelp: reason === null ? [] : whatHelps(reason, job, unplaced, scene),
    expectedStart: reason === null ? { kind: "now", at: scene.now } : expectedStart(job, reason, scene),
  };
}
