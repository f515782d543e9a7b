/** What the server shows of itself. */
export { armFailpoints } from "./failpoints.ts";
export { createLog, type LogLevel, type LogOptions } from "./log.ts";
export { systemClock, systemRandom, wallTime } from "./system.ts";
