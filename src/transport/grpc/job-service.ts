/** JobService: what the Engine says to the server. */
import type { CallContext, ServiceImplementation } from "nice-grpc";
import type { Core } from "../../actors/core.ts";
import type { FeedItem } from "../../actors/job/feed.ts";
import { type CommittedJob, isTerminal, jobStatusOf, type JobStatus as Status } from "../../actors/job/kind.ts";
import type { JobContext } from "../../actors/job/state.ts";
import { EventRejected, type Millis, type StoredActor } from "../../actors/runtime/index.ts";
import { JOB_TYPES, type JobType } from "../../domain/job-spec.ts";
import { invalid, notFound, Refusal } from "../../domain/refusal.ts";
import { peerEndpoint } from "../endpoints.ts";
import type { IssueP2pToken } from "../p2p-token.ts";
import type { WaitingReasons } from "../waiting-reasons.ts";
import { Admission } from "./admission.ts";
import { type Authenticate, type Caller, requireOwner } from "./caller.ts";
import { oneOf, text, whole } from "./fields.ts";
import { requireJobId } from "./ids.ts";
import { jobMessage, statusesFor } from "./job-messages.ts";
import {
  type DeepPartial,
  type JobServiceDefinition,
  type JobStatus,
  type JobUpdateStream,
  type NodeAssignment,
  StatusCode,
} from "./protocol.ts";
import { readSubmission, type SubmissionRules } from "./submission.ts";

export interface JobPage {
  readonly jobs: readonly DeepPartial<JobStatus>[];
  readonly nextPageToken: string;
  readonly total: number;
}

