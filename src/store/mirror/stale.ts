/**
 * Finds what an earlier filling left behind: keys and members of jobs that ended, and of nodes that went, while nobody
 * wrote. Walks the keyspace in small steps (SCAN), so that Redis stays responsive, and names only what is ours.
 *
 * A key that expires is left alone: only finished jobs have an expiry, what they say stays true, and they go by themselves.
 */
import type { Command, Stale } from "./commands.ts";
import type { MirrorKeys } from "./keys.ts";

/** Keys looked at in one step: about a millisecond of Redis's time. */
const STEP = "1000";

export interface StaleFinder {
  readonly keys: MirrorKeys;
  ask(commands: readonly Command[]): Promise<readonly unknown[]>;
  isLive(kind: "job" | "node", id: string): boolean;
}

/** Yields what should go, a step at a time. Whoever consumes it removes each step before asking for the next one. */
export async function* findStale(finder: StaleFinder): AsyncGenerator<Stale> {
  const { keys, ask } = finder;
  const wrong = await ofWrongType(finder);
  if (wrong.length > 0) yield { keys: wrong, jobs: [], nodes: [] };
  for await (const page of scan(ask, (cursor) => ["scan", cursor, "MATCH", keys.pattern, "COUNT", STEP])) {
    yield { keys: await staleKeys(finder, page), jobs: [], nodes: [] };
  }
  const gone = (kind: "job" | "node", ids: readonly string[]) => ids.filter((id) => !finder.isLive(kind, id));
  for await (const page of scan(ask, (cursor) => ["zscan", keys.queue, cursor, "COUNT", STEP])) {
    yield { keys: [], jobs: gone("job", everyOther(page)), nodes: [] };
  }
  for await (const page of scan(ask, (cursor) => ["hscan", keys.assignments, cursor, "COUNT", STEP])) {
    yield { keys: [], jobs: gone("job", everyOther(page)), nodes: [] };
  }
  for await (const page of scan(ask, (cursor) => ["sscan", keys.online, cursor, "COUNT", STEP])) {
    yield { keys: [], jobs: [], nodes: gone("node", page) };
  }
}

/** The collections, where something else stands in their place; the original kept `job_queue` as a list. */
async function ofWrongType({ keys, ask }: StaleFinder): Promise<string[]> {
  const expected = { [keys.queue]: "zset", [keys.online]: "set", [keys.assignments]: "hash", [keys.changes]: "stream" };
  const names = Object.keys(expected);
  const types = await ask(names.map((name): Command => ["type", name]));
  return names.filter((name, index) => types[index] !== "none" && types[index] !== expected[name]);
}

async function staleKeys({ keys, ask, isLive }: StaleFinder, page: readonly string[]): Promise<string[]> {
  const candidates = page.filter((key) => {
    const actor = keys.actorOf(key);
    return actor !== null && !isLive(actor.kind, actor.id);
  });
  if (candidates.length === 0) return [];
  const lifetimes = await ask(candidates.map((key): Command => ["pttl", key]));
  return candidates.filter((_, index) => lifetimes[index] === -1);
}

async function* scan(ask: StaleFinder["ask"], step: (cursor: string) => Command): AsyncGenerator<readonly string[]> {
  let cursor = "0";
  do {
    const [reply] = await ask([step(cursor)]);
    const [next, page] = reply as [string, string[]];
    cursor = next;
    yield page;
  } while (cursor !== "0");
}

/** ZSCAN and HSCAN answer with member, value, member, value, ... */
const everyOther = (page: readonly string[]): string[] => page.filter((_, index) => index % 2 === 0);
