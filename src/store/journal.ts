import type pg from "pg";
import {
  type ActorRef,
  failpoints,
  type Journal,
  JournalDeposed,
  type JournalEntry,
  JournalRejected,
  type Poison,
  type StoredActor,
} from "../actors/runtime/index.ts";
import { join } from "./divided-snapshot.ts";
import { messageOf, sqlState } from "./errors.ts";
import { type ActorRow, assertLeader, insertPoison, readActor, readLivePage, writeBatch } from "./journal-sql.ts";
import { writeTexts } from "./journal-texts.ts";
import { jobProjector } from "./projections/jobs.ts";
import { nodeProjector } from "./projections/nodes.ts";
import { paymentProjector } from "./projections/payments.ts";
import type { Projector, Statement } from "./projections/projector.ts";
import { makeStorable } from "./storable.ts";
import type { Writer } from "./writer.ts";

/** Nodes before jobs before payments: the order of their foreign keys. */
export const standardProjectors: readonly Projector[] = [nodeProjector, jobProjector, paymentProjector];

/** A page large enough that recovery is bound by the server, small enough to hold two in memory without thought. */
const livePage = 1_000;
/** Deadlocks need another writer, which there is not: only a person with psql. Three attempts outlast that. */
const maxAttempts = 3;
/**
 * A commit takes milliseconds. No word for five seconds means most likely that the connection is half-open, and everything
 * waits behind it. Giving up is safe when that was wrong: the outcome counts as unknown, the next connection ends the old
 * one's process, and what came of the batch is read.
 */
const silenceLimit = 5_000;
/**
 * But it is not free: on a machine that is so slow, or with batches so large, that five seconds are not enough, the same work
 * would come again and be given up again. So once it has, only the writer's own limit (35 s) holds for ten minutes.
 */
const patientFor = 600_000;

/**
 * The journal in PostgreSQL.
 *
 * A batch is one transaction: the fence (am I still the leader?), new actors' texts, the actors and their transitions, the projections. All of
 * it and the COMMIT go out in one piece and cost one round trip. The checks raise inside the database, so a batch that must
 * not be written turns its own COMMIT into a ROLLBACK.
 *
 * Why the outcome is never guessed: "written" needs every statement's success and the answer COMMIT; any refused statement
 * together with an answer to COMMIT means the transaction rolled back; no answer to COMMIT means unknown, and the caller
 * gets the raw error. Reads go through the same connection, which settles a lost predecessor first (see `Writer`).
 */
export class PostgresJournal implements Journal {
  readonly #writer: Writer;
  readonly #epoch: () => bigint;
  readonly #projectors: readonly Projector[];
  /** In milliseconds of `performance.now()`. */
  #patientUntil = 0;

  /** @param epoch the leadership epoch to write under; a function when it may be taken anew */
  constructor(writer: Writer, epoch: bigint | (() => bigint), projectors: readonly Projector[] = standardProjectors) {
    this.#writer = writer;
    this.#epoch = typeof epoch === "function" ? epoch : () => epoch;
    this.#projectors = projectors;
  }

  async commit(batch: readonly JournalEntry[]): Promise<void> {
    if (batch.length === 0) return;
    let statements = this.#statements(batch, false);
    for (let attempt = 1; ; attempt++) {
      const client = await this.#writer.client();
      const refusal = await this.#transact(client, statements);
      if (refusal === undefined) return;
      const state = sqlState(refusal);
      if (attempt < maxAttempts && state === outOfStep) {
        statements = this.#statements(batch, true);
        continue;
      }
      if (attempt < maxAttempts && state !== undefined) {
        if (transient.has(state)) continue;
        if (voidStatements.has(state)) {
          this.#writer.abandon(client);
          continue;
        }
      }
      throw translate(refusal, batch);
    }
  }

  async load(ref: ActorRef): Promise<StoredActor | null> {
    const [row] = await this.#read(readActor(ref.kind, ref.id));
    return row === undefined ? null : toStoredActor(row);
  }

  async *loadLive(kind: string): AsyncIterable<readonly StoredActor[]> {
    for (let after = ""; ; ) {
      const rows = await this.#read(readLivePage(kind, after, livePage));
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map(toStoredActor);
      if (rows.length < livePage) return;
      after = last.id;
    }
  }

  /** Text the database cannot hold, often the very reason for the poison, is kept with U+FFFD in its place. */
  async recordPoison({ ref, event, error, at }: Poison): Promise<void> {
    const client = await this.#writer.client();
    const id = makeStorable(ref.id);
    const json = JSON.stringify(makeStorable(event)) ?? "null";
    const refusal = await this.#transact(client, [insertPoison(ref.kind, id, json, makeStorable(error), at)]);
    if (refusal !== undefined) throw refusal;
  }