export interface JobFilter {
  /** Owner or wallet. */
  readonly user: string | null;
  readonly type: JobType | null;
  readonly statuses: readonly Status[] | null;
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface JobServiceDependencies {
  readonly core: Core;
  readonly authenticate: Authenticate;
  readonly issueP2pToken: IssueP2pToken;
  readonly rules: SubmissionRules;
  readonly maxQueueDepth: number;
  readonly maxCommitBacklog: number;
  readonly maxCommitWait: Millis;
  readonly now: () => Millis;
  readonly waiting: WaitingReasons;
  readonly randomId: () => string;
  /** Jobs that have left memory. */
  readonly loadJob: (id: string) => Promise<StoredActor | null>;
  /** @throws Refusal for a page token that is not one of ours. */
  readonly listJobs: (filter: JobFilter) => Promise<JobPage>;
  /** Aborted when the server stops: open streams end, and their clients reconnect. */
  readonly closing: AbortSignal;
  readonly deleteJob: (id: string) => Promise<"deleted" | "active" | "unknown">;
}

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1000;
/** Milliseconds. Two commits take a hundredth of that; a database in trouble is not waited for. */
const SETTLING = 2000;

interface FoundJob {
  readonly version: number;
  readonly state: string;
  readonly context: JobContext;
}

export function jobService(deps: JobServiceDependencies): ServiceImplementation<typeof JobServiceDefinition> {
  const { core, authenticate } = deps;
  const admission = new Admission({
    core,
    maxQueueDepth: deps.maxQueueDepth,
    maxCommitBacklog: deps.maxCommitBacklog,
    maxCommitWait: deps.maxCommitWait,
    now: deps.now,
    maxQueuedPerOwner: deps.rules.maxQueuedPerOwner,
    isStored: async (id) => (await deps.loadJob(id)) !== null,
  });

  const find = async (id: string): Promise<FoundJob | null> => {
    const live = core.jobs.peek(id);
    if (live) return { version: live.version, state: live.state, context: live.snapshot.context };
    const stored = await deps.loadJob(id);
    if (!stored) return null;
    const { context } = stored.snapshot as unknown as { context: JobContext };
    return { version: stored.version, state: stored.state, context };
  };

  const findOwned = async (id: string, caller: Caller): Promise<FoundJob> => {
    const job = await find(id);
    if (!job) throw notFound(`job ${id}`);
    requireOwner(caller, job.context.owner, `job ${id}`);
    return job;
  };

  /** None while the node is still being asked: it may refuse, and an engine that had connected would train for nobody. */
  const assignmentOf = async ({ state, context }: FoundJob): Promise<DeepPartial<NodeAssignment> | undefined> => {
    const taken = context.live !== null && state !== "assigned.offering";
    const node = taken ? core.nodes.peek(context.live.nodeId) : undefined;
    if (!node) return undefined;
    const { profile } = node.snapshot.context;
    const user = context.userWallet || context.owner;
    const { token, expiresAt } = await deps.issueP2pToken({ user, jobId: context.id, nodeId: node.ref.id });
    return {
      nodeId: node.ref.id,
      nodeEndpoint: peerEndpoint(profile),
      authToken: token,
      tokenExpiresAt: BigInt(expiresAt),
      nodePublicKey: profile.publicKey ?? "",
    };
  };

  return {
    async submitJob({ config }, { metadata }) {
      const caller = await authenticate(metadata);
      if (!config) throw invalid("config", "is required: it says what to run");
      const submission = readSubmission(config, deps.rules, {
        caller,
        idempotencyKey: metadata.get("idempotency-key"),
        randomId: deps.randomId,
      });
      const { id, input, texts } = submission;
      const candidate = { id, owner: input.owner, named: submission.named };
      const { created, committed } = await admission.admit(candidate, () => {
        // Most jobs are offered as soon as they are stored: their texts need not come back from the database for that.
        for (const one of texts) core.texts.keep?.(one);
        return core.jobs.create(id, input, texts);
      });
      const { context } = committed.snapshot;
      if (!created && context.fingerprint !== input.fingerprint) {
        // Whose it is and what it says is not for a stranger to learn.
        throw new Refusal("already_exists", `config.job_id: another job was submitted under ${id}; choose a new id`, {
          field: "config.job_id",
        });
      }
      return { jobId: id, status: StatusCode.STATUS_SUCCESS, assignedNodeId: context.live?.nodeId ?? "" };
    },

    async getJobStatus({ jobId }, { metadata }) {
      const job = await findOwned(requireJobId("job_id", jobId), await authenticate(metadata));
      return {
        status: jobMessage(
          job.state,
          job.context,
          core.feed.latest(job.context.id),
          deps.waiting.of(job.context.id, job.version),
        ),
        nodeAssignment: await assignmentOf(job),
      };
    },

    async cancelJob({ jobId, reason }, { metadata }) {
      const id = requireJobId("job_id", jobId);
      const why = text("reason", reason, { max: 1000 });
      await findOwned(id, await authenticate(metadata));
      try {
        await core.jobs.ask(id, { type: "CANCEL", reason: why });
      } catch (error) {
        if (!(error instanceof EventRejected)) throw error;
        throw new Refusal(
          "failed_precondition",
          `job ${id} is ${error.committed.state} and cannot be cancelled any more`,
          { field: "job_id" },
        );
      }
      // The engine takes STATUS_SUCCESS, and nothing else, for "cancelled". Nothing was locked, so nothing is refunded.
      return { status: StatusCode.STATUS_SUCCESS, refundIssued: false };
    },

    async deleteJob({ jobId }, { metadata }) {
      const id = requireJobId("job_id", jobId);
      const caller = await authenticate(metadata);
      const job = await find(id);
      if (!job) return { status: StatusCode.STATUS_SUCCESS };
      requireOwner(caller, job.context.owner, `job ${id}`);
      if (!isTerminal(jobStatusOf(job.state))) {
        const message = `cannot delete active job ${id}: it is ${job.state}; cancel it first`;
        return { status: StatusCode.STATUS_ERROR, error: { code: 2, message } };
      }
      await settled(id);
      if ((await deps.deleteJob(id)) === "active") {
        throw new Refusal(
          "unavailable",
          `job ${id} is ${job.state}, and what follows from that is still being stored`,
          { retryAfterMs: 1000 },
        );
      }
      return { status: StatusCode.STATUS_SUCCESS };
    },

    async listJobs(request, { metadata }) {
      const caller = await authenticate(metadata);
      const user = text("user_id", request.userId, { max: 128 });
      if (caller.userId !== null && user !== "" && user !== caller.userId) {
        throw new Refusal("permission_denied", "user_id: you may list your own jobs only", { field: "user_id" });
      }
      const statuses = request.filterStatus === 0 ? null : statusesFor(request.filterStatus);
      if (request.filterStatus !== 0 && statuses === null) {
        throw invalid("filter_status", `${request.filterStatus} is no status of a job; use 0 (all), 3, 4, 5, 6 or 7`);
      }
      const types = [null, ...JOB_TYPES];
      const type = oneOf(
        "filter_type",
        request.filterType,
        types,
        "0 (all), 1 (training), 2 (inference), 3 (evaluation) or 4 (preprocessing)",
      );
      const pageSize = Math.min(
        LARGEST_PAGE,
        whole("page_size", request.pageSize, { min: 0, max: 2 ** 31 - 1 }) || DEFAULT_PAGE,
      );
      const pageToken = text("page_token", request.pageToken, { max: 1000 });
      const page = await deps.listJobs({ user: caller.userId ?? (user || null), type, statuses, pageSize, pageToken });
      return { jobs: page.jobs, nextPageToken: page.nextPageToken, totalCount: Math.min(page.total, 2 ** 31 - 1) };
    },

    async *streamJobUpdates({ jobId }, context) {
      const id = requireJobId("job_id", jobId);
      const caller = await authenticate(context.metadata);
      yield* follow(id, context, () => findOwned(id, caller));
    },
  };

  /** Waits a little for what a job that has just ended still owes its node: a commit or two, as a rule. */
  async function settled(id: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const unwatch = core.feed.watch(id, (item) => {
      if (item.type === "change" && item.job.finished) resolve();
    });
    const late = setTimeout(resolve, SETTLING);
    if (core.jobs.peek(id)?.finished !== false) resolve();
    await promise;
    clearTimeout(late);
    unwatch();
  }

  /**
   * The current state first, so that a client that reconnects has missed nothing that still matters, then every change
   * until the job is over. Telemetry in between is the newest only: a slow client gets fewer numbers, never stale ones.
   */
  async function* follow(
    id: string,
    { signal }: CallContext,
    read: () => Promise<FoundJob>,
  ): AsyncGenerator<DeepPartial<JobUpdateStream>> {
    const changes: CommittedJob[] = [];
    let telemetry: Extract<FeedItem, { type: "telemetry" }>["telemetry"] | null = null;
    let wake = Promise.withResolvers<void>();
    const onAbort = () => wake.resolve();
    // Watching begins before the state is read: a change in between is then seen twice rather than never.
    const unwatch = core.feed.watch(id, (item) => {
      if (item.type === "change") changes.push(item.job);
      else telemetry = item.telemetry;
      wake.resolve();
    });
    signal.addEventListener("abort", onAbort);
    deps.closing.addEventListener("abort", onAbort);
    try {
      const first = await read();
      const latest = core.feed.latest(id);
      yield {
        jobId: id,
        status: jobMessage(first.state, first.context, latest, deps.waiting.of(id, first.version)),
        liveMetrics: latest?.metrics ?? first.context.metrics,
      };
      if (isTerminal(jobStatusOf(first.state))) return;
      for (;;) {
        // Both may have been aborted before anybody listened.
        if (!signal.aborted && !deps.closing.aborted) await wake.promise;
        if (signal.aborted) return;
        if (deps.closing.aborted) {
          throw new Refusal("unavailable", "the server is stopping; watch again to go on", { retryAfterMs: 1000 });
        }
        wake = Promise.withResolvers();
        for (const job of changes.splice(0)) {
          if (job.version <= first.version) continue;
          const { context } = job.snapshot;
          yield {
            jobId: id,
            status: jobMessage(job.state, context, core.feed.latest(id), deps.waiting.of(id, job.version)),
            liveMetrics: context.metrics,
          };
          if (isTerminal(jobStatusOf(job.state))) return;
        }
        const job = core.jobs.peek(id);
        const news = telemetry as Extract<FeedItem, { type: "telemetry" }>["telemetry"] | null;
        telemetry = null;
        if (news && job) {
          const status = jobMessage(job.state, job.snapshot.context, news);
          yield { jobId: id, status, liveMetrics: news.metrics, logMessage: news.log };
        }
      }
    } finally {
      unwatch();
      signal.removeEventListener("abort", onAbort);
      deps.closing.removeEventListener("abort", onAbort);
    }
  }
}
