/** The durable actor runtime: what the rest of the server may use of it. */
export * from "./errors.ts";
export { FAILPOINTS, type FailpointName, Failpoints, failpoints, parseFailpoints } from "./failpoints.ts";
export type {
  ActorKind,
  Committed,
  CommittedChange,
  EffectCall,
  EffectHandler,
  EventOf,
  InputOf,
  Owed,
  Unstamped,
} from "./kind.ts";
export { dottedState, owedByMeta } from "./kind.ts";
export * from "./ports.ts";
export { replay } from "./replay.ts";
export { ActorSystem, type ActorSystemOptions, type Actors, type Created } from "./system.ts";
