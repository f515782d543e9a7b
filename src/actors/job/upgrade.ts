/** Snapshots of jobs as earlier versions stored them, brought into today's shape. Pure. */
import type { Json } from "../runtime/index.ts";

interface Stored {
  readonly context: Readonly<Record<string, Json>>;
}

/** The very first jobs did not keep whether a node had called them malformed. */
export function upgradeJob(snapshot: Json): Json {
  const stored = snapshot as unknown as Stored;
  if ("malformed" in stored.context) return snapshot;
  return { ...stored, context: { ...stored.context, malformed: false } } as unknown as Json;
}
