/** What happens to a job, as server-sent events. */
import { invalid } from "../../../domain/refusal.ts";
import { ownerOf, requireReadable } from "../access.ts";
import type { RestContext } from "../deps.ts";
import { JobEvents } from "../events/job-events.ts";
import { integer } from "../openapi/schema.ts";
import { idOf, one, unknown } from "../request.ts";
import type { Route } from "../route.ts";
import { idParameter } from "./parameters.ts";

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-cache, no-transform",
  // Proxies of the nginx kind would hold events back otherwise.
  "X-Accel-Buffering": "no",
};

export const jobEvents: Route = {
  method: "GET",
  path: "/api/v1/jobs/{id}/events",
  id: "streamJobEvents",
  tag: "Jobs",
  summary: "Follows a job",
  description: `Server-sent events. \`state\`: a committed transition; its id is the job's version. The first one is the present state. \`progress\`: what the node reports, without id; a client that is slow may miss some, and is told how many by \`dropped\`. \`end\`: after the terminal state; the stream closes.
With Last-Event-ID the transitions after that version are replayed first: none is missed, none is sent twice. 0 replays all of them.`,
  parameters: [
    idParameter("job"),
    {
      name: "Last-Event-ID",
      in: "header",
      description: "The id of the last `state` event received. Browsers send it by themselves.",
      schema: integer,
    },
    { name: "lastEventId", in: "query", description: "The same, where a header can not be set.", schema: integer },
  ],
  reply: { description: "The events.", type: "text/event-stream" },
  problems: [400, 401, 403, 404, 429],
  handle: async (context, services) => {
    const jobId = idOf(context, "job");
    const after = lastEventId(context);
    const owner = await ownerOf(jobId, services);
    if (owner === undefined) throw unknown("job", jobId);
    await requireReadable(context, services, { owner, id: jobId });
    if (context.req.method === "HEAD") return context.body(null, 200, STREAM_HEADERS);
    const body = await JobEvents.open({
      jobId,
      after,
      services,
      caller: context.get("share"),
      log: context.get("log"),
    });
    if (body === null) throw unknown("job", jobId);
    return context.body(body, 200, STREAM_HEADERS);
  },
};

/** The header wins: a browser that reconnects sends it along with the address it was first given. */
function lastEventId(context: RestContext): number | undefined {
  const header = context.req.header("last-event-id");
  const field = header === undefined ? "lastEventId" : "Last-Event-ID";
  const given = header ?? one(context, "lastEventId");
  if (given === undefined || given === "") return undefined;
  if (!/^\d{1,15}$/.test(given)) throw invalid(field, "is not the id of a state event: a whole number, 0 or more");
  return Number(given);
}
