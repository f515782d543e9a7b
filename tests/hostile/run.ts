/**
 * Attacks a server of its own for as long as you like. Usage: npm run fuzz [-- --seed 1 --seconds 60]
 * Ends with 1 when anything was found; what is printed repeats it.
 */
import { startPostgresServer } from "../support/servers.ts";
import { campaign } from "./campaign.ts";
import { startTarget } from "./target.ts";

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isFinite(value)) throw new Error(`--${name} needs a number`);
  return value;
}

const seed = option("seed", Date.now() % 1_000_000);
const seconds = option("seconds", 60);
const postgres = await startPostgresServer();
if (!postgres) {
  console.error("The fuzzer needs a separate PostgreSQL: install postgresql, or set CYXWIZ_TEST_DATABASE_URL.");
  process.exit(1);
}
const target = await startTarget(postgres.url);
console.log(`seed ${seed}, ${seconds} s`);
const memory = target.server.memory();
const { answers, rpcs, routes, attacks, faults } = await campaign(target, { seed, seconds });
console.log(`${attacks} attacks on ${rpcs} RPCs and ${routes} routes`);
console.log(`memory ${memory.toFixed(0)} MB before, ${target.server.memory().toFixed(0)} MB after`);
for (const [kind, count] of Object.entries(answers).sort()) console.log(`  ${kind.padEnd(16)} ${count}`);
for (const fault of faults) console.log(`FAULT ${fault}`);
await target.stop();
console.log(faults.length === 0 ? "nothing found" : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
