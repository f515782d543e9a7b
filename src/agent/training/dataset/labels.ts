import { shown, TrainingError } from "../errors.ts";
import type { LossName } from "../model/definition.ts";
import type { LabelColumn } from "./table.ts";

/** What a model predicts: one of `classes`, or a number. */
export type Target = { readonly kind: "classes"; readonly classes: readonly string[] } | { readonly kind: "number" };

/** More classes than this is a column of numbers or of names, not a label. */
const maxClasses = 10_000;

/** Decides the target from the loss and the label's values. Throws TrainingError "invalid_dataset". */
export function targetFor(loss: LossName, label: LabelColumn): Target {
  if (loss === "mse") return { kind: "number" };
  const numbers = label.values.map(Number);
  const numeric = numbers.every(Number.isFinite);
  const column = `the label column ${shown(label.name)}`;
  if (numeric && numbers.some((value) => !Number.isInteger(value))) {
    const fraction = label.values[numbers.findIndex((value) => !Number.isInteger(value))];
    throw new TrainingError(
      "invalid_dataset",
      `${column} holds numbers such as ${shown(fraction)}, not classes; use the loss mse`,
    );
  }
  const classes = numeric
    ? label.values.toSorted((a, b) => Number(a) - Number(b))
    : label.values.toSorted((a, b) => (a < b ? -1 : 1)); // by code unit: the same order on every machine
  if (loss === "binary_cross_entropy" && classes.length !== 2) {
    throw new TrainingError(
      "invalid_dataset",
      `${column} has ${classes.length} different values; binary_cross_entropy needs 2; use the loss cross_entropy`,
    );
  }
  if (classes.length < 2 || classes.length > maxClasses) {
    throw new TrainingError(
      "invalid_dataset",
      `${column} has ${classes.length} different values; a classifier needs 2 to ${maxClasses}`,
    );
  }
  return { kind: "classes", classes };
}

/** One number per row: the class's index, or the value. A label the target does not know is refused with its line. */
export function encodeLabels(label: LabelColumn, target: Target): Float64Array {
  const known = target.kind === "classes" ? new Map(target.classes.map((name, index) => [name, index])) : null;
  const encoded = label.values.map((value, code) => {
    const number = known === null ? Number(value) : known.get(value);
    if (number !== undefined && Number.isFinite(number)) return number;
    const where = `the dataset, line ${label.lines[code]}, column ${shown(label.name)}`;
    throw known === null
      ? new TrainingError(
          "invalid_dataset",
          `${where}: ${shown(value)} is not a finite number, which mse needs; use the loss cross_entropy`,
        )
      : new TrainingError("invalid_dataset", `${where}: the model does not know the class ${shown(value)}`);
  });
  return Float64Array.from(label.codes, (code) => encoded[code] as number);
}

export function outputsFor(loss: LossName, target: Target): number {
  return loss === "cross_entropy" && target.kind === "classes" ? target.classes.length : 1;
}
