/**
 * The one error of the training engine. It crosses the worker boundary as plain data, so it is a code and a sentence
 * rather than a family of classes; the sentence is written for the person who submitted the job.
 */

export type TrainingErrorCode =
  /** model_definition cannot be used as written. */
  | "invalid_model"
  /** A hyperparameter, or epochs, batch_size or another plain field of the job, is out of bounds. */
  | "invalid_job"
  /** The data was read but cannot be learnt from: a missing value, a text where a number is needed, one class only. */
  | "invalid_dataset"
  /** The data (or the weights to evaluate) could not be fetched or read. */
  | "unavailable"
  /** A weights file is damaged or does not belong to this data. */
  | "invalid_weights"
  /** The job needs more memory than this node gives one job. */
  | "too_large"
  /** The loss left the finite numbers. */
  | "diverged"
  /** A kind of job, or an address, this engine does not handle. */
  | "unsupported"
  /** The result could not be written. */
  | "output"
  /** The members of a gang did not come together, or do not train the same thing. */
  | "gang"
  /** Someone stopped the job. */
  | "cancelled"
  /** The worker ended without a result: it crashed, ran out of memory, or was killed. */
  | "crashed";

/** What a failed job reports; `message` is complete on its own. */
export interface TrainingFailure {
  readonly code: TrainingErrorCode;
  readonly message: string;
}

export class TrainingError extends Error {
  override readonly name = "TrainingError";
  constructor(
    readonly code: TrainingErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Any thrown value as a failure. An error that is not ours is a fault of the engine and says so by its code. */
export function toFailure(error: unknown): TrainingFailure {
  if (error instanceof TrainingError) return { code: error.code, message: error.message };
  const text = error instanceof Error ? error.message : String(error);
  // JavaScriptCore's words when an array cannot be allocated.
  if (error instanceof RangeError && /memory|array length|size/i.test(text)) {
    return { code: "too_large", message: `the job ran out of memory: ${text}` };
  }
  return { code: "crashed", message: `the training engine failed unexpectedly: ${text}` };
}

/** Shows a value in an error without letting a hostile submission fill the log. */
export function shown(value: unknown): string {
  const text =
    typeof value === "number" || value === undefined ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
