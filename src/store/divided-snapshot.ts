/**
 * A snapshot as it is stored: the fields of its context that an actor keeps from its creation stand apart, in `actors.lasting`, and are
 * written when they are new or have changed. Of a small job that is half of it; of any, all that can be large.
 */
import type { JournalEntry, Json } from "../actors/runtime/index.ts";
import { encodePlainJson } from "./projections/columns.ts";

export interface DividedSnapshot {
  readonly snapshot: string | null;
  /** Null: as the row has it. */
  readonly lasting: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws JournalRejected for what JSON or PostgreSQL cannot keep */
export function divide({ snapshot, lasting }: JournalEntry): DividedSnapshot {
  const context = contextOf(snapshot);
  if (lasting === undefined || context === null) {
    return { snapshot: encodePlainJson(snapshot, "actors.snapshot"), lasting: "{}" };
  }
  const changing: Record<string, unknown> = { ...context };
  // What is undefined is left out of JSON.
  for (const name of lasting.names) changing[name] = undefined;
  return {
    snapshot: encodePlainJson({ ...(snapshot as Fields), context: changing }, "actors.snapshot"),
    lasting: lasting.isKept ? null : encodePlainJson(picked(context, lasting.names), "actors.lasting"),
  };
}

/** A field that both have is as the snapshot has it. */
export function join(snapshot: unknown, lasting: unknown): Json {
  const context = contextOf(snapshot);
  if (context === null) return snapshot as Json;
  return { ...(snapshot as Fields), context: { ...(lasting as Fields), ...context } } as unknown as Json;
}

function picked(context: Fields, names: readonly string[]): Fields {
  const fields: Record<string, unknown> = {};
  for (const name of names) fields[name] = context[name];
  return fields;
}

/** Null where there is none to divide, as in a snapshot that somebody has broken. */
function contextOf(snapshot: unknown): Fields | null {
  if (!isRecord(snapshot) || !isRecord(snapshot.context)) return null;
  return snapshot.context;
}

const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
