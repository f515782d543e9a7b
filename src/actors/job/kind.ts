/** The kind "job": its row in `jobs`, and the effects it can owe. */
import type { SnapshotFrom } from "xstate";
import { type JobSpec, needsGpu, PRIORITIES, ramGbOf, vramGbOf } from "../../domain/job-spec.ts";
import { whole } from "../../domain/job-texts.ts";
import type { NodeMachine } from "../node/machine.ts";
import type { NodeLink } from "../node-link.ts";
import type { PaymentMachine } from "../payment/machine.ts";
import {
  type ActorKind,
  type Actors,
  ActorUnknown,
  type Committed,
  dottedState,
  EventRejected,
  type Millis,
  type Owed,
  type Texts,
} from "../runtime/index.ts";
import { membersOf, nodesOf } from "./attempt.ts";
import { JOB_RULES, lastMoment } from "./endings.ts";
import { type JobMachine, jobMachine } from "./machine.ts";
import { earningsOf, owesSettlement, settlementOf } from "./price.ts";
import type { JobContext, JobResult, UnsettledOutcome } from "./state.ts";
import { upgradeJob } from "./upgrade.ts";

export type JobSnapshot = SnapshotFrom<JobMachine>;
export type CommittedJob = Committed<JobMachine>;
export type Jobs = Actors<JobMachine>;

/** The status the wire and the `job_status` enum know. */
export type JobStatus = "pending" | "assigned" | "running" | "completed" | "failed" | "cancelled";

export function jobStatusOf(state: string): JobStatus {
  const dot = state.indexOf(".");
  return (dot < 0 ? state : state.slice(0, dot)) as JobStatus;
}

export const isTerminal = (status: JobStatus): boolean =>
  status === "completed" || status === "failed" || status === "cancelled";

/** When its present state ends by itself: at the state's own deadline, or with the job's `max_duration` if that is sooner. */
export const deadlineOf = (context: JobContext): Millis | null =>
  context.deadline === null ? null : Math.min(context.deadline, lastMoment(context));

export interface JobEffectsDependencies {
  readonly link: NodeLink;
  readonly texts: Texts;
  readonly nodes: Actors<NodeMachine>;
  /** Absent where no chain is: then no job may have a payment. */
  readonly money?: JobMoney;
}

export interface JobMoney {
  /** Asked for when they are needed: jobs and payments refer to each other. */
  readonly payments: () => Actors<PaymentMachine>;
  /** After a lock that could not be made, when it is tried again. */
  readonly lockRetry: Millis;
}

