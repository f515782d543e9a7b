/**
 * Twice what the server can take, for a minute: does it go on doing what it can, or does it collapse under what it cannot?
 * The real server process, a separate PostgreSQL with synchronous_commit on, and this process as the callers.
 *
 * Usage: npm run bench:overload [-- --seconds 60]
 * 1. 64, 128 and 256 callers, each waiting for its answer. 2. twice as many jobs a second as the best of these, whether
 * answered or not. 3. half as many. 4. the callers of 1 again.
 * Peak is the best of the three, each the mean of before and after: the machine is not equally fast at all times, and by then
 * some hundred thousand jobs wait. Afterwards every acknowledged job is looked up in the database.
 */
import pg from "pg";
import { ServerProcess } from "../tests/support/server-process.ts";
import { freshDatabase, startPostgresServer } from "../tests/support/servers.ts";
import { closedLoop, type Load, openLoop, type Phase } from "./load.ts";
import { percentile } from "./raw-client.ts";

const argument = process.argv.indexOf("--seconds");
const seconds = argument > 0 ? Number(process.argv[argument + 1]) : 60;
/** Of peak, while twice as much is offered. */
const GOAL = 0.9;

const postgres = await startPostgresServer();
if (!postgres) {
  console.error("The benchmark needs a separate PostgreSQL: install postgresql, or set CYXWIZ_TEST_DATABASE_URL.");
  process.exit(1);
}
const database = await freshDatabase(postgres.url);
const server = await ServerProcess.prepare({
  settings: {
    "database.url": database.url,
    // All callers share one address here; what is measured is admission.
    "limits.requests_per_second": "0",
    "limits.max_queue_depth": "10000000",
  },
});
await server.start();

const show = (phase: Phase): void => {
  const { what, offered, accepted, refused, failed, hinted, latencies, refusalLatencies } = phase;
  const at = (share: number) => percentile(latencies, share).toFixed(0).padStart(6);
  console.log(
    `${what.padEnd(34)} offered ${offered.toFixed(0).padStart(6)}/s  goodput ${accepted.toFixed(0).padStart(6)}/s  refused ${refused.toFixed(0).padStart(6)}/s (${hinted} of them with a hint)  failed ${failed}`,
  );
  console.log(
    `${"".padEnd(34)} accepted: p50 ${at(0.5)} ms  p99 ${at(0.99)} ms   refused: p50 ${percentile(refusalLatencies, 0.5).toFixed(0)} ms   memory ${server.memory().toFixed(0)} MB`,
  );
};

const load: Load = { address: server.address, connections: 16, acknowledged: new Set() };
// The first seconds go to the just-in-time compiler.
await closedLoop(load, { what: "warm-up", width: 64, seconds: Math.min(10, seconds / 2) });
const before = server.memory();
const WIDTHS = [64, 128, 256] as const;
async function closedLoops(): Promise<readonly number[]> {
  const accepted: number[] = [];
  for (const width of WIDTHS) {
    const phase = await closedLoop(load, { what: `${width} callers`, width, seconds: Math.min(10, seconds) });
    show(phase);
    accepted.push(phase.accepted);
  }
  return accepted;
}
const first = await closedLoops();
const offered = 2 * Math.max(...first);

let highest = 0;
const watch = setInterval(() => {
  highest = Math.max(highest, server.memory());
}, 200);
const over = await openLoop(load, { what: `twice that for ${seconds} s`, perSecond: offered, seconds });
show(over);
clearInterval(watch);
const half = await openLoop(load, { what: "half of it", perSecond: offered / 4, seconds: Math.min(20, seconds) });
show(half);
const last = await closedLoops();
const peak = Math.max(...WIDTHS.map((_, index) => ((first[index] ?? 0) + (last[index] ?? 0)) / 2));
await Bun.sleep(3000);

const reader = new pg.Client({ connectionString: database.url });
await reader.connect();
const { rows } = await reader.query<{ id: string }>("select id::text from jobs");
await reader.end();
const stored = new Set(rows.map(({ id }) => id));
const lost = [...load.acknowledged].filter((id) => !stored.has(id)).length;
const share = over.accepted / peak;
console.log(`acknowledged ${load.acknowledged.size}, of them not in the database ${lost}; stored ${stored.size}`);
console.log(
  `memory ${before.toFixed(0)} MB before, ${highest.toFixed(0)} MB at most during, ${server.memory().toFixed(0)} MB after`,
);
console.log(
  `goodput under twice the load: ${(share * 100).toFixed(0)} % of a peak of ${peak.toFixed(0)}/s, goal ${GOAL * 100} % ${share >= GOAL ? "reached" : "MISSED"}`,
);
await server.stop();
await database.drop();
process.exit(lost === 0 && share >= GOAL ? 0 : 1);
