/** The limits that hold for each caller, shared by gRPC and REST: it makes no difference by which door somebody comes. */
import type { Millis } from "../actors/runtime/index.ts";
import { RateLimit } from "./rate-limit.ts";
import { StreamLimit } from "./stream-limit.ts";

export interface CallerLimits {
  readonly requests: RateLimit;
  /** Of registered nodes, by node. */
  readonly reports: RateLimit;
  readonly streams: StreamLimit;
}

export interface CallerLimitsOptions {
  readonly requestsPerSecond: number;
  readonly reportsPerSecond: number;
  readonly maxStreamsPerCaller: number;
}

export const callerLimits = (options: CallerLimitsOptions, now: () => Millis): CallerLimits => ({
  requests: new RateLimit({ perSecond: options.requestsPerSecond, setting: "requests_per_second", now }),
  reports: new RateLimit({ perSecond: options.reportsPerSecond, setting: "reports_per_second", now }),
  streams: new StreamLimit(options.maxStreamsPerCaller),
});

export type Known = { readonly as: "user" | "operator"; readonly name: string };

/**
 * Under which name a caller's share is kept. Whoever is known is one wherever they call from; only a token that was checked
 * makes one known, or a forged one would open a fresh share, or use up somebody else's.
 */
export const shareOf = (known: Known | null, address: string): string =>
  known === null ? `address ${address}` : `${known.as} ${known.name}`;
