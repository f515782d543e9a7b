import { createHash } from "node:crypto";
import { artifactPath, digestOf, writeArtifact } from "./artifact.ts";
import type { Target } from "./dataset/labels.ts";
import { encodeLabels, outputsFor, targetFor } from "./dataset/labels.ts";
import { measure, normalise } from "./dataset/normalisation.ts";
import type { SourceOptions } from "./dataset/source.ts";
import { readBytes, readText } from "./dataset/source.ts";
import { type Split, splitRows } from "./dataset/split.ts";
import type { LabelColumn, Table } from "./dataset/table.ts";
import { readTable } from "./dataset/table.ts";
import { TrainingError } from "./errors.ts";
import { Batch, evaluate } from "./evaluation.ts";
import type { GangSeat } from "./gang/seat.ts";
import { shardOf } from "./gang/shard.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { overriddenOptimizer, parseHyperparameters } from "./hyperparameters.ts";
import type { Artifact, Digest, EpochReport, FileAccess, JobLimits, JobSpec, Metrics } from "./job.ts";
import { checkJobFields } from "./job.ts";
import type { SizedModel } from "./model/definition.ts";
import { parseModelDefinition } from "./model/parse.ts";
import { parameterCount, sizeModel, trainingMemory } from "./model/size.ts";
import { normalisedCsv, predictionsCsv } from "./prediction.ts";
import { train } from "./trainer.ts";
import type { TrainedModel } from "./weights/trained-model.ts";
import { decodeModel, encodeModel, networkOf, weightsOf } from "./weights/trained-model.ts";

export interface JobContext {
  readonly files: FileAccess;
  readonly limits: JobLimits;
  /** Where the artifact goes. */
  readonly outputDirectory: string;
  /** Null for a job on one node. */
  readonly gang: GangSeat | null;
  /** Stops waiting for the network or the disk; `shouldStop` stops computing. */
  readonly signal: AbortSignal;
  readonly shouldStop: () => boolean;
  readonly now: () => number;
  readonly onEpoch: (report: EpochReport) => void;
  readonly onBatch: (position: { epoch: number; batch: number; batches: number }) => void;
  readonly onLog: (message: string) => void;
}

export interface JobOutcome {
  /** Null for an evaluation, whose result are its metrics, and for a member of a gang but rank 0. */
  readonly artifact: Artifact | null;
  /** Of the weights, from a member of a gang that keeps no file: the same as of rank 0's. */
  readonly digest?: Digest;
  readonly finalMetrics: Metrics;
}

/** Does one whole job, in this thread. Throws TrainingError. */
export async function runJob(spec: JobSpec, context: JobContext): Promise<JobOutcome> {
  checkJobFields(spec);
  const hyper = parseHyperparameters(spec.hyperparameters);
  for (const warning of hyper.warnings) context.onLog(warning);
  if (context.gang !== null && spec.kind !== "training") {
    throw new TrainingError(
      "invalid_job",
      `job_type: a job of type ${spec.kind} cannot run on a gang; only training can`,
    );
  }
  switch (spec.kind) {
    case "training":
      return runTraining(spec, hyper, context);
    case "evaluation":
      return runEvaluation(spec, hyper, context);
    case "inference":
      return runInference(spec, hyper, context);
    case "preprocessing":
      return runPreprocessing(spec, hyper, context);
  }
}

async function runTraining(spec: JobSpec, hyper: Hyperparameters, context: JobContext): Promise<JobOutcome> {
  const { definition, warnings } = parseModelDefinition(spec.modelDefinition, hyper.loss ?? undefined);
  for (const warning of warnings) context.onLog(warning);
  const { gang } = context;
  const text = await loadText(spec, context);
  const table = tableOf(text, hyper, context);
  const label = requireLabel(table);
  const target = targetFor(definition.loss, label);
  const sized = sizeModel(definition, table.columns.length, outputsFor(definition.loss, target));
  const model: SizedModel = { ...sized, optimizer: overriddenOptimizer(definition, hyper) };
  const batchSize = Math.min(spec.batchSize, table.rows);
  requireMemory(model, batchSize, table, context.limits, gang === null ? 0 : gang.rank === 0 ? gang.size : 1);

  const split = splitRows(table.rows, hyper.validationSplit, hyper.seed, hyper.shuffle);
  const normalisation = hyper.normalize ? measure(table.features, table.columns.length, split.training) : null;
  const encoded = encodeLabels(label, target);
  const targetNormalisation = hyper.normalize && target.kind === "number" ? measure(encoded, 1, split.training) : null;
  const members = gang === null ? "" : `, as rank ${gang.rank} of ${gang.size}`;
  context.onLog(
    `training ${model.name} on ${split.training.length} rows of ${table.columns.length} features${describeTarget(target)}, ` +
      `validating on ${split.validation.length}${members}`,
  );
  const { network, finalMetrics } = await train({
    model,
    examples: {
      width: table.columns.length,
      features: normalise(table.features, table.columns.length, normalisation),
      targets: normalise(encoded, 1, targetNormalisation),
    },
    split: gang === null ? split : partOf(split, gang),
    targetScale: targetNormalisation,
    batchSize,
    epochs: spec.epochs,
    hyperparameters: hyper,
    ...context,
    gang: gang && { seat: gang, data: createHash("sha256").update(text).digest("hex") },
  });
  const trained: TrainedModel = {
    model,
    columns: table.columns,
    label: label.name,
    target,
    normalisation,
    targetNormalisation,
    weights: weightsOf(network),
  };
  if (gang !== null && gang.rank > 0) return { artifact: null, digest: digestOf(encodeModel(trained)), finalMetrics };
  const artifact = writeArtifact("weights", artifactPath(context.outputDirectory, spec), encodeModel(trained));
  return { artifact, finalMetrics };
}

