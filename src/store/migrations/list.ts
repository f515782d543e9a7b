import nodesJobsPayments from "../../../migrations/0001_nodes_jobs_payments.sql" with { type: "text" };
import actors from "../../../migrations/0002_actors.sql" with { type: "text" };
import nodeConduct from "../../../migrations/0003_node_conduct.sql" with { type: "text" };
import lighterCommits from "../../../migrations/0004_lighter_commits.sql" with { type: "text" };
import texts from "../../../migrations/0005_texts.sql" with { type: "text" };
import ledger from "../../../migrations/0006_ledger.sql" with { type: "text" };
import lasting from "../../../migrations/0007_lasting.sql" with { type: "text" };

/** One forward-only step of the schema. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** Every step, in order. Imported as text so that the compiled binary carries them; a new file gets one line here. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "nodes_jobs_payments", sql: nodesJobsPayments },
  { version: 2, name: "actors", sql: actors },
  { version: 3, name: "node_conduct", sql: nodeConduct },
  { version: 4, name: "lighter_commits", sql: lighterCommits },
  { version: 5, name: "texts", sql: texts },
  { version: 6, name: "ledger", sql: ledger },
  { version: 7, name: "lasting", sql: lasting },
];
