/** The original's dashboard routes: bare arrays, capitalised status names, its words in errors. */
import { readableOwner, requireReadable } from "../access.ts";
import { listOf, ref } from "../openapi/schema.ts";
import { pageHeaders, pageParameters, pageRequest, pageResponse } from "../paging.ts";
import { idOf, unknown } from "../request.ts";
import type { Route } from "../route.ts";
import { legacyJob, legacyJobDetail } from "../views/job-view.ts";
import { legacyNode, legacyNodeDetail } from "../views/node-view.ts";
import { idParameter } from "./parameters.ts";

export const legacyNodes: Route = {
  method: "GET",
  path: "/api/nodes",
  id: "listNodesLegacy",
  tag: "Nodes",
  summary: "Nodes in every status, newest registration first",
  parameters: pageParameters,
  reply: { description: "A page of nodes.", schema: listOf(ref("LegacyNode")), headers: pageHeaders },
  problems: [400],
  handle: async (context, services) => {
    const { nodes } = services.queries;
    const [page, total] = await Promise.all([nodes.list({}, pageRequest(context)), nodes.count({})]);
    return pageResponse(
      context,
      page,
      total,
      page.rows.map((row) => legacyNode(row, services)),
    );
  },
};

export const legacyNodeById: Route = {
  method: "GET",
  path: "/api/nodes/{id}",
  id: "getNodeLegacy",
  tag: "Nodes",
  summary: "One node",
  parameters: [idParameter("node")],
  reply: { description: "The node.", schema: ref("LegacyNodeDetail") },
  problems: [400, 404],
  handle: async (context, services) => {
    const id = idOf(context, "node");
    const found = await services.queries.nodes.find(id);
    if (found === undefined) throw unknown("node", id);
    return context.json(legacyNodeDetail(found.row, services));
  },
};

export const legacyJobs: Route = {
  method: "GET",
  path: "/api/jobs",
  id: "listJobsLegacy",
  tag: "Jobs",
  summary: "Jobs in every status, newest first",
  parameters: pageParameters,
  reply: { description: "A page of jobs.", schema: listOf(ref("LegacyJob")), headers: pageHeaders },
  problems: [400, 401],
  handle: async (context, services) => {
    const { jobs } = services.queries;
    const filter = await readableOwner(context, services);
    const [page, total] = await Promise.all([jobs.list(filter, pageRequest(context)), jobs.count(filter)]);
    return pageResponse(context, page, total, page.rows.map(legacyJob));
  },
};

export const legacyJobById: Route = {
  method: "GET",
  path: "/api/jobs/{id}",
  id: "getJobLegacy",
  tag: "Jobs",
  summary: "One job",
  parameters: [idParameter("job")],
  reply: { description: "The job.", schema: ref("LegacyJobDetail") },
  problems: [400, 401, 403, 404],
  handle: async (context, services) => {
    const id = idOf(context, "job");
    const row = await services.queries.jobs.find(id);
    if (row === undefined) throw unknown("job", id);
    await requireReadable(context, services, { owner: row.user_id, id });
    return context.json(legacyJobDetail(row));
  },
};
