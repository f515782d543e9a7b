/** Actors that failed too often, or whose stored state cannot be loaded: set aside for an operator to look at. */
import { notFound } from "../../../domain/refusal.ts";
import { requireOperator } from "../access.ts";
import { oneOf, ref, text } from "../openapi/schema.ts";
import type { Route } from "../route.ts";

export const quarantinedActors: Route = {
  method: "GET",
  path: "/api/v1/actors/quarantined",
  id: "listQuarantinedActors",
  tag: "Actors",
  summary: "Jobs, nodes and others that take no events until an operator releases them",
  description:
    "What went wrong, event by event, is in the table poison_events. The others go on meanwhile; a quarantined job or node stays as it was last committed.",
  reply: { description: "The list; empty when all is well.", schema: ref("QuarantinedActors") },
  handle: (context, { core }) =>
    context.json({
      actors: core.system.quarantined().map(({ ref: { kind, id }, reason }) => ({ kind, id, reason })),
    }),
};

export const releaseActor: Route = {
  method: "POST",
  path: "/api/v1/actors/{kind}/{id}/release",
  id: "releaseActor",
  tag: "Actors",
  summary: "Gives a quarantined actor another chance",
  description:
    "It is read from the database again and goes on from there; if it fails again as often, it is set aside again. For operators.",
  parameters: [
    {
      name: "kind",
      in: "path",
      description: "The kind of actor.",
      schema: oneOf("job", "node", "payment", "scheduler"),
    },
    { name: "id", in: "path", description: "Its id.", schema: text },
  ],
  reply: { description: "What is still quarantined.", schema: ref("QuarantinedActors") },
  problems: [401, 403, 404],
  handle: async (context, services) => {
    await requireOperator(context, services);
    const [kind, id] = [context.req.param("kind") ?? "", context.req.param("id") ?? ""];
    const { system } = services.core;
    if (!system.quarantined().some(({ ref: actor }) => actor.kind === kind && actor.id === id)) {
      throw notFound(`quarantined ${JSON.stringify(`${kind}/${id}`.slice(0, 120))}`);
    }
    system.releaseQuarantined({ kind, id });
    return quarantinedActors.handle(context, services);
  },
};
