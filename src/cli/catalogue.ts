/** The commands, in the order of the help. Each is loaded when it is used, so that a small one starts fast. */
import type { Command } from "./command.ts";

export interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const entry = (name: string, summary: string, load: () => Promise<{ readonly command: Command }>): Entry => ({
  name,
  summary,
  load: async () => (await load()).command,
});

export const catalogue: readonly Entry[] = [
  entry("up", "start everything on this machine and train a sample", () => import("./commands/up.ts")),
  entry("serve", "run the server", () => import("./commands/serve.ts")),
  entry("node", "run a compute node", () => import("./commands/node.ts")),
  entry("submit", "send a job", () => import("./commands/submit.ts")),
  entry("watch", "follow a job to its end", () => import("./commands/watch.ts")),
  entry("status", "show a job as it stands", () => import("./commands/status.ts")),
  entry("explain", "say why a job waits, and what would help", () => import("./commands/explain.ts")),
  entry("plan", "say what a job would cost and when it would start", () => import("./commands/plan.ts")),
  entry("wallet", "show, fill and open the wallet that pays for jobs", () => import("./commands/wallet.ts")),
  entry(
    "payment",
    "show where a job's money is, and have a failed payment go on",
    () => import("./commands/payment.ts"),
  ),
  entry("cancel", "cancel a job", () => import("./commands/cancel.ts")),
  entry("delete", "forget a job that has ended", () => import("./commands/delete.ts")),
  entry("jobs", "list jobs, newest first", () => import("./commands/jobs.ts")),
  entry("nodes", "list compute nodes", () => import("./commands/nodes.ts")),
  entry("cordon", "give a node nothing new", () => import("./commands/cordon.ts")),
  entry("drain", "empty a node, by a deadline or in its own time", () => import("./commands/drain.ts")),
  entry("uncordon", "put a cordoned or drained node back into service", () => import("./commands/uncordon.ts")),
  entry("ban", "keep a node out of service", () => import("./commands/ban.ts")),
  entry("unban", "lift a node's ban", () => import("./commands/unban.ts")),
  entry("pause", "stop offering jobs to nodes", () => import("./commands/pause.ts")),
  entry("resume", "offer jobs to nodes again", () => import("./commands/resume.ts")),
  entry("backup", "write everything the database holds into a file", () => import("./commands/backup.ts")),
  entry("restore", "make the database what a backup says", () => import("./commands/restore.ts")),
  entry("config", "check or show the configuration", () => import("./commands/config.ts")),
  entry("version", "show the version", () => import("./commands/version.ts")),
];

/** Other names of commands; the help lists the first ones only. */
export const aliases: Readonly<Record<string, string>> = { undrain: "uncordon" };
