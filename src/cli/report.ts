/** The last words of a command that failed: one sentence of what went wrong, one of what to do. Does not throw. */
import { ConfigError } from "../config/index.ts";
import { CliError } from "./errors.ts";
import { Exit, type ExitCode } from "./exit-codes.ts";
import { safeLines } from "./text/safe.ts";
import { styleFor } from "./text/style.ts";
import type { World } from "./world.ts";

/** Errors of other parts whose message is written for people and says what to do. */
const speakForThemselves = new Set(["StoreError", "AgentError", "NodeError"]);

export function reportFailure(error: unknown, world: World): ExitCode {
  const { stderr } = world;
  const style = styleFor(stderr, world.environment);
  const say = (message: string, hint: string | null): void => {
    stderr.write(`${style.bad("error:")} ${safeLines(message)}\n`);
    if (hint !== null) stderr.write(`${safeLines(hint)}\n`);
  };
  if (error instanceof CliError) {
    say(error.message, error.hint);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    say(error.message, null);
    return Exit.usage;
  }
  if (error instanceof Error && speakForThemselves.has(error.name)) {
    say(error.message, null);
    return Exit.failure;
  }
  // Anything else is a mistake of ours: whoever reports it needs the place.
  say(
    error instanceof Error ? (error.stack ?? error.message) : String(error),
    "This should not have happened. Please report it.",
  );
  return Exit.failure;
}
