/** What the REST side needs of the server, and what a request carries through it. */
import type { Context } from "hono";
import type { Core } from "../../actors/core.ts";
import type { Clock, Log, Millis } from "../../actors/runtime/index.ts";
import type { Queries } from "../../store/queries/index.ts";
import type { CallerLimits } from "../caller-limits.ts";
import type { SubmissionRules } from "../grpc/submission.ts";
import type { WaitingReasons } from "../waiting-reasons.ts";
import type { Access } from "./access.ts";
import type { EventStreams } from "./events/streams.ts";

export interface RestDeps {
  readonly core: Core;
  readonly queries: Queries;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly startedAt: Millis;
  /** Whether PostgreSQL answers; never throws. */
  readonly database: { ping(): Promise<boolean> };
  /** The Redis mirror: "off" when none is configured, "filling" while it is rebuilt. Read at each request. */
  readonly mirror: { readonly state: "off" | "up" | "down" | "filling" };
  /** The chain connection; leave it out where there is none. "slow": it answers, but not in time. */
  readonly chain?: { readonly state: "off" | "up" | "slow" | "down" };
  /** What a wallet must know to pay for jobs; leave it out where no job is paid through escrow. */
  readonly blockchain?: BlockchainFacts;
  /** Who may do what. */
  readonly access: Access;
  /** By which a job is checked that is only planned. */
  readonly rules: SubmissionRules;
  readonly limits: {
    /** Largest request body, in bytes (`limits.max_message_bytes`). */
    readonly maxBodyBytes: number;
    /** Event streams open at one time; more are refused. */
    readonly maxEventStreams: number;
  };
  /** What one caller may ask; leave it out where nothing is counted. */
  readonly callers?: CallerLimits;
  /** How often a silent event stream says that it is alive. Default 15 s. */
  readonly heartbeatEvery?: Millis;
  /** How long a request may take until it is answered, or its stream opened. Default 30 s. */
  readonly requestTimeout?: Millis;
}

/** Addresses are base58. */
export interface BlockchainFacts {
  readonly network: string;
  readonly rpcUrl: string;
  readonly mint: string;
  /** Whom a wallet allows to take the price of its jobs. */
  readonly authority: string;
  readonly program: string;
  readonly treasury: string;
  readonly feeBps: number;
}

export interface RestEnv {
  readonly Bindings: {
    /** The caller's address, from the socket. */
    readonly address?: string | undefined;
  };
  readonly Variables: {
    /** Under which the caller's share of the server is kept. */
    share: string;
    requestId: string;
    /** Writes the request's id into each line. */
    log: Log;
  };
}

export type RestContext = Context<RestEnv>;

/** `RestDeps`, and what belongs to one running app. */
export interface RestServices extends RestDeps {
  readonly streams: EventStreams;
  readonly waiting: WaitingReasons;
}
