/** SubmitJob's `config`, checked and turned into what a job actor is made of. */
import { createHash } from "node:crypto";
import type { JobInput, JobPayment, JobPolicy } from "../../actors/job/state.ts";
import type { Text, Unstamped } from "../../actors/runtime/index.ts";
import { isSolanaAddress } from "../../domain/base58.ts";
import { jobIdFor, parseJobId } from "../../domain/ids.ts";
import {
  DEVICE_KINDS,
  type DeviceKind,
  gangSizeOf,
  JOB_TYPES,
  type JobSpec,
  type JobType,
  needsGpu,
  PRIORITIES,
  ramGbOf,
} from "../../domain/job-spec.ts";
import { type JobTerms, readTerms, type StatedPolicy } from "../../domain/job-terms.ts";
import { separated } from "../../domain/job-texts.ts";
import { price, type TokenUnits, UNITS_PER_TOKEN } from "../../domain/money.ts";
import { invalid, Refusal } from "../../domain/refusal.ts";
import type { Caller } from "./caller.ts";
import { finite, oneOf, text, whole, wholeOr } from "./fields.ts";
import type { JobConfig } from "./protocol.ts";

export interface SubmissionRules {
  /** The times and limits of every job; the run timeout comes from the estimate. */
  readonly policy: Omit<JobPolicy, "runTimeout">;
  readonly runTimeoutFactor: number;
  readonly maxRunMs: number;
  /** Pending jobs of one owner; 0: no limit of its own. */
  readonly maxQueuedPerOwner: number;
  /** How jobs are paid whose `payment_address` is a Solana wallet. Absent: none is, and costs are only recorded. */
  readonly payment?: JobPayment & {
    /** Callers without a token may have any wallet pay: they are this machine's operator. */
    readonly anonymous: boolean;
  };
}

/** What clients leave out. An hour is the original's smallest unit of pricing; the others are its own defaults. */
const DEFAULT_SECONDS = 3600;
const DEFAULT_BATCH = 32;
const DEFAULT_EPOCHS = 10;

/** A run shorter than this is not cut short because its owner guessed too low: fetching the data alone may take it. */
const SHORTEST_RUN_LIMIT_MS = 60_000;

/**
 * The most that a job's texts may take, in bytes: a node receives them in one AssignJob message, whose limit is gRPC's own
 * default of 4 MiB, together with a token and the rest, for which this leaves 32 KiB.
 */
const MAX_TEXT_BYTES = 4 * 2 ** 20 - 32 * 2 ** 10;

const wireTypes: readonly (JobType | undefined)[] = [undefined, ...JOB_TYPES];
const wireDevices: readonly (DeviceKind | null)[] = [null, ...DEVICE_KINDS];

export interface Submission {
  readonly id: string;
  /** The id comes from the client, who may have sent it before. */
  readonly named: boolean;
  readonly input: Unstamped<JobInput>;
  /** The big texts that `input` refers to, to be stored with it. */
  readonly texts: readonly Text[];
}

export interface SubmissionContext {
  readonly caller: Caller;
  /** The `idempotency-key` metadata, where the client sent one. */
  readonly idempotencyKey: string | undefined;
  readonly randomId: () => string;
}

/** @throws Refusal naming the field at fault. Nothing has happened then. */
export function readSubmission(config: JobConfig, rules: SubmissionRules, context: SubmissionContext): Submission {
  const hyperparameters = readHyperparameters(config.hyperparameters);
  const terms = readTerms(hyperparameters);
  const spec = readSpec(config, rules, hyperparameters, terms);
  if (spec.gang && spec.type !== "training") {
    throw invalid(
      'config.hyperparameters["cyxwiz.gang.size"]',
      `only training jobs can be gangs, not ${spec.type} jobs`,
    );
  }
  requireSendable(spec);
  const userWallet = text("config.payment_address", config.paymentAddress, { max: 128 }) || context.caller.wallet || "";
  const owner = context.caller.userId ?? (userWallet || "anonymous");
  const seconds = spec.estimatedSeconds;
  const runTimeout = Math.min(rules.maxRunMs, Math.max(SHORTEST_RUN_LIMIT_MS, seconds * 1000 * rules.runTimeoutFactor));
  const id = readId(config, owner, context);
  const { spec: kept, texts } = separated(spec);
  const payment = paymentFrom(userWallet, rules, context.caller);
  return {
    id,
    named: config.jobId !== "" || context.idempotencyKey !== undefined,
    texts,
    input: {
      id,
      spec: kept,
      owner,
      userWallet,
      // Of the whole job, its big texts included: as it was before they were kept apart, and as their owner's repeats need it.
      fingerprint: createHash("sha256")
        .update(JSON.stringify([owner, userWallet, spec]))
        .digest("hex"),
      price: priceOf(spec).toString(),
      policy: { ...policyOf(rules.policy, terms.policy), runTimeout: Math.round(runTimeout) },
      awaitsFunds: payment !== undefined,
      ...(payment && { payment }),
    },
  };
}

/**
 * How the job is paid, if its wallet is one. A wallet that has once allowed its tokens to be taken must not pay for strangers' jobs: who
 * names it must be known to be its owner. @throws Refusal
 */
function paymentFrom(userWallet: string, { payment }: SubmissionRules, caller: Caller): JobPayment | undefined {
  // What is no address has always been taken for a name, and is not paid by.
  if (payment === undefined || !isSolanaAddress(userWallet)) return undefined;
  const { feeBps, anonymous } = payment;
  const field = "config.payment_address";
  if (caller.userId === null && !anonymous) {
    throw new Refusal("unauthenticated", `${field}: only its owner can have a wallet pay; show a token that names it`, {
      field,
    });
  }
  if (caller.userId !== null && caller.wallet !== userWallet) {
    throw new Refusal("permission_denied", `${field}: your token does not name this wallet, so it cannot pay for you`, {
      field,
    });
  }
  return { feeBps };
}