export function jobKind({ link, texts, nodes, money }: JobEffectsDependencies): ActorKind<JobMachine> {
  return {
    name: "job",
    machine: jobMachine,
    rules: JOB_RULES,
    upgrade: upgradeJob,
    lasting: ["id", "spec", "owner", "userWallet", "fingerprint", "price", "policy", "createdAt", "payment"],
    deadline: ({ context }) => deadlineOf(context),
    finished: (snapshot) =>
      isTerminal(jobStatusOf(dottedState(snapshot.value))) &&
      snapshot.context.unsettled.length === 0 &&
      !owesSettlement(snapshot.context),
    // Waiting in the queue and backing off are our own affair; everything else is somebody else's silence.
    awaitsOutside: (snapshot) => snapshot.context.live !== null || snapshot.matches({ pending: "awaitingFunds" }),
    owes: owedByJob,
    row: rowOf,
    effects: {
      offerToNode: async ({ snapshot: { context }, owed, signal }) => {
        const { live } = context;
        const rank =
          live === null ? -1 : membersOf(live).findIndex((_, one) => keyOfOffer(live.number, one) === owed.key);
        const nodeId = live === null ? undefined : nodesOf(live)[rank];
        if (live === null || nodeId === undefined) return null;
        const ofMember = live.members ? { attempt: live.number, nodeId } : { attempt: live.number };
        const node = nodes.peek(nodeId);
        const first = nodes.peek(live.nodeId);
        if (!node || !first) {
          const gone = live.members ? { attempt: live.number, nodeId: node ? live.nodeId : nodeId } : ofMember;
          return { type: "OFFER_REFUSED", ...gone, outcome: "unreachable", message: "the node is gone" };
        }
        const spec = await wholeSpec(context.spec, texts);
        if (spec instanceof TextMissing) return { type: "TEXT_MISSING", attempt: live.number, message: spec.message };
        signal.throwIfAborted();
        const rendezvous = { nodeId: live.nodeId, profile: first.snapshot.context.profile };
        const reply = await link.offer(
          {
            target: { nodeId, profile: node.snapshot.context.profile },
            jobId: context.id,
            attempt: live.number,
            spec,
            userWallet: context.userWallet,
            price: context.price,
            gang: live.members ? { rank, size: live.members.length, rendezvous } : null,
            stopAfter: context.policy.stopAfter ?? null,
          },
          signal,
        );
        if (reply.accepted) {
          const { reachability, unreachableCount } = node.snapshot.context;
          if (reachability !== "callable" || unreachableCount > 0) {
            nodes.tell(nodeId, { type: "CALLABLE", proven: true });
          }
          return { type: "OFFER_ACCEPTED", ...ofMember };
        }
        // It sends heartbeats and cannot be called: not dead, but behind NAT, misconfigured, or just restarting.
        if (reply.outcome === "unreachable") nodes.tell(nodeId, { type: "UNCALLABLE" });
        return { type: "OFFER_REFUSED", ...ofMember, outcome: reply.outcome, message: reply.message };
      },
      openPayment: async ({ snapshot: { context } }) => {
        await openedPayments(context, money);
        return null;
      },
      // Opened first, in case the job ended before it was: then nothing is locked, and nothing ever will be.
      settlePayment: async ({ snapshot: { context } }) => {
        const payments = await openedPayments(context, money);
        const walletOf = (nodeId: string) => nodes.peek(nodeId)?.snapshot.context.profile.wallet ?? "";
        try {
          await payments.ask(context.id, { type: "SETTLE", ...settlementOf(earningsOf(context), walletOf) });
        } catch (error) {
          // It has been told before, or is over.
          if (!(error instanceof EventRejected || error instanceof ActorUnknown)) throw error;
        }
        return { type: "PAYMENT_SETTLED" };
      },
      recordOutcome: async ({ snapshot: { context }, owed }) => {
        const one = context.unsettled.find((unsettled) => keyOfOutcome(unsettled) === owed.key);
        if (!one) return null;
        const { attempt, nodeId, outcome, returns } = one;
        try {
          await nodes.ask(nodeId, {
            type: "OUTCOME",
            jobId: context.id,
            jobCreatedAt: context.createdAt,
            attempt,
            outcome,
            ...(returns !== undefined && { returns }),
            ...(outcome === "completed" && isGoodResult(context.result, nodeId) && { goodMetrics: true }),
            ...(context.price === "0" && { free: true }),
          });
        } catch (error) {
          // Already recorded, or the node is no more: either way there is nothing left to tell.
          if (!(error instanceof EventRejected || error instanceof ActorUnknown)) throw error;
        }
        const silent = outcome === "silent" ? ({ silent: true } as const) : {};
        return { type: "OUTCOME_RECORDED", attempt, nodeId, ...silent };
      },
    },
  };
}

/** All payments, once the job has one. */
async function openedPayments(
  { id: jobId, userWallet, price: amount, payment, policy: { fundsTimeout } }: JobContext,
  money: JobMoney | undefined,
): Promise<Actors<PaymentMachine>> {
  if (money === undefined || payment === undefined)
    throw new Error("the job is to be paid through escrow, and this server pays for none: set blockchain.paid_jobs");
  const payments = money.payments();
  const { feeBps } = payment;
  await payments.create(jobId, { jobId, userWallet, amount, feeBps, fundsTimeout, retryDelay: money.lockRetry });
  return payments;
}

class TextMissing extends Error {
  constructor(sha256: string) {
    super(
      `a text that was stored with the job (sha256 ${sha256}) is not in the database any more; submit the job anew`,
    );
  }
}

/**
 * The job as it was submitted, for the node. While the database cannot be read this rejects, and the effect is tried again for
 * as long as the offer is owed: that is no refusal, and not the node's fault. At the offer's deadline the job goes back to the
 * queue, as when nobody answered. A text that is surely gone will not come back, and no other node could be sent it either.
 */
async function wholeSpec(spec: JobSpec, texts: Texts): Promise<JobSpec | TextMissing> {
  try {
    return await whole(spec, async ({ sha256 }) => {
      const content = await texts.read(sha256);
      if (content === null) throw new TextMissing(sha256);
      return content;
    });
  } catch (error) {
    if (error instanceof TextMissing) return error;
    throw error;
  }
}

/** The name that rank 0's has beside the others' is that of a job on one node, so that no snapshot owes it anew. */
const keyOfOffer = (attempt: number, rank: number): string =>
  rank === 0 ? `offerToNode/${attempt}` : `offerToNode/${attempt}/${rank}`;

