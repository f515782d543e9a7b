/** Finds a job's file, or standard input, and reads the job in it. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Invocation } from "../command.ts";
import { UsageError } from "../errors.ts";
import { bytes } from "../text/units.ts";
import { type JobObject, readJobObject } from "./read.ts";

/** No model that fits into a message is larger. */
const largestFile = 16 * 1024 * 1024;

/** @throws UsageError saying what is wrong, and where */
export async function readJobFile({ world, operands }: Invocation): Promise<JobObject> {
  const [name = ""] = operands;
  if (name === "-") return readJobObject(await world.readStdin(), "standard input");
  const path = resolve(world.directory, name);
  if (!existsSync(path)) throw new UsageError(`there is no file ${name}`);
  const { size } = statSync(path);
  if (size > largestFile) throw new UsageError(`${name} has ${bytes(size)}; a job has at most ${bytes(largestFile)}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const why =
      error instanceof TypeError ? "it is not UTF-8 text" : error instanceof Error ? error.message : String(error);
    throw new UsageError(`${name} cannot be read: ${why}`);
  }
  return readJobObject(text, name);
}
