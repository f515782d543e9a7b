/** Mean and standard deviation of each column; a constant column has deviation 1, which leaves it at 0. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/**
 * Statistics of the given rows, in two passes: the one-pass formula loses all digits on columns far from zero. Only
 * training rows may be given, or the validation figures would know their own answers.
 */
export function measure(values: Float64Array, width: number, rows: Uint32Array): Normalisation {
  const mean = new Float64Array(width);
  for (const row of rows)
    for (let i = 0; i < width; i++) mean[i] = (mean[i] as number) + (values[row * width + i] as number) / rows.length;
  const variance = new Float64Array(width);
  for (const row of rows) {
    for (let i = 0; i < width; i++) {
      variance[i] =
        (variance[i] as number) + ((values[row * width + i] as number) - (mean[i] as number)) ** 2 / rows.length;
    }
  }
  const deviation = Array.from(variance, (square, i) => {
    const root = Math.sqrt(square);
    // Rounding leaves a constant column a hair above zero; dividing by it would make noise.
    return Number.isFinite(root) && root > 1e-9 * Math.abs(mean[i] as number) && root > 0 ? root : 1;
  });
  return { mean: [...mean], deviation };
}

/** (x − mean) / deviation as float32; without a normalisation the numbers as they are. */
export function normalise(values: Float64Array, width: number, by: Normalisation | null): Float32Array {
  const result = new Float32Array(values.length);
  if (by === null) {
    result.set(values);
    return result;
  }
  const mean = Float64Array.from(by.mean);
  const deviation = Float64Array.from(by.deviation);
  for (let start = 0; start < values.length; start += width) {
    for (let i = 0; i < width; i++) {
      result[start + i] = ((values[start + i] as number) - (mean[i] as number)) / (deviation[i] as number);
    }
  }
  return result;
}
