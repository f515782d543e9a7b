import type { Normalisation } from "./dataset/normalisation.ts";
import type { Split } from "./dataset/split.ts";
import { TrainingError } from "./errors.ts";
import type { Examples } from "./evaluation.ts";
import { Batch, evaluate } from "./evaluation.ts";
import type { GangSeat } from "./gang/seat.ts";
import { type Figures, synchronise } from "./gang/synchronise.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { learningRateAt } from "./hyperparameters.ts";
import type { EpochReport, Metrics } from "./job.ts";
import type { SizedModel } from "./model/definition.ts";
import { Network } from "./network/network.ts";
import { clipGradients, makeOptimizer } from "./network/optimizer.ts";
import { RandomStream } from "./random.ts";

export interface TrainingRun {
  readonly model: SizedModel;
  readonly examples: Examples;
  readonly split: Split;
  readonly targetScale: Normalisation | null;
  readonly batchSize: number;
  readonly epochs: number;
  readonly hyperparameters: Hyperparameters;
  /** With it, `split.training` is this member's shard; `data` is the digest of what all members must have read. */
  readonly gang: { readonly seat: GangSeat; readonly data: string } | null;
  /** Milliseconds from any fixed point; only used for speed figures. */
  readonly now: () => number;
  /** Asked before every mini-batch. */
  readonly shouldStop: () => boolean;
  readonly onEpoch: (report: EpochReport) => void;
  /** After every mini-batch of training. */
  readonly onBatch: (position: { epoch: number; batch: number; batches: number }) => void;
}

export interface Trained {
  readonly network: Network;
  readonly finalMetrics: Metrics;
}

/**
 * Mini-batch gradient descent. Everything drawn comes from the seed and sums run in a fixed order, so the same run on
 * the same build gives the same weights to the bit. Meant for a worker of its own: it waits for nothing but its gang.
 *
 * In a gang each member trains an epoch on its own rows, then all go on with the mean of their weights. What the optimiser
 * remembers stays with each member: its moments fit its own rows, and sending them would double or triple the traffic.
 * Throws TrainingError "diverged", "cancelled" or "gang".
 */
export async function train(run: TrainingRun): Promise<Trained> {
  const { hyperparameters, split, epochs, gang } = run;
  const { seed, gradientClip, shuffle } = hyperparameters;
  const batchSize = Math.min(run.batchSize, split.training.length);
  // All members begin with the same weights, and then draw each for itself.
  const own = gang === null ? "" : `/${gang.seat.rank}`;
  const network = new Network(run.model, batchSize, seed, "float32", `dropout${own}`);
  const optimizer = makeOptimizer(run.model.optimizer, network.parameters);
  const batch = new Batch(run.examples, batchSize);
  const order = split.training.slice();
  const shuffler = new RandomStream(seed, `shuffle${own}`);
  const batches = Math.ceil(order.length / batchSize);
  const data = gang?.data ?? "";
  let total: Figures = { rows: order.length, loss: 0, correct: run.model.loss === "mse" ? null : 0, data };
  let report: EpochReport | undefined;

  // Before any work: do they all have the same model and the same data?
  if (gang !== null) await synchronise(gang.seat, network, 0, total, false);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const started = run.now();
    const learningRate = learningRateAt(run.model.optimizer.learningRate, hyperparameters, epoch, epochs);
    if (shuffle) shuffler.shuffle(order);
    let loss = 0;
    let hits: number | null = 0;
    for (let index = 0; index < batches; index++) {
      if (run.shouldStop())
        throw new TrainingError("cancelled", `the job was cancelled in epoch ${epoch} of ${epochs}`);
      const from = index * batchSize;
      const rows = Math.min(order.length, from + batchSize) - from;
      batch.take(order, from, from + rows);
      const outputs = network.forward(batch.features, rows, true);
      const batchLoss = network.loss.sum(outputs, batch.targets, rows);
      requireFinite(batchLoss, epoch, index + 1, learningRate);
      loss += batchLoss;
      const batchHits = network.loss.hits(outputs, batch.targets, rows);
      hits = batchHits === null || hits === null ? null : hits + batchHits;
      network.backward(outputs, batch.targets, rows);
      if (gradientClip > 0) clipGradients(network.parameters, gradientClip);
      optimizer.step(learningRate);
      run.onBatch({ epoch, batch: index + 1, batches });
    }
    total = { rows: order.length, loss, correct: hits, data };
    if (gang !== null) total = await synchronise(gang.seat, network, epoch, total, epoch === epochs);
    const seconds = Math.max(run.now() - started, 1e-3) / 1000;
    const held =
      split.validation.length === 0
        ? null
        : evaluate(network, batch, split.validation, run.targetScale, run.shouldStop);
    if (held?.loss !== undefined) requireFinite(held.loss, epoch, batches, learningRate);
    report = {
      epoch,
      epochs,
      // Running figures over the epoch, as is usual: earlier batches saw younger weights, and dropout was on.
      loss: total.loss / total.rows,
      ...(total.correct === null ? {} : { accuracy: total.correct / total.rows }),
      ...(held?.loss === undefined ? {} : { val_loss: held.loss }),
      ...(held?.accuracy === undefined ? {} : { val_accuracy: held.accuracy }),
      learning_rate: learningRate,
      samples_per_second: total.rows / seconds,
    };
    run.onEpoch(report);
  }
  requireFiniteWeights(network, epochs);
  return { network, finalMetrics: finalMetrics(run, network, batch, report, total.rows) };
}

/** The last epoch's figures, with the regression's errors in the label's units where there are held-out rows. */
function finalMetrics(
  run: TrainingRun,
  network: Network,
  batch: Batch,
  report: EpochReport | undefined,
  rows: number,
): Metrics {
  const held =
    run.split.validation.length === 0
      ? {}
      : evaluate(network, batch, run.split.validation, run.targetScale, run.shouldStop);
  const { epoch: _, epochs, ...figures } = report ?? { epoch: 0, epochs: run.epochs };
  return {
    ...figures,
    ...Object.fromEntries(Object.entries(held).map(([name, value]) => [`val_${name}`, value])),
    epochs,
    parameters: network.parameters.reduce((sum, parameter) => sum + parameter.value.length, 0),
    training_samples: rows,
    validation_samples: run.split.validation.length,
  };
}

/** NaN and infinity never come back: every later weight would be lost too, so the job ends at the first. */
function requireFinite(loss: number, epoch: number, batch: number, learningRate: number): void {
  if (Number.isFinite(loss)) return;
  throw new TrainingError(
    "diverged",
    `training diverged: the loss became ${loss} in epoch ${epoch}, batch ${batch}; lower the learning rate (now ${learningRate}), set gradient_clip, or normalise the data`,
  );
}

/** The very last step is followed by no loss that would show its damage. */
function requireFiniteWeights(network: Network, epochs: number): void {
  const broken = network.parameters.find(({ value }) => value.some((weight) => !Number.isFinite(weight)));
  if (broken === undefined) return;
  throw new TrainingError(
    "diverged",
    `training diverged: ${broken.name} is no longer finite after epoch ${epochs}; lower the learning rate or set gradient_clip`,
  );
}
