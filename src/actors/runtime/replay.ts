/** Folds a transition log back into the actor it describes (I9). Pure. */
import type { AnyMachineSnapshot } from "xstate";
import { Computation } from "./computation.ts";
import type { ActorKind } from "./kind.ts";
import type { Json } from "./ports.ts";

/**
 * `events` are the log's events of one actor in the order of their versions, the first one its creation. Returns the
 * persisted snapshot they lead to, which must equal the actor's row.
 */
export function replay(
  kind: ActorKind,
  events: readonly Json[],
): { readonly snapshot: Json; readonly state: AnyMachineSnapshot } {
  const [creation, ...rest] = events as readonly { readonly type: string; readonly input?: Json }[];
  if (creation?.type !== "created") throw new Error("a log begins with its actor's creation");
  const computation = new Computation(kind.machine);
  let state = computation.begin(creation.input);
  for (const event of rest) state = computation.next(state, event);
  return { snapshot: computation.persist(state), state };
}
