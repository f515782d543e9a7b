/** What a crash run leaves behind, from three sides that do not know of each other: clients, nodes, and the database. */
import { readFileSync } from "node:fs";
import pg from "pg";
import type { Json } from "../../src/actors/runtime/index.ts";
import { miscountedTexts } from "../support/audit.ts";

/** One call of a client, as it saw it; one line of its history. */
export interface ClientCall {
  readonly client: string;
  readonly call: "submit" | "cancel" | "status";
  /** The client's own name for what it submits; a repeat has the same. */
  readonly submission: string;
  /** The job's id; "" before the server has said it. */
  readonly jobId: string;
  /** `unknown`: no answer came, so it may have been done or not. */
  readonly answer: "ok" | "refused" | "unknown";
  /** Of `ok`: the job's id (submit) or its status; of the others the gRPC status. */
  readonly value: string;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** One line of a node's log: a run that really began, or ended, there. */
export interface NodeLine {
  readonly node: string;
  readonly type: "started" | "ended";
  readonly jobId: string;
  readonly attempt: number;
  readonly at: number;
  readonly outcome?: "completed" | "failed" | "cancelled";
}

export interface Transition {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly event: Json;
  readonly to: string;
  /** The transaction that wrote it: what became visible together has the same. */
  readonly commit: string;
}

export interface ActorRow {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly state: string;
  readonly finished: boolean;
  readonly snapshot: Json;
}

export interface JobRow {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly version: number;
}

export interface Stored {
  readonly actors: readonly ActorRow[];
  /** In the order in which they were written. */
  readonly transitions: readonly Transition[];
  readonly jobs: readonly JobRow[];
  /** Events that made their actor throw. A crash must not make any. */
  readonly poison: readonly string[];
  /** Big texts that jobs refer to and that are not there, or are there and nobody's. */
  readonly miscounted: readonly string[];
}

export interface Evidence extends Stored {
  /** In the order of their answers. */
  readonly calls: readonly ClientCall[];
  readonly runs: readonly NodeLine[];
}

/** The lines of a file that may not be there yet. */
export function readLines<Line>(file: string): readonly Line[] {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** All of the database at one moment, though the server may be writing. */
export async function readStored(url: string): Promise<Stored> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const actors = await client.query<ActorRow>(
      "select kind, id, version::int, state, finished, whole_snapshot(snapshot, lasting) as snapshot from actors order by kind, id",
    );
    const transitions = await client.query<Transition>(
      `select kind, id, version::int, event, to_state as "to", xmin::text as commit from transitions order by seq`,
    );
    const jobs = await client.query<JobRow>("select id::text, state, attempt, version::int from jobs order by id");
    const poison = await client.query<{ what: string }>(
      "select kind || ' ' || id || ': ' || error as what from poison_events",
    );
    const miscounted = await miscountedTexts(client);
    await client.query("commit");
    return {
      actors: actors.rows,
      transitions: transitions.rows,
      jobs: jobs.rows,
      poison: poison.rows.map(({ what }) => what),
      miscounted,
    };
  } finally {
    await client.end();
  }
}
