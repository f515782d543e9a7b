/** Reads of the transition log: what happened to one actor, in order. */
import type { Kysely } from "kysely";
import type { Database } from "../tables.ts";

export interface Transition {
  /** The actor's version after it. */
  readonly version: number;
  /** The event, whole, as the actor took it. */
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  /** Null for the creation. */
  readonly from: string | null;
  readonly to: string;
  readonly at: Date;
}

/** The transitions after `version`, oldest first, at most `limit`. */
export async function transitionsAfter(
  db: Kysely<Database>,
  kind: string,
  id: string,
  version: number,
  limit: number,
): Promise<readonly Transition[]> {
  const rows = await select(db, kind, id)
    .where("version", ">", BigInt(version))
    .orderBy("version", "asc")
    .limit(limit)
    .execute();
  return rows.map(toTransition);
}

/** The transition that led to the actor's present state; undefined when there is no such actor. */
export async function latestTransition(
  db: Kysely<Database>,
  kind: string,
  id: string,
): Promise<Transition | undefined> {
  const row = await select(db, kind, id).orderBy("version", "desc").limit(1).executeTakeFirst();
  return row && toTransition(row);
}

const select = (db: Kysely<Database>, kind: string, id: string) =>
  db
    .selectFrom("transitions")
    .select(["version", "event", "from_state", "to_state", "at"])
    .where("kind", "=", kind)
    .where("id", "=", id);

interface TransitionRow {
  readonly version: bigint;
  readonly event: unknown;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly at: Date;
}

function toTransition({ version, event, from_state, to_state, at }: TransitionRow): Transition {
  return { version: Number(version), event: event as Transition["event"], from: from_state, to: to_state, at };
}
