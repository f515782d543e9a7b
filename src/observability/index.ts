/** What the server shows of itself. */
export { createLog, type LogLevel, type LogOptions } from "./log.ts";
export { systemClock, systemRandom, wallTime } from "./system.ts";
