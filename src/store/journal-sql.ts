import type { JournalEntry } from "../actors/runtime/index.ts";
import { divide } from "./divided-snapshot.ts";
import { arrayLiteral, encodeJson, joinedJson, jsonItems, plainLiteral } from "./projections/columns.ts";
import type { Statement } from "./projections/projector.ts";

/** The journal's SQL, one function per statement. Times travel as epoch milliseconds. */

/** Fails with CX001 unless `epoch` is the leader's; holds the leadership row until the transaction ends. */
export function assertLeader(epoch: bigint): Statement {
  return { name: "journal_fence", text: "select journal_assert_leader($1)", values: [epoch] };
}

/**
 * Writes the actors and their transitions. Fails with CX002 unless every actor was at its expected version, so a batch with
 * one stale entry writes nothing: the exception aborts the transaction before the COMMIT already on its way.
 */
export function writeBatch(batch: readonly JournalEntry[], epoch: bigint): Statement {
  const column = (value: (entry: JournalEntry) => string | null) => arrayLiteral(batch.map(value));
  const divided = batch.map(divide);
  return {
    name: "journal_write",
    text: writeBatchText,
    values: [
      column((entry) => entry.ref.kind),
      column((entry) => entry.ref.id),
      plainLiteral(batch.map((entry) => entry.expectedVersion)),
      column((entry) => entry.from),
      column((entry) => entry.to),
      joinedJson(batch.map((entry) => encodeJson(entry.event, "transitions.event"))),
      joinedJson(divided.map(({ snapshot }) => snapshot)),
      plainLiteral(batch.map((entry) => entry.deadline)),
      plainLiteral(batch.map((entry) => entry.finished)),
      plainLiteral(batch.map((entry) => entry.at)),
      epoch,
      joinedJson(divided.map(({ lasting }) => lasting)),
    ],
  };
}

// JSON is read row by row: an array of jsonb is parsed whole before the statement begins, in memory that is only freed
// after it, which takes PostgreSQL twice as long.
const writeBatchText = `
  with batch as (
    select kind, id, expected, from_state, to_state, event::jsonb, snapshot::json, lasting::json, finished,
      to_timestamp(deadline / 1000) as deadline, to_timestamp(at / 1000) as at
    from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], ${jsonItems(6)}, ${jsonItems(7)}, $8::float8[],
      $9::boolean[], $10::float8[], ${jsonItems(12)})
      as b (kind, id, expected, from_state, to_state, event, snapshot, deadline, finished, at, lasting)
  ), created as (
    insert into actors (kind, id, version, epoch, state, snapshot, lasting, deadline, finished, created_at, updated_at)
    select kind, id, 1, $11, to_state, snapshot, lasting, deadline, finished, at, at from batch where expected = 0
    on conflict do nothing
    returning 1
  ), updated as (
    update actors a set version = b.expected + 1, epoch = $11, state = b.to_state, snapshot = b.snapshot,
      lasting = coalesce(b.lasting, a.lasting), deadline = b.deadline, finished = b.finished, updated_at = b.at
    from batch b
    where a.kind = b.kind and a.id = b.id and a.version = b.expected and b.expected > 0
    returning 1
  ), logged as (
    insert into transitions (kind, id, version, epoch, event, from_state, to_state, at)
    select kind, id, expected + 1, $11, event, from_state, to_state, at from batch
  )
  select journal_assert_written(
    (select count(*) from created) + (select count(*) from updated), (select count(*) from batch))`;

/** A row of `actors` as `readActor` and `readLivePage` return it. */
export interface ActorRow {
  readonly kind: string;
  readonly id: string;
  readonly version: bigint;
  readonly state: string;
  readonly snapshot: unknown;
  readonly lasting: unknown;
  readonly deadline: number | null;
  readonly finished: boolean;
  readonly updated_at: number;
}

const actorColumns = `kind, id, version, state, snapshot, lasting, finished,
  (extract(epoch from deadline) * 1000)::float8 as deadline, (extract(epoch from updated_at) * 1000)::float8 as updated_at`;

export function readActor(kind: string, id: string): Statement {
  return {
    name: "journal_load",
    text: `select ${actorColumns} from actors where kind = $1 and id = $2`,
    values: [kind, id],
  };
}

/** One page of live actors, those after `afterId` in order of id. */
export function readLivePage(kind: string, afterId: string, limit: number): Statement {
  return {
    name: "journal_load_live",
    text: `select ${actorColumns} from actors where kind = $1 and id > $2 and not finished order by id limit $3`,
    values: [kind, afterId, limit],
  };
}

export function insertPoison(kind: string, id: string, event: string, error: string, at: number): Statement {
  return {
    name: "journal_poison",
    text: "insert into poison_events (kind, id, event, error, at) values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000))",
    values: [kind, id, event, error, at],
  };
}
