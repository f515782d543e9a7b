/**
 * Numbers of a network. Training uses float32; the gradient check uses float64, where finite differences are sharp
 * enough to tell a wrong formula from rounding.
 */
export type Vector = Float32Array | Float64Array;
export type Precision = "float32" | "float64";

export function vector(precision: Precision, length: number): Vector {
  return precision === "float32" ? new Float32Array(length) : new Float64Array(length);
}

/** A trained array and the gradient of the mean batch loss by it. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly value: Vector;
  readonly gradient: Vector;
  /** Biases are not decayed: shrinking an offset regularises nothing. */
  readonly decays: boolean;
}

/**
 * One step of a network over a batch: `rows` samples stored row after row. Layers own their output and gradient
 * buffers, so training allocates nothing per batch; a returned buffer is valid until the layer's next call.
 */
export interface Layer {
  readonly parameters: readonly Parameter[];
  /** `training` is false for validation and prediction, where dropout lets everything pass. */
  forward(input: Vector, rows: number, training: boolean): Vector;
  /**
   * From the loss's gradient by this layer's last output, sets the parameters' gradients and returns the gradient by
   * its last input.
   */
  backward(outputGradient: Vector, rows: number): Vector;
}
