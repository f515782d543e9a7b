/** Nodes in full, and their machines' time series. */
import { invalid } from "../../../domain/refusal.ts";
import { NODE_STATUSES, type NodeFilter } from "../../../store/queries/index.ts";
import { callerOf, requireOwnName } from "../access.ts";
import type { RestContext, RestServices } from "../deps.ts";
import { flag, ref, text, time } from "../openapi/schema.ts";
import { pageHeaders, pageParameters, pageRequest, pageResponse } from "../paging.ts";
import { choices, idOf, instant, unknown, wholeNumber, words, yesOrNo } from "../request.ts";
import type { Route } from "../route.ts";
import { metricsView, nodeDetailView, nodeView, reputationView } from "../views/node-view.ts";
import { idParameter, statusParameter } from "./parameters.ts";

export const nodes: Route = {
  method: "GET",
  path: "/api/v1/nodes",
  id: "listNodes",
  tag: "Nodes",
  summary: "Nodes, newest registration first",
  parameters: [
    statusParameter(NODE_STATUSES),
    { name: "region", in: "query", description: "Only nodes of this region.", schema: text },
    { name: "has_gpu", in: "query", description: "Only nodes with a GPU, or only those without.", schema: flag },
    { name: "owner", in: "query", description: "Only this user's nodes.", schema: text },
    ...pageParameters,
  ],
  reply: { description: "A page of nodes.", schema: ref("NodePage"), headers: pageHeaders },
  problems: [400, 401, 403],
  handle: async (context, services) => {
    const { queries } = services;
    const filter = filterOf(context);
    const caller = await callerOf(context, services);
    requireOwnName(caller, filter.owner);
    const [page, total] = await Promise.all([
      queries.nodes.list(filter, pageRequest(context)),
      queries.nodes.count(filter),
    ]);
    const rows = page.rows.map((row) => nodeView(row, services, caller));
    return pageResponse(context, page, total, { nodes: rows, total, next_cursor: page.next });
  },
};

function filterOf(context: RestContext): NodeFilter {
  const region = words(context, "region");
  const owner = words(context, "owner");
  const hasGpu = yesOrNo(context, "has_gpu");
  return {
    statuses: choices(context, "status", NODE_STATUSES),
    ...(region === undefined ? {} : { region }),
    ...(owner === undefined ? {} : { owner }),
    ...(hasGpu === undefined ? {} : { hasGpu }),
  };
}

export const nodeById: Route = {
  method: "GET",
  path: "/api/v1/nodes/{id}",
  id: "getNode",
  tag: "Nodes",
  summary: "One node, with its devices, whether it can be called, and what it runs",
  parameters: [idParameter("node")],
  reply: { description: "The node.", schema: ref("NodeDetail") },
  problems: [400, 401, 404],
  handle: (context, services) => showNode(context, services, idOf(context, "node")),
};

/** Answers with the node as it is committed. */
export async function showNode(context: RestContext, services: RestServices, id: string): Promise<Response> {
  const caller = await callerOf(context, services);
  const found = await services.queries.nodes.find(id);
  if (found === undefined) throw unknown("node", id);
  return context.json(nodeDetailView(found, services, caller));
}

export const nodeReputation: Route = {
  method: "GET",
  path: "/api/v1/nodes/{id}/reputation",
  id: "getNodeReputation",
  tag: "Nodes",
  summary: "Every change of the node's reputation, with the fact behind it, newest first",
  parameters: [
    idParameter("node"),
    {
      name: "limit",
      in: "query",
      description: "Changes to answer with.",
      schema: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
    },
    {
      name: "before",
      in: "query",
      description: "Only changes with a smaller number: the last one of the page before.",
      schema: { type: "integer", minimum: 1 },
    },
  ],
  reply: { description: "The node's record.", schema: ref("NodeReputation") },
  problems: [400, 404],
  handle: async (context, services) => {
    const id = idOf(context, "node");
    const limit = wholeNumber(context, "limit", { min: 1, max: 1000, or: 100 });
    const before = wholeNumber(context, "before", { min: 1, max: Number.MAX_SAFE_INTEGER, or: 0 });
    const { queries } = services;
    const found = await queries.nodes.find(id);
    if (found === undefined) throw unknown("node", id);
    const page = { limit, ...(before > 0 && { before: BigInt(before) }) };
    return context.json(reputationView(found.row, await queries.nodes.reputationChanges(id, page)));
  },
};

export const nodeMetrics: Route = {
  method: "GET",
  path: "/api/v1/nodes/{id}/metrics",
  id: "getNodeMetrics",
  tag: "Nodes",
  summary: "What the node's machine reported of itself, newest first",
  parameters: [
    idParameter("node"),
    { name: "from", in: "query", description: "Not before this time.", schema: time },
    { name: "to", in: "query", description: "Not after this time.", schema: time },
    {
      name: "limit",
      in: "query",
      description: "Samples to answer with.",
      schema: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
    },
  ],
  reply: { description: "The samples.", schema: ref("NodeMetrics") },
  problems: [400, 404],
  handle: async (context, { queries }) => {
    const id = idOf(context, "node");
    const limit = wholeNumber(context, "limit", { min: 1, max: 1000, or: 100 });
    const from = instant(context, "from");
    const to = instant(context, "to");
    if (from !== undefined && to !== undefined && from > to) throw invalid("from", "is later than to");
    if ((await queries.nodes.find(id)) === undefined) throw unknown("node", id);
    const range = { limit, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const metrics = await queries.metrics.list(id, range);
    return context.json({ node_id: id, metrics: metrics.map(metricsView), count: metrics.length });
  },
};
