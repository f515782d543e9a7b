/** Checks of the promises against the database itself: the log, the rows, and what they say of each other. */
import { isDeepStrictEqual } from "node:util";
import pg from "pg";
import type { AnyStateMachine } from "xstate";
import { jobMachine } from "../../src/actors/job/machine.ts";
import { nodeMachine } from "../../src/actors/node/machine.ts";
import { type ActorKind, type Json, replay } from "../../src/actors/runtime/index.ts";
import { schedulerMachine } from "../../src/actors/scheduler/machine.ts";

const machines: Readonly<Record<string, AnyStateMachine>> = {
  job: jobMachine,
  node: nodeMachine,
  scheduler: schedulerMachine,
};

interface Logged {
  readonly version: string;
  readonly event: { readonly type: string };
  readonly to_state: string;
}

export interface Audit {
  /** What is wrong; empty when all is well. */
  readonly faults: readonly string[];
  readonly jobs: ReadonlyMap<string, { readonly state: string; readonly attempts: number }>;
}

/** Big texts that are not there, or not as often counted as jobs refer to them. */
export async function miscountedTexts(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ sha256: string; times: string; uses: string }>(
    `with used as (
       select ref #>> '{}' as sha256, count(*) as times
       from jobs, jsonb_path_query(metadata, '$.texts.*.sha256') as ref group by 1
     )
     select sha256, coalesce(times, 0)::text as times, coalesce(uses::text, 'no text') as uses
     from used full join texts using (sha256) where times is distinct from uses`,
  );
  return rows.map(({ sha256, times, uses }) => `text ${sha256}: ${times} references, and it counts ${uses}`);
}

/** Replays every actor's log (I9), and looks for jobs that completed twice or not at all (I1, I2). */
export async function audit(url: string): Promise<Audit> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const faults: string[] = [];
  const jobs = new Map<string, { state: string; attempts: number }>();
  try {
    const actors = await client.query(
      "select kind, id, version::text, state, whole_snapshot(snapshot, lasting) as snapshot from actors",
    );
    for (const actor of actors.rows) {
      const { rows } = await client.query<Logged>(
        "select version::text, event, to_state from transitions where kind = $1 and id = $2 order by transitions.version",
        [actor.kind, actor.id],
      );
      const name = `${actor.kind} ${actor.id}`;
      if (rows.some((row, index) => row.version !== String(index + 1))) faults.push(`${name}: its log has gaps`);
      if (rows.at(-1)?.version !== actor.version)
        faults.push(`${name}: log ends at ${rows.at(-1)?.version}, row is at ${actor.version}`);
      const machine = machines[actor.kind];
      if (!machine) continue;
      const kind = { machine } as unknown as ActorKind;
      const { snapshot } = replay(
        kind,
        rows.map((row) => row.event as unknown as Json),
      );
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(snapshot)), actor.snapshot))
        faults.push(`${name}: its log replayed is not its row`);
      if (actor.kind === "job") {
        const completions = rows.filter((row) => row.event.type === "COMPLETED").length;
        if (completions > 1) faults.push(`${name}: completed ${completions} times`);
        jobs.set(actor.id, { state: actor.state, attempts: rows.filter((row) => row.event.type === "OFFER").length });
      }
    }
    const projected = await client.query("select id::text, status::text, state from jobs");
    for (const row of projected.rows) {
      if (jobs.get(row.id)?.state !== row.state)
        faults.push(`job ${row.id}: its actor is ${jobs.get(row.id)?.state}, its row ${row.state}`);
    }
    faults.push(...(await miscountedTexts(client)));
    if (projected.rowCount !== jobs.size) faults.push(`${jobs.size} job actors and ${projected.rowCount} rows in jobs`);
  } finally {
    await client.end();
  }
  return { faults, jobs };
}
