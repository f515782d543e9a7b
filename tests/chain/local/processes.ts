/** Starts the chain as a process, from source or compiled, and ends it. */
import { join } from "node:path";
import { cleanUp } from "../../support/cleanup.ts";

export interface ChainProcess {
  readonly url: string;
  readonly wsUrl: string;
  readonly mint: string;
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

/** @param command what to run before the arguments; default: from source */
export async function startChain(directory: string, command?: readonly string[]): Promise<ChainProcess> {
  const program = command ?? [process.execPath, join(import.meta.dir, "chain-process.ts")];
  const child = Bun.spawn([...program, directory], { stdout: "pipe", stderr: "inherit", cwd: directory });
  cleanUp(() => child.kill("SIGKILL"));
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the chain's process ended with ${await child.exited}: ${text}`);
    text += new TextDecoder().decode(value);
  }
  const told = JSON.parse(text) as Pick<ChainProcess, "url" | "wsUrl" | "mint">;
  return {
    ...told,
    async kill(signal) {
      child.kill(signal);
      await child.exited;
    },
  };
}
