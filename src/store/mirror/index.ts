/** The Redis mirror: what the rest of the server may use of it. docs/redis.md says what it writes. */
import type { Random } from "../../actors/runtime/index.ts";
import { parseRedisUrl } from "./address.ts";
import { type Mirror, type MirrorOptions, RedisMirror } from "./mirror.ts";

export type { Mirror, MirrorHealth, MirrorState } from "./mirror.ts";

export interface CreateMirrorOptions extends Omit<MirrorOptions, "address" | "keyPrefix" | "random" | "epoch"> {
  /** `redis[s]://[user:password@]host[:port][/database]`; undefined: no mirror. */
  readonly url: string | undefined;
  /** Default "cyxwiz:". Two servers that share a Redis need two of them. */
  readonly keyPrefix?: string;
  /** The leader's epoch: readers see in `mirror:generation` who filled it. */
  readonly epoch?: bigint;
  readonly random?: Random;
}

/**
 * Makes the mirror; `start` connects it.
 * @throws StoreError "invalid_url"
 */
export function createMirror(options: CreateMirrorOptions): Mirror {
  const { url, keyPrefix = "cyxwiz:", epoch = 0n, random = systemRandom, ...rest } = options;
  if (url === undefined) return noMirror;
  return new RedisMirror({ ...rest, keyPrefix, epoch, random, address: parseRedisUrl(url) });
}

const systemRandom: Random = { next: () => Math.random(), uuid: () => crypto.randomUUID() };

const noMirror: Mirror = {
  state: "off",
  waiting: 0,
  health: () => ({ state: "off", latencyMs: null, lag: null, lastFilledAt: null, error: null }),
  ping: () => Promise.resolve(false),
  start: () => {},
  stop: () => Promise.resolve(),
};
