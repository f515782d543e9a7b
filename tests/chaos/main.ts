/**
 * The chaos matrix. Usage: bun run chaos [cell…] [--rate 25] [--nodes 12] [--hold 4] [--log]
 * Prints one row per cell as it ends. Needs PostgreSQL and Redis installed; some cells need root (a small disk, a control
 * group) or libfaketime. Exit code 1 when a job was lost, doubled or stuck.
 */
import { type Cell, cells } from "./cells.ts";
import { type CellResult, runCell } from "./run-cell.ts";

const args = process.argv.slice(2);
const option = (name: string, otherwise: number): number => {
  const index = args.indexOf(`--${name}`);
  return index < 0 ? otherwise : Number(args[index + 1]);
};
const scale = { nodes: option("nodes", 12), slots: 2, rate: option("rate", 25), runTime: 100 };
const phases = { warm: 3, steadyWithin: 60, before: 6, during: option("hold", 4), after: 15, patience: 60 };
const names = args.filter((arg, index) => !arg.startsWith("--") && !args[index - 1]?.startsWith("--"));
const unknown = names.filter((name) => !cells.some((cell) => cell.name === name));
if (unknown.length > 0) {
  console.error(`there is no cell ${unknown.join(", ")}. There are:`);
  for (const { name, what } of cells) console.error(`  ${name.padEnd(16)} ${what}`);
  process.exit(2);
}

const onLog = args.includes("--log") ? (text: string) => void process.stderr.write(text) : () => {};

// Leaves through `exit`, where everything that was started is ended.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

async function report(cell: Cell): Promise<boolean> {
  let result: CellResult | undefined;
  try {
    result = await runCell(cell, scale, phases, onLog);
  } catch (error) {
    console.log(`| ${cell.name} | not run: ${error instanceof Error ? error.message.split("\n")[0] : error} |`);
    return false;
  }
  if (!result) {
    console.error("The matrix needs PostgreSQL: install it.");
    process.exit(2);
  }
  const { verdict, recoveredIn } = result;
  const row = [
    result.cell,
    result.faultSeconds.toFixed(1),
    result.before.toFixed(1),
    result.during.toFixed(1),
    result.after.toFixed(1),
    recoveredIn === undefined ? "never" : `${recoveredIn}`,
    result.acknowledged,
    verdict.lost.length,
    verdict.doubled.length,
    verdict.stuck.length,
    verdict.failed.length,
    result.unanswered,
    verdict.rerun,
    result.notes.join("; "),
  ];
  console.log(`| ${row.join(" | ")} |`);
  const details = { lost: verdict.lost, doubled: verdict.doubled, stuck: verdict.stuck, failed: verdict.failed };
  for (const [what, list] of Object.entries({ ...details, faults: verdict.faults }))
    for (const one of list.slice(0, 3)) console.log(`    ${what}: ${one}`);
  return Object.values(details).every((list) => list.length === 0) && verdict.faults.length === 0;
}

console.log(
  `${scale.rate} jobs/s offered, ${scale.nodes * 2} nodes with ${scale.slots} slots, ${scale.runTime} ms each run\n`,
);
console.log(
  "| cell | fault s | before /s | during /s | after /s | back in s | jobs | lost | doubled | stuck | failed | unanswered | rerun | notes |",
);
console.log("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
let good = true;
const wanted = names.length > 0 ? names.flatMap((name) => cells.filter((cell) => cell.name === name)) : cells;
for (const cell of wanted) {
  good = (await report(cell)) && good;
}
process.exit(good ? 0 : 1);