  /** `transact`, giving up a connection whose outcome is unknown, so that the next read sees what came of it. */
  async #transact(client: pg.Client, statements: readonly Statement[]): Promise<Error | undefined> {
    const sentAt = performance.now();
    const patience = sentAt < this.#patientUntil ? undefined : silenceLimit;
    try {
      return await transact(client, statements, patience);
    } catch (error) {
      const now = performance.now();
      if (now - sentAt >= silenceLimit) this.#patientUntil = now + patientFor;
      this.#writer.abandon(client);
      throw error;
    }
  }

  async #read(statement: Statement): Promise<readonly ActorRow[]> {
    const giveUpAt = performance.now() + silenceLimit;
    for (let attempt = 1; ; attempt++) {
      const client = await this.#writer.client();
      try {
        return (await send<ActorRow>(client, statement)).rows;
      } catch (error) {
        if (!isOfConnection(error)) throw error;
        // At once: the answer can say it before the connection's own end arrives, and the next read would go out on it too.
        this.#writer.abandon(client);
        if (attempt === maxAttempts || performance.now() > giveUpAt) throw error;
      }
    }
  }

  #statements(batch: readonly JournalEntry[], whole: boolean): readonly Statement[] {
    refuseDuplicates(batch);
    const epoch = this.#epoch();
    const statements: Statement[] = [assertLeader(epoch), ...writeTexts(batch), writeBatch(batch, epoch)];
    for (const projector of this.#projectors) {
      const entries = batch.filter((entry) => entry.ref.kind === projector.kind && entry.row !== null);
      if (entries.length > 0) statements.push(...projector.statements(entries, whole));
    }
    return statements;
  }
}

/** Two entries of one actor in one statement would see the same old row: the second could only be lost. */
function refuseDuplicates(batch: readonly JournalEntry[]): void {
  if (batch.length === 1) return;
  const seen = new Set<string>();
  for (const { ref } of batch) seen.add(`${ref.kind}/${ref.id}`);
  if (seen.size < batch.length)
    throw new JournalRejected("a batch may hold one transition of an actor, not two", false);
}

/**
 * Sends `begin`, the statements and `commit` in one piece.
 * @param patience milliseconds without an answer until the connection is given up; undefined: as long as the writer has
 * @returns undefined when committed; the first refusal when the transaction surely rolled back
 * @throws when the outcome is unknown
 */
async function transact(
  client: pg.Client,
  statements: readonly Statement[],
  patience: number | undefined,
): Promise<Error | undefined> {
  const begin = client.query("begin read write");
  const sent = statements.map((statement) => send(client, statement));
  // The last in the pipeline: its silence is that of the whole, and destroys the connection. pg's types do not know it.
  const lastWord: pg.QueryConfig & { readonly query_timeout?: number } = {
    text: "commit",
    ...(patience === undefined ? {} : { query_timeout: patience }),
  };
  const commit = client.query(lastWord);
  const outcome = Promise.allSettled([commit, begin, ...sent]);
  if (failpoints.armed) await failpoints.hit("journal.sent");
  const [ending, ...results] = await outcome;
  const refused = results.find((result) => result.status === "rejected");
  const refusal = refused === undefined ? undefined : toError(refused.reason);
  if (ending.status === "rejected") throw refusal ?? toError(ending.reason);
  if (refusal !== undefined) return refusal;
  if (ending.value.command === "COMMIT") return undefined;
  return new Error(`the transaction ended with ${ending.value.command} though no statement failed`);
}

const send = <R extends pg.QueryResultRow>(client: pg.Client, { name, text, values }: Statement) =>
  client.query<R>({ name, text, values: [...values] });

const toError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

/** Worth another try as it is: serialization failure, deadlock, lock not available. */
const transient = new Set(["40001", "40P01", "55P03"]);
/** The prepared statements are void (a migration by hand, DISCARD ALL): another connection prepares them anew. */
const voidStatements = new Set(["0A000", "26000", "42P05"]);
/** The server ended the connection: an administrator, a crash, a shutdown, an idle transaction; class 08 comes besides. */
const farewells = new Set(["57P01", "57P02", "57P03", "25P03"]);

/** Whether another connection may well answer what this one did not: it is lost, or does not know our statements any more. */
function isOfConnection(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || state.startsWith("08") || farewells.has(state) || voidStatements.has(state);
}
/** A table does not hold the rows as this process left them: they are written whole. */
const outOfStep = "CX003";
/** Classes of SQLSTATE that say the batch itself is wrong: cardinality, data, constraint, raised, SQL, limits. */
const batchIsWrong = new Set(["21", "22", "23", "P0", "42", "54"]);

function translate(error: Error, batch: readonly JournalEntry[]): Error {
  const state = sqlState(error);
  if (state === "CX001") return new JournalDeposed(error.message);
  const stale = state === "CX002" || (state === "23505" && ownConstraint(error));
  if (stale || batchIsWrong.has(state?.slice(0, 2) ?? "")) {
    const culprits =
      batch.length === 1 ? ` (${batch[0]?.ref.kind} ${batch[0]?.ref.id})` : ` (a batch of ${batch.length})`;
    return new JournalRejected(`${messageOf(error)}${culprits}`, stale);
  }
  return error;
}

/** A duplicate in the journal's own tables means that somebody else has written this version. */
function ownConstraint(error: Error): boolean {
  const table = "table" in error ? error.table : undefined;
  return table === "actors" || table === "transitions";
}

function toStoredActor(row: ActorRow): StoredActor {
  return {
    ref: { kind: row.kind, id: row.id },
    version: Number(row.version),
    state: row.state,
    snapshot: join(row.snapshot, row.lasting),
    deadline: row.deadline === null ? null : Math.round(row.deadline),
    finished: row.finished,
    updatedAt: Math.round(row.updated_at),
  };
}
