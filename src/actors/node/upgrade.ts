/** Snapshots of nodes as earlier versions stored them, brought into today's shape. Pure. */
import type { Json } from "../runtime/index.ts";
import { unblemished } from "./machine.ts";

interface Stored {
  readonly value: { readonly presence: Json; readonly standing: string; readonly service?: string };
  readonly context: Readonly<Record<string, Json>>;
}

/**
 * Before conduct was kept, `standing` was one of "inService", "maintenance" and "banned", and meant both what operators say
 * and what conduct says. Maintenance was a drain without an end; a ban was an operator's, without an end.
 */
export function upgradeNode(snapshot: Json): Json {
  const stored = snapshot as unknown as Stored;
  if (stored.value.service !== undefined) return snapshot;
  const { presence, standing } = stored.value;
  const { standingReason = null } = stored.context;
  const banned = standing === "banned";
  return {
    ...stored,
    value: {
      presence,
      service: standing === "maintenance" ? "draining" : "inService",
      standing: banned ? "banned" : "good",
    },
    context: {
      ...stored.context,
      ...unblemished,
      ...(banned && { standingReason: null, ban: { until: null, reason: standingReason, by: "", evict: false } }),
    },
  } as unknown as Json;
}
