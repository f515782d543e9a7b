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
  entry("cancel", "cancel a job", () => import("./commands/cancel.ts")),
  entry("delete", "forget a job that has ended", () => import("./commands/delete.ts")),
  entry("jobs", "list jobs, newest first", () => import("./commands/jobs.ts")),
  entry("nodes", "list compute nodes", () => import("./commands/nodes.ts")),
  entry("config", "check or show the configuration", () => import("./commands/config.ts")),
  entry("version", "show the version", () => import("./commands/version.ts")),
];
