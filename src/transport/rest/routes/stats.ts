/** Numbers over the whole network, counted from the committed rows. */
import { tokensFrom } from "../../../domain/money.ts";
import { ref } from "../openapi/schema.ts";
import type { Route } from "../route.ts";

export const legacyStats: Route = {
  method: "GET",
  path: "/api/stats",
  id: "getStats",
  tag: "Health",
  summary: "Network statistics",
  reply: { description: "The numbers.", schema: ref("LegacyStats") },
  handle: async (context, { queries }) => {
    const { nodes, jobs, computeHours } = await queries.stats();
    return context.json({
      total_nodes: nodes.total,
      // A busy node is one that is online and has no slot free.
      online_nodes: nodes.online + nodes.busy,
      total_jobs: jobs.total,
      pending_jobs: jobs.pending,
      running_jobs: jobs.running,
      completed_jobs: jobs.completed,
      total_compute_hours: computeHours,
    });
  },
};

export const infrastructureStats: Route = {
  method: "GET",
  path: "/api/v1/infrastructure/stats",
  id: "getInfrastructureStats",
  tag: "Health",
  summary: "Nodes, jobs, computing time and payments in numbers",
  reply: { description: "The numbers.", schema: ref("InfrastructureStats") },
  handle: async (context, { queries }) => {
    const { nodes, jobs, computeHours, payments } = await queries.stats();
    return context.json({
      nodes,
      jobs,
      compute: { total_hours: computeHours, average_utilization: nodes.total === 0 ? 0 : nodes.busy / nodes.total },
      payments: {
        total_transactions: payments.total,
        // The original's name; the amounts are CYXWIZ tokens.
        total_volume_sol: tokensFrom(payments.completedVolume),
        pending_escrows: payments.open,
      },
    });
  },
};
