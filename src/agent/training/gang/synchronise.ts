import { TrainingError } from "../errors.ts";
import type { Network } from "../network/network.ts";
import { meanOf } from "./mean.ts";
import type { GangSeat, Share } from "./seat.ts";

export type Figures = Omit<Share, "weights">;

/** Makes the network's weights the gang's. Returns the figures of all members together. */
export async function synchronise(
  seat: GangSeat,
  network: Network,
  round: number,
  own: Figures,
  last: boolean,
): Promise<Figures> {
  const share = { ...own, weights: packed(network) };
  const mean = await meanFor(seat, round, share, last);
  unpack(network, mean.weights);
  return mean;
}

async function meanFor(seat: GangSeat, round: number, share: Share, last: boolean): Promise<Share> {
  if (seat.rank > 0) {
    const mean = await seat.contribute(round, share, last);
    const expected = share.weights.length;
    if (mean.weights.length === expected) return mean;
    throw new TrainingError("gang", `rank 0 sent ${mean.weights.length} parameters where the model has ${expected}`);
  }
  const mean = meanOf([share, ...(await seat.gather(round))]);
  seat.scatter(round, mean, last);
  return mean;
}

function packed(network: Network): Float32Array {
  const length = network.parameters.reduce((sum, { value }) => sum + value.length, 0);
  const weights = new Float32Array(length);
  let at = 0;
  for (const { value } of network.parameters) {
    weights.set(value, at);
    at += value.length;
  }
  return weights;
}

function unpack(network: Network, weights: Float32Array): void {
  let at = 0;
  for (const { value } of network.parameters) {
    value.set(weights.subarray(at, at + value.length));
    at += value.length;
  }
}
