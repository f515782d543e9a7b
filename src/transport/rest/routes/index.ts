/** Every route of the REST API. */
import type { Route } from "../route.ts";
import { aboutRoutes } from "./about.ts";
import { quarantinedActors, releaseActor } from "./actors.ts";
import { jobComplaint, jobExplanation, jobPlan } from "./explain.ts";
import { health, legacyHealth } from "./health.ts";
import { jobEvents } from "./job-events.ts";
import { cancelJob, jobById, jobs } from "./jobs.ts";
import { legacyJobById, legacyJobs, legacyNodeById, legacyNodes } from "./legacy.ts";
import { nodeOrders } from "./node-orders.ts";
import { nodeById, nodeMetrics, nodeReputation, nodes } from "./nodes.ts";
import { blockchain, jobPayment, payments, retryPayment } from "./payments.ts";
import { pauseScheduler, resumeScheduler, schedulerQueue, schedulerStatus } from "./scheduler.ts";
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
  jobExplanation,
  jobPlan,
  jobPayment,
  retryPayment,
  payments,
  blockchain,
  jobComplaint,
  cancelJob,
  nodes,
  nodeById,
  nodeMetrics,
  nodeReputation,
  ...nodeOrders,
  schedulerStatus,
  schedulerQueue,
  pauseScheduler,
  resumeScheduler,
  quarantinedActors,
  releaseActor,
];

export const routes: readonly Route[] = [...described, ...aboutRoutes(described)];
