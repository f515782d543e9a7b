/** Ctrl-C and its kin: the first asks for a graceful stop, the next ends the process at once. */
import { type ExitCode, exitCodeOf, type StopSignal } from "./exit-codes.ts";
import type { World } from "./world.ts";

/**
 * One press of Ctrl-C can arrive several times: the terminal signals the whole group, and npm and scripts/run.mjs pass
 * theirs on as well. What comes this soon after the first is taken for the same press.
 */
const samePress = 1000;

export interface Interrupt {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** How a program that was ended by that signal ends; null while there was none. */
  readonly exitCode: () => ExitCode | null;
  /** Resolves with the first signal. */
  readonly happened: Promise<StopSignal>;
  /** Stops listening. */
  readonly end: () => void;
}

export function listenForInterrupt(world: World, onForced: () => void = () => {}): Interrupt {
  const stop = new AbortController();
  const happened = Promise.withResolvers<StopSignal>();
  let first: { readonly name: StopSignal; readonly at: number } | null = null;
  const end = world.onSignal((name) => {
    if (first === null) {
      first = { name, at: world.clock.now() };
      happened.resolve(name);
      stop.abort();
      return;
    }
    if (world.clock.now() - first.at < samePress) return;
    onForced();
    world.exit(exitCodeOf(name));
  });
  return {
    signal: stop.signal,
    happened: happened.promise,
    end,
    exitCode: () => (first === null ? null : exitCodeOf(first.name)),
  };
}
