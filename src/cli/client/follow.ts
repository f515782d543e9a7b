/**
 * Follows a job to its end over StreamJobUpdates, through restarts of the server.
 *
 *   connecting → following:    the first update came
 *   following  → reconnecting: the stream broke, or ended before the job did (the server is stopping)
 *   reconnecting → following:  an update came; the server sends the job as it stands first, so nothing is missed
 *   any        → ended:        an update with a final status; an error that trying again does not cure; the caller's signal
 */
import type { Clock, Millis } from "../../actors/runtime/index.ts";
import { type JobStatus, type JobUpdateStream, StatusCode } from "../../transport/grpc/protocol.ts";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { type Connection, isTransient } from "./connection.ts";

export interface FollowOptions {
  readonly server: Connection;
  readonly jobId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onUpdate: (update: JobUpdateStream, status: JobStatus) => void;
  readonly onLost?: (retryIn: Millis) => void;
  readonly onBack?: () => void;
}

const firstPause: Millis = 250;
const longestPause: Millis = 5000;
/** Longer than any restart or failover; beyond it the server is gone, and a script must not hang for ever. */
const patience: Millis = 10 * 60_000;

const final: ReadonlySet<StatusCode> = new Set([
  StatusCode.STATUS_SUCCESS,
  StatusCode.STATUS_COMPLETED,
  StatusCode.STATUS_FAILED,
  StatusCode.STATUS_ERROR,
  StatusCode.STATUS_CANCELLED,
]);

export const isFinal = ({ status }: JobStatus): boolean => final.has(status);
export const hasSucceeded = ({ status }: JobStatus): boolean =>
  status === StatusCode.STATUS_SUCCESS || status === StatusCode.STATUS_COMPLETED;

/**
 * @returns the final status, or null when `signal` ended the watching
 * @throws CliError
 */
export async function followJob(options: FollowOptions): Promise<JobStatus | null> {
  const { server, clock, signal } = options;
  let seen = false;
  let lostAt: Millis | null = null;
  let pause = firstPause;
  while (!signal.aborted) {
    try {
      for await (const update of server.jobs.streamJobUpdates({ jobId: options.jobId }, { signal })) {
        if (lostAt !== null) options.onBack?.();
        seen = true;
        lostAt = null;
        pause = firstPause;
        const { status } = update;
        if (status === undefined) continue;
        options.onUpdate(update, status);
        if (isFinal(status)) return status;
      }
    } catch (error) {
      if (signal.aborted) return null;
      // Before the first update a failure is more likely a wrong address than a restart: say so at once.
      if (!seen || !isTransient(error)) throw server.explain(error);
    }
    lostAt ??= clock.now();
    if (clock.now() - lostAt > patience) {
      throw new CliError(`the server at ${server.address} has been away for 10 minutes`, Exit.unreachable);
    }
    options.onLost?.(pause);
    await sleep(clock, pause, signal);
    pause = Math.min(longestPause, pause * 2);
  }
  return null;
}

function sleep(clock: Clock, delay: Millis, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delay, done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
