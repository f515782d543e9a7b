/**
 * AssignJob: what the node says to an offer. As in the C++ node, every refusal is an ordinary answer (`accepted = false`
 * with an HTTP-like code), 400 for a job that no node can run and others for what is the matter with this node now.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseJobId, parseNodeId } from "../domain/ids.ts";
import {
  type AssignJobRequest,
  type AssignJobResponse,
  type DeepPartial,
  type JobConfig,
  StatusCode,
} from "../transport/grpc/protocol.ts";
import { admissionProblem } from "./admission.ts";
import { gangRoleOf } from "./gang/index.ts";
import type { NodeIdentity } from "./identity.ts";
import type { NodeOptions } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import { Run, type RunContext } from "./run.ts";
import { stopAfterOf } from "./stop-after.ts";
import { checkJob, type JobSpec, jobKindFromWire, TrainingError } from "./training/index.ts";

/** An offer that comes before this process is registered waits this long: the server expects an answer within 9 s. */
const REGISTRATION_PATIENCE = 3000;

export type Answer = DeepPartial<AssignJobResponse>;

export interface OffersDependencies {
  readonly options: NodeOptions;
  readonly identity: NodeIdentity;
  readonly outbox: Outbox;
  readonly runs: Map<string, Run>;
  readonly context: Omit<RunContext, "onDone">;
  readonly registered: Promise<void>;
  /** Asks the server which of the runs are over. Never rejects. */
  readonly checkIn: () => Promise<void>;
  readonly onEnd: () => void;
}

export class Offers {
  readonly #deps: OffersDependencies;
  #closed = false;

  constructor(deps: OffersDependencies) {
    this.#deps = deps;
  }

  /** From now on everything is refused. */
  close(): void {
    this.#closed = true;
  }

  /** @param attemptText the metadata `cyxwiz-attempt`; a server that does not send it makes one attempt of each job */
  async answer(request: AssignJobRequest, attemptText: string | undefined): Promise<Answer> {
    const { identity, options, registered } = this.#deps;
    const { job } = request;
    const given = job?.jobId ?? "";
    const jobId = parseJobId(given);
    if (!job || jobId === null) return refusal(given, 400, "job.job_id: must be a UUID");
    if (parseNodeId(request.nodeId) !== identity.nodeId)
      return refusal(given, 409, `this is node ${identity.nodeId}, not ${request.nodeId}`);
    const attempt = Number(attemptText ?? 1);
    if (!Number.isInteger(attempt) || attempt < 1)
      return refusal(given, 409, "cyxwiz-attempt: is not the number of an attempt");
    if (options.p2pSecret !== undefined) {
      const offer = { jobId, nodeId: identity.nodeId };
      const problem = await admissionProblem(options.p2pSecret, request.authorizationToken, offer);
      if (problem !== null) return refusal(given, 401, problem);
    }
    const spec = specOf(job, jobId);
    if (typeof spec === "string") return refusal(given, 400, spec);
    // What a node took before it registers counts as gone with the process before it: accepted now, it would be lost at once.
    const isRegistered = registered.then(() => true);
    if (!(await Promise.race([isRegistered, sleep(REGISTRATION_PATIENCE, false, { ref: false })])))
      return refusal(given, 429, "this node has just started and is not registered yet");
    return this.#take(spec, attempt, given);
  }

  async #take(spec: JobSpec, attempt: number, given: string): Promise<Answer> {
    const { runs, outbox, options, context, checkIn, onEnd } = this.#deps;
    const { jobId } = spec;
    let hasAsked = false;
    // Looked at anew after every wait: another offer may have come meanwhile.
    for (;;) {
      const current = runs.get(jobId);
      if (current) {
        if (current.attempt > attempt) return refusal(given, 409, `attempt ${current.attempt} of this job runs here`);
        if (current.attempt === attempt)
          return current.stopped ? refusal(given, 409, "this attempt has been stopped") : accepted(given);
        // The server has given the job a new attempt: the old one is over, and must be before the new one begins.
        current.stop();
        await current.done;
        continue;
      }
      if (outbox.holds(jobId, attempt)) return accepted(given); // done already, the result is on its way
      if (this.#closed) return refusal(given, 429, "this node is stopping");
      if (runs.size < options.maxJobs) break;
      if (hasAsked) return refusal(given, 429, `busy: ${runs.size} of ${options.maxJobs} jobs run already`);
      hasAsked = true;
      // The server counts a slot as free, so perhaps it has cancelled a run and this node has not heard of it yet. Asking is
      // quicker than the next heartbeat, and a node that answers "busy" is passed over for a while.
      await checkIn();
      await Promise.all([...runs.values()].filter((run) => run.stopped).map((run) => run.done));
    }
    const run = new Run(spec, attempt, {
      ...context,
      onDone: () => {
        runs.delete(jobId);
        onEnd();
      },
    });
    runs.set(jobId, run);
    return accepted(given);
  }
}

/** The part the engine reads, or what is wrong with the job. */
function specOf(job: JobConfig, jobId: string): JobSpec | string {
  try {
    const { modelDefinition, hyperparameters, datasetUri, batchSize, epochs } = job;
    const kind = jobKindFromWire(job.jobType);
    const spec = { jobId, kind, modelDefinition, hyperparameters, datasetUri, batchSize, epochs };
    gangRoleOf(spec);
    stopAfterOf(spec, 0);
    return checkJob(spec)?.message ?? spec;
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error;
    return error.message;
  }
}

const accepted = (jobId: string): Answer => ({
  status: StatusCode.STATUS_SUCCESS,
  jobId,
  accepted: true,
  estimatedStartTime: "immediate",
});

const refusal = (jobId: string, code: number, message: string): Answer => ({
  status: StatusCode.STATUS_FAILED,
  jobId,
  accepted: false,
  error: { code, message },
});
