import type { Millis } from "../actors/runtime/index.ts";

/** An hour is made up for in ten, and a timeout of thirty seconds takes 27 to 33 meanwhile: nobody's patience is off by more. */
const steepest = 0.1;

/**
 * The wall clock without its jumps. Deadlines and signs of life are compared with it, so a step (an operator, NTP after a boot
 * with a wrong clock, a virtual machine that is resumed) would end every lease at once, or keep a dead node alive for an hour.
 *
 * It goes on with the monotonic clock and leans towards the wall clock, by a tenth of the time that passes at most. Hence it
 * never goes back, and a difference as small as NTP's own corrections is gone with the next reading.
 */
export function steadyTime(wall: () => number, monotonic: () => number): () => Millis {
  let now = wall();
  let readAt = monotonic();
  return () => {
    const at = monotonic();
    const passed = at - readAt;
    readAt = at;
    const off = wall() - (now + passed);
    const leaning = Math.max(-steepest * passed, Math.min(steepest * passed, off));
    now += passed + leaning;
    return Math.floor(now);
  };
}
