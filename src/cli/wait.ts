/** Waits for a job with its progress on the screen: what `watch`, `submit --wait` and `up` have in common. */
import type { Millis } from "../actors/runtime/index.ts";
import type { Address } from "../config/index.ts";
import { type JobStatus, StatusCode } from "../transport/grpc/protocol.ts";
import type { Connection } from "./client/connection.ts";
import { followJob, hasSucceeded } from "./client/follow.ts";
import { getJson, isObject } from "./client/rest.ts";
import { Exit, type ExitCode } from "./exit-codes.ts";
import { metricPairs, ranFor, statusName, updateJson } from "./job-view.ts";
import { progressView } from "./progress/view.ts";
import { safe, safeJson, widthOf } from "./text/safe.ts";
import { styleFor } from "./text/style.ts";
import { bytes, duration } from "./text/units.ts";
import type { World } from "./world.ts";

export interface WaitOptions {
  readonly world: World;
  readonly server: Connection;
  /** Tells why a job waits and where its result is. Nothing depends on it. */
  readonly rest: Address;
  readonly jobId: string;
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly epochs?: number | null;
  readonly indent?: string;
}

/** A job that waits longer than this has its reader wonder why. */
const wonderAfter: Millis = 2000;
const askAgainAfter: Millis = 5000;

/**
 * @returns the final status, or null when `signal` ended the waiting
 * @throws CliError
 */
export async function waitForJob(options: WaitOptions): Promise<JobStatus | null> {
  const { world, json, jobId } = options;
  if (json) {
    return followJob({
      ...options,
      clock: world.clock,
      onUpdate: (update, status) => world.stdout.write(`${safeJson(updateJson(update, status))}\n`),
      onLost: (retryIn) => world.stderr.write(`the server is away; trying again in ${duration(retryIn)}\n`),
    });
  }
  const view = progressView({
    output: world.stdout,
    style: styleFor(world.stdout, world.environment),
    clock: world.clock,
    epochs: options.epochs ?? (await readEpochs(options)),
    indent: options.indent ?? "",
  });
  const reasons = new Reasons(options, (reason) => view.waitingBecause(reason));
  let isAway = false;
  try {
    return await followJob({
      ...options,
      jobId,
      clock: world.clock,
      onUpdate(update, status) {
        reasons.note(status.status === StatusCode.STATUS_PENDING);
        view.update(update, status);
      },
      onLost() {
        if (!isAway) view.note("The server is away; waiting for it to come back.");
        isAway = true;
      },
      onBack() {
        isAway = false;
        view.note("The server is back.");
      },
    });
  } finally {
    reasons.end();
    view.end();
  }
}

/** Asks the server why a job waits, while it does. Failures are passed over: the reason is a courtesy. */
class Reasons {
  #cancel: (() => void) | null = null;
  #last: string | null = null;
  #ended = false;

  constructor(
    private readonly options: WaitOptions,
    private readonly tell: (reason: string | null) => void,
  ) {}

  note(waits: boolean): void {
    if (!waits) {
      this.#cancel?.();
      this.#cancel = null;
    } else this.#cancel ??= this.options.world.clock.after(wonderAfter, () => void this.#ask());
  }

  end(): void {
    this.#ended = true;
    this.#cancel?.();
  }

  async #ask(): Promise<void> {
    const reason = await readReason(this.options);
    if (this.#ended || this.#cancel === null) return;
    if (reason !== this.#last) this.tell(reason);
    this.#last = reason;
    this.#cancel = this.options.world.clock.after(askAgainAfter, () => void this.#ask());
  }
}

const readJob = (rest: Address, jobId: string) => getJson(rest, `/api/v1/jobs/${jobId}`).catch(() => null);

/** How many epochs the job has; null when that cannot be learned at once, for the watching does not wait for it. */
async function readEpochs({ rest, jobId }: WaitOptions): Promise<number | null> {
  const job = await Promise.race([readJob(rest, jobId), Bun.sleep(500)]);
  const total = job?.total_epochs;
  return typeof total === "number" && total > 0 ? total : null;
}

/** "2 nodes have no free slot"; null when the job does not wait, or the REST API does not answer. */
export async function readReason({ rest, jobId }: Pick<WaitOptions, "rest" | "jobId">): Promise<string | null> {
  const job = await readJob(rest, jobId);
  return job !== null && isObject(job.waiting) && typeof job.waiting.summary === "string" ? job.waiting.summary : null;
}

/** How it ended, in a few lines, with what came out of it. */
export async function describeOutcome(
  job: JobStatus,
  { world, rest, jobId, indent = "" }: WaitOptions,
): Promise<string> {
  const style = styleFor(world.stdout, world.environment);
  const took = ranFor(job, world.clock.now());
  const head = `${indent}${hasSucceeded(job) ? style.tick : style.cross} ${statusName(job.status)}${took === null ? "" : ` in ${took}`}`;
  const detail = `${indent}  `;
  const why = job.error === undefined ? [] : [`${detail}${safe(job.error.message)}`];
  if (!hasSucceeded(job)) return [head, ...why].map((line) => `${line}\n`).join("");
  // Speed and counts say nothing about how good the result is; `status` shows everything.
  const quality = Object.entries(job.metrics).filter(
    ([name]) => !/_rate$|_second$|_samples$|^(epochs|parameters)$/.test(name),
  );
  const metrics = metricPairs(Object.fromEntries(quality), 8).map(([name, value]) => `${name} ${value}`);
  const result = (await readJob(rest, jobId))?.result;
  const uri = isObject(result) && typeof result.uri === "string" && result.uri !== "" ? safe(result.uri) : null;
  const size = isObject(result) && typeof result.size === "number" ? ` (${bytes(result.size)})` : "";
  const lines = [
    head,
    ...(metrics.length > 0 ? besideEachOther(metrics, room(world) - widthOf(detail)).map((line) => detail + line) : []),
    ...(uri === null ? [] : [`${detail}result ${uri}${size}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const room = ({ stdout }: World): number => (stdout.isTTY ? stdout.columns - 1 : Number.POSITIVE_INFINITY);

/** As many on a line as fit. */
function besideEachOther(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)}  ${part}`;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

export const exitCodeFor = (job: JobStatus): ExitCode => (hasSucceeded(job) ? Exit.ok : Exit.jobFailed);
