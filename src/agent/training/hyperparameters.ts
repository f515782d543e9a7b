import { shown, TrainingError } from "./errors.ts";
import type { LossName, ModelDefinition, OptimizerDefinition } from "./model/definition.ts";
import type { Range } from "./model/fields.ts";
import { describeRange, listed, lookUp, within } from "./model/fields.ts";
import { lossNames } from "./model/parse.ts";
import { optimizerNames, optimizerRanges, optimizerWith } from "./model/parse-optimizer.ts";

export type LearningRateSchedule = "constant" | "cosine" | "exponential";

/** `JobConfig.hyperparameters`, read and checked. Null: not given. */
export interface Hyperparameters {
  readonly optimizer: string | null;
  readonly learningRate: number | null;
  readonly momentum: number | null;
  readonly weightDecay: number | null;
  readonly beta1: number | null;
  readonly beta2: number | null;
  readonly epsilon: number | null;
  readonly loss: LossName | null;
  readonly schedule: LearningRateSchedule;
  /** Factor per epoch of the exponential schedule. */
  readonly decay: number;
  /** Largest L2 norm of all gradients together; 0 does not clip. */
  readonly gradientClip: number;
  readonly validationSplit: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly normalize: boolean;
  /** A column's name, or its number counted from 0; null is the last column. */
  readonly labelColumn: string | null;
  /** Null: decided from the data. */
  readonly header: boolean | null;
  /** The model to evaluate or predict with. */
  readonly weightsUri: string | null;
  readonly warnings: readonly string[];
}

const known = [
  "optimizer",
  "learning_rate",
  "momentum",
  "weight_decay",
  "beta1",
  "beta2",
  "epsilon",
  "loss",
  "lr_schedule",
  "lr_decay",
  "gradient_clip",
  "validation_split",
  "seed",
  "shuffle",
  "normalize",
  "label_column",
  "header",
  "weights_uri",
] as const;
type Name = (typeof known)[number];

const aliases: Readonly<Record<string, Name>> = { lr: "learning_rate", normalise: "normalize", has_header: "header" };

/** Names the platform keeps for itself; the engine leaves them alone without a word. */
const reservedPrefix = "cyxwiz.";

/** A fixed seed when none is given, so that a job run twice gives the same weights. */
const defaultSeed = 42;

/** Throws TrainingError "invalid_job" naming the hyperparameter, its value and what is allowed. */
export function parseHyperparameters(map: Readonly<Record<string, string>>): Hyperparameters {
  const values = new Map<Name, string>();
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(map)) {
    if (key.startsWith(reservedPrefix)) continue;
    const name = Object.hasOwn(aliases, key) ? aliases[key] : known.find((each) => each === key);
    if (name !== undefined) values.set(name, value.trim());
    else if (warnings.length < 20) {
      warnings.push(
        `hyperparameters.${shown(key).slice(1, -1)} is not known and has no effect; known are ${listed(known)}`,
      );
    }
  }
  const read = new Reader(values);
  return {
    optimizer: read.choice("optimizer", optimizerNames),
    learningRate: read.real("learning_rate", optimizerRanges.learningRate),
    momentum: read.real("momentum", optimizerRanges.momentum),
    weightDecay: read.real("weight_decay", optimizerRanges.weightDecay),
    beta1: read.real("beta1", optimizerRanges.beta),
    beta2: read.real("beta2", optimizerRanges.beta),
    epsilon: read.real("epsilon", optimizerRanges.epsilon),
    loss: read.choice("loss", lossNames),
    schedule:
      read.choice<LearningRateSchedule>("lr_schedule", {
        constant: "constant",
        cosine: "cosine",
        exponential: "exponential",
      }) ?? "constant",
    decay: read.real("lr_decay", { min: 0, minOpen: true, max: 1 }) ?? 0.95,
    gradientClip: read.real("gradient_clip", { min: 0, max: 1e6 }) ?? 0,
    validationSplit: read.real("validation_split", { min: 0, max: 0.9 }) ?? 0.2,
    seed: read.whole("seed", Number.MAX_SAFE_INTEGER) ?? defaultSeed,
    shuffle: read.flag("shuffle") ?? true,
    normalize: read.flag("normalize") ?? true,
    labelColumn: values.get("label_column") || null,
    header: read.flag("header"),
    weightsUri: values.get("weights_uri") || null,
    warnings,
  };
}

/** The model's optimiser with the hyperparameters' word above it. Another optimiser brings its own defaults. */
export function overriddenOptimizer(model: ModelDefinition, hyper: Hyperparameters): OptimizerDefinition {
  const stated = hyper.optimizer === null ? model.optimizer.name : lookUp(optimizerNames, hyper.optimizer);
  const name = stated ?? model.optimizer.name;
  const base = name === model.optimizer.name ? model.optimizer : {};
  return optimizerWith(name, {
    ...base,
    ...(hyper.learningRate === null ? {} : { learningRate: hyper.learningRate }),
    ...(hyper.momentum === null ? {} : { momentum: hyper.momentum }),
    ...(hyper.weightDecay === null ? {} : { weightDecay: hyper.weightDecay }),
    ...(hyper.beta1 === null ? {} : { beta1: hyper.beta1 }),
    ...(hyper.beta2 === null ? {} : { beta2: hyper.beta2 }),
    ...(hyper.epsilon === null ? {} : { epsilon: hyper.epsilon }),
  });
}

/** The learning rate of an epoch, counted from 1. Cosine ends at a hundredth of the start (Loshchilov & Hutter 2017). */
export function learningRateAt(base: number, hyper: Hyperparameters, epoch: number, epochs: number): number {
  if (hyper.schedule === "exponential") return base * hyper.decay ** (epoch - 1);
  if (hyper.schedule === "constant" || epochs === 1) return base;
  const progress = (epoch - 1) / (epochs - 1);
  return base * (0.01 + 0.99 * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

class Reader {
  constructor(readonly values: ReadonlyMap<Name, string>) {}

  real(name: Name, range: Range): number | null {
    const text = this.values.get(name);
    if (text === undefined) return null;
    const value = text === "" ? Number.NaN : Number(text);
    if (!within(value, range)) throw refused(name, text, describeRange(range));
    return value;
  }

  whole(name: Name, max: number): number | null {
    const text = this.values.get(name);
    if (text === undefined) return null;
    const value = Number(text);
    if (text === "" || !Number.isInteger(value) || value < 0 || value > max) {
      throw refused(name, text, `a whole number from 0 to ${max}`);
    }
    return value;
  }

  flag(name: Name): boolean | null {
    const text = this.values.get(name);
    if (text === undefined) return null;
    if (/^(true|1|yes|on)$/i.test(text)) return true;
    if (/^(false|0|no|off)$/i.test(text)) return false;
    throw refused(name, text, "true or false");
  }

  choice<T extends string>(name: Name, spellings: Readonly<Record<string, T>>): T | null {
    const text = this.values.get(name);
    if (text === undefined) return null;
    const value = lookUp(spellings, text);
    if (value === undefined) throw refused(name, text, listed(Object.values(spellings)));
    return value;
  }
}

function refused(name: Name, text: string, allowed: string): TrainingError {
  return new TrainingError("invalid_job", `hyperparameters.${name}: ${shown(text)} is not allowed; use ${allowed}`);
}
