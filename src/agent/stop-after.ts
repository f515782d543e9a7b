/** How long a run goes on out of touch with the server: its partition policy, as the server tells it with the offer. */
import { type JobSpec, TrainingError } from "./training/index.ts";

const NAME = "cyxwiz.stop_after";

/**
 * Milliseconds; Infinity where the server tells 0: until it says otherwise. Where it tells nothing, as a server that does
 * not know the term, the node's own time holds.
 * @throws TrainingError "invalid_job" for what is no number of seconds
 */
export function stopAfterOf({ hyperparameters }: Pick<JobSpec, "hyperparameters">, preset: number): number {
  const text = hyperparameters[NAME]?.trim();
  if (text === undefined) return preset;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) {
    const given = JSON.stringify(text.slice(0, 40));
    throw new TrainingError("invalid_job", `hyperparameters["${NAME}"]: ${given} is not a number of seconds`);
  }
  return Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text) * 1000;
}
