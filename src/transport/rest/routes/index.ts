/** Every route of the REST API. */
import type { Route } from "../route.ts";
import { aboutRoutes } from "./about.ts";
import { quarantinedActors, releaseActor } from "./actors.ts";
import { health, legacyHealth } from "./health.ts";
import { jobEvents } from "./job-events.ts";
import { cancelJob, jobById, jobs } from "./jobs.ts";
import { legacyJobById, legacyJobs, legacyNodeById, legacyNodes } from "./legacy.ts";
import { nodeById, nodeMetrics, nodes } from "./nodes.ts";
import { schedulerQueue, schedulerStatus } from "./scheduler.ts";
import { infrastructureStats, legacyStats } from "./stats.ts";

const described: readonly Route[] = [
  legacyHealth,
  legacyStats,
  legacyNodes,
  legacyNodeById,
  legacyJobs,
  legacyJobById,
  health,
  infrastructureStats,
  jobs,
  jobById,
  jobEvents,
  cancelJob,
  nodes,
  nodeById,
  nodeMetrics,
  schedulerStatus,
  schedulerQueue,
  quarantinedActors,
  releaseActor,
];

export const routes: readonly Route[] = [...described, ...aboutRoutes(described)];