/** A member's part of the rows. Rank 0 alone judges the model, for it alone reports. */
const partOf = (split: Split, { rank, size }: GangSeat): Split => ({
  training: shardOf(split.training, rank, size),
  validation: rank === 0 ? split.validation : split.validation.subarray(0, 0),
});

/** How well the model of `weights_uri` does on every row of the dataset. */
async function runEvaluation(spec: JobSpec, hyper: Hyperparameters, context: JobContext): Promise<JobOutcome> {
  const { trained, table } = await loadModelAndTable(spec, hyper, context);
  const targets = normalise(encodeLabels(requireLabel(table), trained.target), 1, trained.targetNormalisation);
  const features = normalise(table.features, table.columns.length, trained.normalisation);
  const network = networkOf(trained, Math.min(spec.batchSize, table.rows));
  const batch = new Batch({ width: table.columns.length, features, targets }, network.batchSize);
  const everyRow = splitRows(table.rows, 0, hyper.seed, false).training;
  const metrics = evaluate(network, batch, everyRow, trained.targetNormalisation, context.shouldStop);
  return { artifact: null, finalMetrics: { ...metrics, samples: table.rows } };
}

/** The model's prediction for every row, as a CSV file. */
async function runInference(spec: JobSpec, hyper: Hyperparameters, context: JobContext): Promise<JobOutcome> {
  const { trained, table } = await loadModelAndTable(spec, hyper, context);
  const features = normalise(table.features, table.columns.length, trained.normalisation);
  const chunks = predictionsCsv(trained, features, spec.batchSize, context.shouldStop);
  const artifact = writeArtifact("predictions", artifactPath(context.outputDirectory, spec), chunks);
  return { artifact, finalMetrics: { samples: table.rows } };
}

/** The dataset with every feature at mean 0 and deviation 1, as a CSV file. */
async function runPreprocessing(spec: JobSpec, hyper: Hyperparameters, context: JobContext): Promise<JobOutcome> {
  const table = tableOf(await loadText(spec, context), hyper, context);
  const width = table.columns.length;
  const everyRow = splitRows(table.rows, 0, hyper.seed, false).training;
  const features = normalise(table.features, width, hyper.normalize ? measure(table.features, width, everyRow) : null);
  const chunks = normalisedCsv(table, features, context.shouldStop);
  const artifact = writeArtifact("dataset", artifactPath(context.outputDirectory, spec), chunks);
  return { artifact, finalMetrics: { samples: table.rows, features: width } };
}

async function loadText(spec: JobSpec, context: JobContext): Promise<string> {
  const text = await readText(spec.datasetUri, sourceOptions("dataset_uri", context));
  requireRunning(context);
  return text;
}

function tableOf(text: string, hyper: Hyperparameters, context: JobContext, wanted?: TrainedModel): Table {
  return readTable(text, {
    labelColumn: hyper.labelColumn,
    header: hyper.header,
    limits: context.limits,
    ...(wanted === undefined ? {} : { wanted }),
  });
}

async function loadModelAndTable(
  spec: JobSpec,
  hyper: Hyperparameters,
  context: JobContext,
): Promise<{ readonly trained: TrainedModel; readonly table: Table }> {
  if (hyper.weightsUri === null) {
    throw new TrainingError(
      "invalid_job",
      `hyperparameters.weights_uri is missing; a job of type ${spec.kind} needs the weights file of a finished training`,
    );
  }
  const trained = decodeModel(await readBytes(hyper.weightsUri, sourceOptions("hyperparameters.weights_uri", context)));
  const table = tableOf(await loadText(spec, context), hyper, context, trained);
  requireMemory(trained.model, Math.min(spec.batchSize, table.rows), table, context.limits);
  return { trained, table };
}

function sourceOptions(field: SourceOptions["field"], context: JobContext): SourceOptions {
  return { field, files: context.files, limits: context.limits, signal: context.signal };
}

function requireRunning(context: JobContext): void {
  if (context.shouldStop()) throw new TrainingError("cancelled", "the job was cancelled before it computed anything");
}

function requireLabel(table: Table): LabelColumn {
  if (table.label !== null) return table.label;
  throw new TrainingError(
    "invalid_dataset",
    "the dataset has no label column; name it in the hyperparameter label_column",
  );
}

/** Checked before the first large array is made: the node's word on memory is kept whatever the job says. */
function requireMemory(model: SizedModel, batchSize: number, table: Table, limits: JobLimits, gathered = 0): void {
  // A member of a gang holds its own share and the mean; rank 0 everybody's shares, and their sum in float64.
  const shares = gathered === 0 ? 0 : 4 * parameterCount(model) * (gathered + 3);
  const needed = trainingMemory(model, batchSize) + shares + table.features.length * 12;
  if (needed <= limits.maxMemoryBytes) return;
  throw new TrainingError(
    "too_large",
    `the job needs about ${needed} bytes of memory and this node allows ${limits.maxMemoryBytes}; use a smaller model, batch_size or dataset`,
  );
}

function describeTarget(target: Target): string {
  return target.kind === "classes" ? ` into ${target.classes.length} classes` : "";
}
