import { TrainingError } from "../errors.ts";
import type { Share } from "./seat.ts";

/**
 * The gang's weights after a round: the mean of the members' weights, each counted by its rows (McMahan et al. 2017,
 * "FederatedAveraging", with every member in every round).
 *
 * The same shares give the same mean to the bit: sums run in float64 and in the order of ranks, whoever came first.
 * @param shares by rank, rank 0 included
 * @throws TrainingError "gang" when the members do not train the same model on the same data
 */
export function meanOf(shares: readonly Share[]): Share {
  const [first] = shares;
  if (first === undefined) throw new TrainingError("gang", "a gang has no members");
  for (const [rank, share] of shares.entries()) requireAlike(first, share, rank);
  const rows = sum(shares, (share) => share.rows);
  const sums = new Float64Array(first.weights.length);
  for (const { rows: part, weights } of shares) {
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + part * (weights[i] as number);
  }
  const weights = new Float32Array(sums.length);
  for (let i = 0; i < sums.length; i++) weights[i] = (sums[i] as number) / rows;
  const correct = first.correct === null ? null : sum(shares, (share) => share.correct ?? 0);
  return { rows, loss: sum(shares, (share) => share.loss), correct, data: first.data, weights };
}

function requireAlike(first: Share, share: Share, rank: number): void {
  const { length } = share.weights;
  if (length !== first.weights.length) {
    throw new TrainingError(
      "gang",
      `rank ${rank} trains a model of ${length} parameters and rank 0 one of ${first.weights.length}; they must run the same job`,
    );
  }
  // An implementation that does not say what data it has is taken at its word.
  if (share.data !== "" && first.data !== "" && share.data !== first.data) {
    throw new TrainingError(
      "gang",
      `rank ${rank} has read other data than rank 0 under the same dataset_uri; it must not change while a gang starts`,
    );
  }
  if (!(Number.isSafeInteger(share.rows) && share.rows > 0)) {
    throw new TrainingError("gang", `rank ${rank} says that it trained on ${share.rows} rows`);
  }
  if ((share.correct === null) !== (first.correct === null)) {
    throw new TrainingError("gang", `rank ${rank} and rank 0 do not agree whether the model is a classifier`);
  }
}

const sum = (shares: readonly Share[], figure: (share: Share) => number): number =>
  shares.reduce((total, share) => total + figure(share), 0);