/** Every member of a gang costs what the job would cost alone. */
export function priceOf(spec: JobSpec): TokenUnits {
  const one = price({ gpu: needsGpu(spec), ramGb: ramGbOf(spec), seconds: spec.estimatedSeconds });
  return one * BigInt(gangSizeOf(spec));
}

/**
 * What the job says of its own times, within what the operator allows: it may wait and live for less than the configuration
 * says, never for more. When its node counts as lost is its own affair, for it alone bears the cost of a second run.
 */
function policyOf(
  defaults: SubmissionRules["policy"],
  { lostAfter, stopAfter, reconcile, maxDuration, queueTimeout }: StatedPolicy,
): SubmissionRules["policy"] {
  /** A node that is given more time to come back may go on for as much longer, or there would be nothing to come back with. */
  const moved = (time: number): number => Math.max(1000, time + (lostAfter ?? 0) - defaults.gracePeriod);
  const longest = Math.min(defaults.maxDuration ?? Number.POSITIVE_INFINITY, maxDuration ?? Number.POSITIVE_INFINITY);
  return {
    ...defaults,
    ...(lostAfter !== undefined && { gracePeriod: lostAfter }),
    ...(lostAfter !== undefined && defaults.stopAfter !== undefined && { stopAfter: moved(defaults.stopAfter) }),
    ...(stopAfter !== undefined && { stopAfter }),
    ...(reconcile !== undefined && { reconcile }),
    ...(Number.isFinite(longest) && { maxDuration: longest }),
    queueTimeout: Math.min(defaults.queueTimeout, queueTimeout ?? Number.POSITIVE_INFINITY),
  };
}

/** The client's own id makes a submission idempotent; so does an idempotency key; otherwise every call is a new job. */
function readId(config: JobConfig, owner: string, { idempotencyKey, randomId }: SubmissionContext): string {
  if (config.jobId !== "") {
    const id = parseJobId(config.jobId);
    if (!id) throw invalid("config.job_id", "must be a UUID, or empty to have the server choose one");
    return id;
  }
  if (idempotencyKey === undefined) return randomId();
  return jobIdFor(owner, text("idempotency-key", idempotencyKey, { max: 256, required: true }));
}

function readSpec(
  config: JobConfig,
  rules: SubmissionRules,
  hyperparameters: JobSpec["hyperparameters"],
  { requirements, gang }: JobTerms,
): JobSpec {
  return {
    type: oneOf(
      "config.job_type",
      config.jobType,
      wireTypes,
      "1 (training), 2 (inference), 3 (evaluation) or 4 (preprocessing)",
    ),
    priority: oneOf("config.priority", config.priority, PRIORITIES, "0 (low), 1 (normal), 2 (high) or 3 (critical)"),
    modelDefinition: text("config.model_definition", config.modelDefinition, { max: 4_000_000 }),
    hyperparameters,
    // Every node refuses a job without one; better said here than after a round of refusals.
    datasetUri: text("config.dataset_uri", config.datasetUri, { max: 8192, required: true }),
    batchSize: wholeOr("config.batch_size", config.batchSize, DEFAULT_BATCH, { min: 1, max: 65_536 }),
    epochs: wholeOr("config.epochs", config.epochs, DEFAULT_EPOCHS, { min: 1, max: 100_000 }),
    device: oneOf(
      "config.required_device",
      config.requiredDevice,
      wireDevices,
      "0 (any), 1 (CPU), 2 (CUDA), 3 (OpenCL), 4 (Metal) or 5 (Vulkan)",
    ),
    memoryBytes: whole("config.estimated_memory", config.estimatedMemory, { min: 0, max: 2 ** 50 }),
    estimatedSeconds: wholeOr("config.estimated_duration", config.estimatedDuration, DEFAULT_SECONDS, {
      min: 1,
      max: Math.floor(rules.maxRunMs / 1000),
    }),
    offered: BigInt(
      Math.round(finite("config.payment_amount", config.paymentAmount, { min: 0, max: 1e9 }) * Number(UNITS_PER_TOKEN)),
    ).toString(),
    escrowTxHash: text("config.escrow_tx_hash", config.escrowTxHash, { max: 128 }),
    reservationMinutes: whole("config.reservation_duration_minutes", config.reservationDurationMinutes, {
      min: 0,
      max: 1_000_000,
    }),
    ...(requirements !== null && { requirements }),
    ...(gang !== null && { gang }),
  };
}

/** Better said here than by every node in turn, none of which could receive it. */
function requireSendable({ modelDefinition, datasetUri, hyperparameters }: JobSpec): void {
  const texts = [modelDefinition, datasetUri, ...Object.entries(hyperparameters).flat()];
  const bytes = texts.reduce((sum, one) => sum + Buffer.byteLength(one), 0);
  if (bytes > MAX_TEXT_BYTES) {
    throw invalid(
      "config",
      `model_definition, dataset_uri and hyperparameters take ${bytes} bytes; at most ${MAX_TEXT_BYTES} fit into the message to a node`,
    );
  }
}

function readHyperparameters(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(given);
  if (entries.length > 1000)
    throw invalid("config.hyperparameters", `has ${entries.length} entries; at most 1000 are allowed`);
  // Sorted, so that the fingerprint of a repeat is the same whatever order its client wrote them in.
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const checked = entries.map(([name, value]) => {
    text("config.hyperparameters name", name, { max: 200, required: true });
    return [
      name,
      text(`config.hyperparameters[${JSON.stringify(name.slice(0, 60))}]`, value, { max: 65_536 }),
    ] as const;
  });
  return Object.fromEntries(checked);
}
