/** The real clock and randomness behind the actors' ports. */
import type { Clock, Millis, Random } from "../actors/runtime/index.ts";
import { steadyTime } from "./steady-time.ts";

/** setTimeout fires at once for delays above 2^31 - 1 ms; longer ones are slept in pieces. */
const longestTimer: Millis = 2_147_483_647;

export const systemClock: Clock = {
  now: steadyTime(Date.now, () => performance.now()),
  after(delay, callback) {
    let timer: ReturnType<typeof setTimeout>;
    const sleep = (left: Millis): void => {
      const nap = Math.min(left, longestTimer);
      timer = setTimeout(() => (left > nap ? sleep(left - nap) : callback()), nap);
    };
    sleep(Math.max(0, delay));
    return () => clearTimeout(timer);
  },
};

/** For what others compare with clocks of their own, such as the expiry of a token. */
export const wallTime = (): Millis => Date.now();

export const systemRandom: Random = {
  next: () => Math.random(),
  uuid: () => crypto.randomUUID(),
};
