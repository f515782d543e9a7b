/**
 * Holds what clients saw, what nodes did and what the database has against the promises I1, I2, I3, I5 and I9. Pure.
 *
 * It trusts no one's word alone. What was acknowledged is looked for in the log; what the log says is recomputed with the
 * machines; and what ran where is the nodes' own account, since a server that believes a run over does not make it so.
 */
import { checkClients } from "./check-clients.ts";
import { checkLog } from "./check-log.ts";
import { checkRuns } from "./check-runs.ts";
import type { Evidence } from "./evidence.ts";
import { replayAll } from "./replayed.ts";

export type Promised = "I1" | "I2" | "I3" | "I5" | "I9";

export interface Fault {
  readonly promise: Promised;
  readonly what: string;
}

export function check(evidence: Evidence): readonly Fault[] {
  const lives = replayAll(evidence.transitions);
  return [...checkClients(evidence, lives), ...checkRuns(evidence, lives), ...checkLog(evidence, lives)];
}
