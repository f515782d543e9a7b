/** The configuration: read once at start-up, checked whole, handed down as plain readonly values. */
export { type Environment, variableOf } from "./environment.ts";
export type { Config, KeyName } from "./keys.ts";
export { allKeys } from "./keys.ts";
export { hostSurroundings, type Surroundings } from "./kinds.ts";
export { type ConfigSources, type LoadedConfig, loadConfig } from "./load.ts";
export { type Address, formatAddress, isLoopback, parseAddress } from "./network-kinds.ts";
export { describeOrigin, type Origin } from "./origin.ts";
export { ConfigError } from "./problems.ts";
export { renderReference } from "./reference.ts";
export { renderEffective } from "./render.ts";