function keyOfOutcome({ attempt, nodeId, outcome, ofGang }: UnsettledOutcome): string {
  if (outcome === "silent") return `recordOutcome/${attempt}/silent/${nodeId}`;
  return ofGang ? `recordOutcome/${attempt}/${nodeId}` : `recordOutcome/${attempt}`;
}

/** Signed by the node that made it, and with numbers to show for it. */
function isGoodResult(result: JobResult | null, nodeId: string): boolean {
  if (result === null || result.nodeId !== nodeId || result.signature === "") return false;
  return Object.values(result.metrics).some(Number.isFinite);
}

const NOTHING: readonly Owed[] = [];

function owedByJob(snapshot: JobSnapshot): readonly Owed[] {
  const { unsettled, live } = snapshot.context;
  // An offer that all have accepted is none any more; asked first, because it is so of almost every commit.
  const money = moneyOwed(snapshot);
  const offered = live !== null && live.acceptedAt === null && dottedState(snapshot.value) === "assigned.offering";
  if (!offered && unsettled.length === 0 && money === null) return NOTHING;
  const owed: Owed[] = unsettled.map((one) => ({ name: "recordOutcome", key: keyOfOutcome(one) }));
  if (money !== null) owed.push({ name: money, key: money });
  if (!offered) return owed;
  for (const [rank, { acceptedAt }] of membersOf(live).entries()) {
    if (acceptedAt === null) owed.push({ name: "offerToNode", key: keyOfOffer(live.number, rank) });
  }
  return owed;
}

function moneyOwed({ context, value }: JobSnapshot): "openPayment" | "settlePayment" | null {
  if (context.payment === undefined) return null;
  if (owesSettlement(context)) return "settlePayment";
  return dottedState(value) === "pending.awaitingFunds" ? "openPayment" : null;
}

/** What the price was in the end: all of it for work done, nothing otherwise. */
function actualCost(status: JobStatus, context: JobContext): string | null {
  if (status === "completed") return context.price;
  return isTerminal(status) ? "0" : null;
}

/** Why the job is where it is, as one of the documented codes; null when there is nothing to explain. */
function stateReason(context: JobContext, state: string): string | null {
  if (context.failure) return context.failure.code;
  if (context.cancelReason !== null) return "cancelled";
  if (state === "pending.awaitingFunds") return "awaiting_funds";
  if (state === "pending.backoff") return "retry_backoff";
  if (state.endsWith(".orphaned")) return "node_silent";
  return null;
}

export function errorMessageOf(context: JobContext): string | null {
  if (context.failure) return context.failure.message;
  return context.cancelReason === null ? null : `cancelled: ${context.cancelReason || "no reason given"}`;
}

function rowOf(snapshot: JobSnapshot, version: number): Readonly<Record<string, unknown>> {
  const { context } = snapshot;
  const { spec } = context;
  const state = dottedState(snapshot.value);
  const status = jobStatusOf(state);
  return {
    id: context.id,
    user_wallet: context.userWallet,
    user_id: context.owner,
    status,
    state,
    state_reason: stateReason(context, state),
    job_type: spec.type,
    priority: PRIORITIES.indexOf(spec.priority),
    required_gpu: needsGpu(spec),
    required_gpu_memory_gb: vramGbOf(spec),
    required_ram_gb: ramGbOf(spec),
    estimated_duration_seconds: spec.estimatedSeconds,
    estimated_cost: context.price,
    actual_cost: actualCost(status, context),
    assigned_node_id: context.live?.nodeId ?? context.result?.nodeId ?? lastNodeOf(context, status),
    attempt: context.attempt,
    retry_count: context.retries,
    progress: context.progress,
    current_epoch: context.epoch,
    total_epochs: spec.epochs,
    metrics: context.metrics,
    result_hash: context.result?.weightsHash ?? null,
    result_uri: context.result?.weightsUri ?? null,
    result_size: context.result?.weightsSize ?? null,
    error_message: errorMessageOf(context),
    metadata: {
      model_definition: spec.modelDefinition,
      dataset_uri: spec.datasetUri,
      batch_size: spec.batchSize,
      epochs: spec.epochs,
      hyperparameters: spec.hyperparameters,
      ...(spec.texts && { texts: spec.texts }),
    },
    version,
    created_at: context.createdAt,
    started_at: context.startedAt,
    completed_at: context.endedAt,
  };
}

/** A failed or cancelled job still names the node it ended on; a waiting one names none. */
function lastNodeOf(context: JobContext, status: JobStatus): string | null {
  return isTerminal(status) ? (context.history.at(-1)?.nodeId ?? null) : null;
}
