/**
 * The numbers that stand for reasons in `JobStatus.error.code`. Closed lists, kept by the compiler; docs/rest-api.md has them
 * as a table. The original knew only 1, and its clients look at none of them: a number, once given, keeps its meaning.
 */
import type { FailureCode } from "../actors/job/state.ts";
import type { NodeReason, WaitReason } from "../actors/scheduler/explanation.ts";

/** A job that ended before reasons were kept, by whatever it was. */
export const UNTOLD = 1;
export const CANCELLED = 2;

export const FAILURE_CODES: Readonly<Record<FailureCode, number>> = {
  funds_timeout: 10,
  queue_timeout: 11,
  retries_exhausted: 12,
  invalid_job: 13,
  run_timeout: 14,
  no_report: 15,
  lost_too_often: 16,
  max_duration: 17,
  text_missing: 18,
};

/** Of a job that waits. It may yet complete: a client that takes these for failures looks at the wrong field. */
export const WAIT_CODES: Readonly<Record<WaitReason, number>> = {
  awaiting_funds: 100,
  retry_backoff: 101,
  placing: 102,
  queued_behind_others: 103,
  paused: 104,
  owner_limit: 105,
  no_capacity: 106,
  no_matching_node: 107,
  gang_incomplete: 108,
  no_nodes: 109,
  quarantined: 110,
  node_silent: 111,
  nodes_unavailable: 112,
};

export const WAIT_REASONS = Object.keys(WAIT_CODES) as readonly WaitReason[];

/** How each reason against a node is told in a table. */
export const NODE_REASONS: Readonly<Record<NodeReason, string>> = {
  device: "no device of that kind",
  ram: "too little RAM",
  vram: "too little GPU memory",
  region: "in another region",
  format: "does not support the model format",
  runtime: "does not have the runtime",
  reputation: "reputation below the floor",
  stake: "stake below the floor",
  price: "price above the ceiling",
  offline: "offline",
  suspect: "gone silent",
  banned: "banned",
  cordoned: "cordoned",
  draining: "draining or drained",
  set_aside: "set aside after failures",
  reserved: "held for a reservation",
  uncallable: "cannot be called",
  excluded: "tried with this job a short while ago",
  kept: "kept for a job that waits longer",
  full: "all slots taken",
  ram_in_use: "RAM in use",
  vram_in_use: "GPU memory in use",
};

/** The number of a stored reason: a failure's code, "cancelled", or nothing we know. */
export function codeOfEnd(reason: string | null): number {
  if (reason === "cancelled") return CANCELLED;
  return Object.hasOwn(FAILURE_CODES, reason ?? "") ? FAILURE_CODES[reason as FailureCode] : UNTOLD;
}
