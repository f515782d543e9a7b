import type { OptimizerDefinition } from "../model/definition.ts";
import type { Parameter, Vector } from "./layer.ts";

/** Moves parameters against their gradients. Owns the running moments, in the parameters' order. */
export interface Optimizer {
  step(learningRate: number): void;
}

export function makeOptimizer(definition: OptimizerDefinition, parameters: readonly Parameter[]): Optimizer {
  switch (definition.name) {
    case "sgd":
      return sgd(definition, parameters);
    case "rmsprop":
      return rmsprop(definition, parameters);
    case "adam":
    case "adamw":
      return adam(definition, parameters);
  }
}

/** Zeros of the same length and precision as each parameter. */
function moments(
  parameters: readonly Parameter[],
): readonly { readonly parameter: Parameter; readonly moment: Vector }[] {
  return parameters.map((parameter) => ({ parameter, moment: parameter.value.slice().fill(0) }));
}

/** Sutskever et al. 2013, in PyTorch's form: v ← μv + g; w ← w − η(g + μv) with Nesterov, w − ηv without. */
function sgd(definition: OptimizerDefinition, parameters: readonly Parameter[]): Optimizer {
  const { momentum, nesterov, weightDecay } = definition;
  const states = moments(parameters);
  return {
    step(learningRate) {
      for (const { parameter, moment } of states) {
        const { value, gradient } = parameter;
        const decay = parameter.decays ? weightDecay : 0;
        for (let i = 0; i < value.length; i++) {
          const w = value[i] as number;
          const g = (gradient[i] as number) + decay * w;
          const v = momentum * (moment[i] as number) + g;
          moment[i] = v;
          value[i] = w - learningRate * (nesterov ? g + momentum * v : v);
        }
      }
    },
  };
}

/** Hinton's rmsprop: divides each gradient by the root of its running mean square; momentum as in PyTorch. */
function rmsprop(definition: OptimizerDefinition, parameters: readonly Parameter[]): Optimizer {
  const { momentum, rho, epsilon, weightDecay } = definition;
  const states = moments(parameters).map((state) => ({ ...state, velocity: state.moment.slice() }));
  return {
    step(learningRate) {
      for (const { parameter, moment, velocity } of states) {
        const { value, gradient } = parameter;
        const decay = parameter.decays ? weightDecay : 0;
        for (let i = 0; i < value.length; i++) {
          const w = value[i] as number;
          const g = (gradient[i] as number) + decay * w;
          const square = rho * (moment[i] as number) + (1 - rho) * g * g;
          const v = momentum * (velocity[i] as number) + g / (Math.sqrt(square) + epsilon);
          moment[i] = square;
          velocity[i] = v;
          value[i] = w - learningRate * v;
        }
      }
    },
  };
}

/** Kingma & Ba 2015; for adamw the weights shrink apart from the gradient (Loshchilov & Hutter 2019). */
function adam(definition: OptimizerDefinition, parameters: readonly Parameter[]): Optimizer {
  const { name, beta1, beta2, epsilon, weightDecay } = definition;
  const decoupled = name === "adamw";
  const states = moments(parameters).map((state) => ({ ...state, square: state.moment.slice() }));
  let step = 0;
  return {
    step(learningRate) {
      step++;
      const correction1 = 1 - beta1 ** step;
      const correction2 = Math.sqrt(1 - beta2 ** step);
      for (const { parameter, moment, square } of states) {
        const { value, gradient } = parameter;
        const decay = parameter.decays ? weightDecay : 0;
        const shrink = decoupled ? learningRate * decay : 0;
        const penalty = decoupled ? 0 : decay;
        for (let i = 0; i < value.length; i++) {
          const w = value[i] as number;
          const g = (gradient[i] as number) + penalty * w;
          const m = beta1 * (moment[i] as number) + (1 - beta1) * g;
          const s = beta2 * (square[i] as number) + (1 - beta2) * g * g;
          moment[i] = m;
          square[i] = s;
          value[i] = w - shrink * w - (learningRate * (m / correction1)) / (Math.sqrt(s) / correction2 + epsilon);
        }
      }
    },
  };
}

/** Scales all gradients together down to an L2 norm of `limit` (Pascanu et al. 2013). */
export function clipGradients(parameters: readonly Parameter[], limit: number): void {
  let squares = 0;
  for (const { gradient } of parameters) {
    for (let i = 0; i < gradient.length; i++) squares += (gradient[i] as number) ** 2;
  }
  const norm = Math.sqrt(squares);
  if (!(norm > limit)) return;
  const factor = limit / norm;
  for (const { gradient } of parameters) {
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) * factor;
  }
}
