import type { TrainingFailure } from "./errors.ts";
import { TrainingError, toFailure } from "./errors.ts";
import { parseHyperparameters } from "./hyperparameters.ts";
import type { JobSpec } from "./job.ts";
import { checkJobFields } from "./job.ts";
import { parseModelDefinition } from "./model/parse.ts";

/**
 * Whether a job can be run as far as its own fields tell, in a moment and without touching its data: what a node asks
 * before it accepts. Null when nothing speaks against it. Does not throw.
 */
export function checkJob(spec: JobSpec): TrainingFailure | null {
  try {
    checkJobFields(spec);
    const hyper = parseHyperparameters(spec.hyperparameters);
    if (spec.kind === "training") parseModelDefinition(spec.modelDefinition, hyper.loss ?? undefined);
    else if (spec.kind !== "preprocessing" && hyper.weightsUri === null) {
      throw new TrainingError(
        "invalid_job",
        `hyperparameters.weights_uri is missing; a job of type ${spec.kind} needs it`,
      );
    }
    return null;
  } catch (error) {
    return toFailure(error);
  }
}
