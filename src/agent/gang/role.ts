/** What the central server tells each member of a gang, in the hyperparameters of AssignJob. docs/gangs.md lists them. */
import { GANG_LIMIT } from "../../domain/job-spec.ts";
import { type JobSpec, TrainingError } from "../training/index.ts";

export interface GangRole {
  /** 0 averages, validates, reports, and keeps the result. */
  readonly rank: number;
  readonly size: number;
  /** "host:port" of rank 0's node, where it serves AssignJob. */
  readonly rendezvous: string;
  /** Hex; the same for all members of this attempt and known to nobody else. */
  readonly key: string;
}

/**
 * Null for a job on one node.
 * @throws TrainingError "invalid_job" for a job that no member of a gang can run, naming what is wrong
 */
export function gangRoleOf({ kind, hyperparameters }: Pick<JobSpec, "kind" | "hyperparameters">): GangRole | null {
  const size = whole(hyperparameters, "cyxwiz.gang.size", 1, GANG_LIMIT, "1");
  if (size === 1) return null;
  if (kind !== "training") {
    throw refused(
      "cyxwiz.gang.size",
      `${size} is not possible for a job of type ${kind}: only training runs on a gang`,
    );
  }
  const rank = whole(hyperparameters, "cyxwiz.gang.rank", 0, size - 1);
  const rendezvous = told(hyperparameters, "cyxwiz.gang.rendezvous");
  const port = Number(/^(?:\[[\da-f:.%a-z]+\]|[^\s:/]+):(\d{1,5})$/i.exec(rendezvous)?.[1] ?? 0);
  if (port < 1 || port > 65_535) {
    throw refused("cyxwiz.gang.rendezvous", `${JSON.stringify(rendezvous.slice(0, 80))} is not host:port`);
  }
  const key = told(hyperparameters, "cyxwiz.gang.key").toLowerCase();
  // The key itself is a secret, and an error message travels far.
  if (!/^([\da-f]{2}){16,64}$/.test(key)) throw refused("cyxwiz.gang.key", "is not 16 to 64 bytes in hex");
  return { rank, size, rendezvous, key };
}

function whole(map: JobSpec["hyperparameters"], name: string, min: number, max: number, preset?: string): number {
  const text = (preset === undefined ? told(map, name) : (map[name] ?? preset)).trim();
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < min || value > max) {
    throw refused(
      name,
      `${JSON.stringify(text.slice(0, 40))} is not allowed; use a whole number from ${min} to ${max}`,
    );
  }
  return value;
}

function told(map: JobSpec["hyperparameters"], name: string): string {
  const value = map[name]?.trim();
  if (value) return value;
  throw refused(name, "is missing: the server tells it to each member of a gang, and this one seems to form none");
}

const refused = (name: string, what: string): TrainingError =>
  new TrainingError("invalid_job", `hyperparameters["${name}"]: ${what}`);
