/**
 * The database as the servers share it: rows, the log, and the epoch of the leader. A batch is written whole or not at all,
 * after the fence and every version have been checked, as the real journal's transaction does (src/store/journal.ts).
 */
import {
  type ActorRef,
  JournalDeposed,
  type JournalEntry,
  JournalRejected,
  type Json,
  type StoredActor,
} from "../../src/actors/runtime/index.ts";
import { type DividedSnapshot, divide, join } from "../../src/store/divided-snapshot.ts";

/**
 * For the simulator's own tests: each takes away one thing that the promises rest on.
 *   answers-before-it-writes  the writer is told "committed" when its batch has only been sent
 *   no-version-check          nor is what a broken connection had begun ended before the next is used: each of the two alone
 *                             catches what the other lets by
 *   no-fence                  a server that no longer leads may write
 */
const SABOTAGES = ["answers-before-it-writes", "no-version-check", "no-fence"] as const;
export type Sabotage = (typeof SABOTAGES)[number];
export const isSabotage = (name: string): name is Sabotage => (SABOTAGES as readonly string[]).includes(name);

export interface Row {
  readonly version: number;
  readonly state: string;
  /** As text, so that nothing can be changed behind the journal's back, and in two parts, as the real one (see `wholeOf`). */
  readonly snapshot: string;
  readonly lasting: string;
  readonly deadline: number | null;
  readonly finished: boolean;
  readonly updatedAt: number;
}

export interface Logged {
  readonly event: string;
  readonly to: string;
}

/** A batch on its way: everything in it is text already. */
export interface Frozen {
  readonly entry: JournalEntry;
  readonly key: string;
  readonly event: string;
  readonly divided: DividedSnapshot;
}

export const keyOf = ({ kind, id }: ActorRef): string => `${kind}/${id}`;

export const freeze = (batch: readonly JournalEntry[]): readonly Frozen[] =>
  batch.map((entry) => ({
    entry,
    key: keyOf(entry.ref),
    event: JSON.stringify(entry.event),
    divided: divide(entry),
  }));

export class Store {
  readonly rows = new Map<string, Row>();
  /** By actor; the n-th entry led to version n + 1. */
  readonly log = new Map<string, Logged[]>();
  readonly texts = new Map<string, string>();
  readonly poison: string[] = [];
  /** Of the actors that have not finished. */
  readonly #live = new Set<string>();
  epoch = 0;
  commits = 0;

  constructor(
    private readonly sabotage: Sabotage | null,
    /** Told of every entry after it has been written, with the epoch of its writer. */
    private readonly onWritten: (entry: JournalEntry, epoch: number) => void,
  ) {}

  /** From now on nobody else's commits are taken. */
  lead(): number {
    this.epoch += 1;
    return this.epoch;
  }

  write(batch: readonly Frozen[], epoch: number): void {
    if (epoch !== this.epoch && this.sabotage !== "no-fence") throw new JournalDeposed(`${this.epoch} leads`);
    const stale = batch.find(({ key, entry }) => (this.rows.get(key)?.version ?? 0) !== entry.expectedVersion);
    if (stale && this.sabotage !== "no-version-check") {
      throw new JournalRejected(`${stale.key} is at ${this.rows.get(stale.key)?.version ?? 0}`, true);
    }
    if (new Set(batch.map(({ key }) => key)).size < batch.length) {
      throw new JournalRejected("a batch may hold one transition of an actor, not two", false);
    }
    this.commits += 1;
    for (const one of batch) this.#put(one, epoch);
  }

  read(ref: ActorRef): StoredActor | null {
    const row = this.rows.get(keyOf(ref));
    return row ? stored(ref, row) : null;
  }

  live(kind: string): readonly StoredActor[] {
    const found: StoredActor[] = [];
    for (const key of this.#live) {
      const row = this.rows.get(key);
      if (row && key.startsWith(`${kind}/`)) found.push(stored({ kind, id: key.slice(kind.length + 1) }, row));
    }
    return found;
  }

  /** Jobs and payments that must end one day. */
  get unfinished(): readonly string[] {
    return [...this.#live].filter((key) => key.startsWith("job/") || key.startsWith("payment/"));
  }

  get unfinishedJobs(): readonly string[] {
    return [...this.#live].filter((key) => key.startsWith("job/"));
  }

  /** The events that led to the row, for replaying them. */
  eventsOf(key: string): readonly Json[] {
    return (this.log.get(key) ?? []).map(({ event }) => JSON.parse(event) as Json);
  }

  #put({ entry, key, event, divided }: Frozen, epoch: number): void {
    const { expectedVersion, to, deadline, finished, at, texts = [] } = entry;
    for (const { sha256, content } of texts) this.texts.set(sha256, content);
    const snapshot = divided.snapshot ?? "null";
    const lasting = divided.lasting ?? this.rows.get(key)?.lasting ?? "{}";
    this.rows.set(key, {
      version: expectedVersion + 1,
      state: to,
      snapshot,
      lasting,
      deadline,
      finished,
      updatedAt: at,
    });
    if (finished) this.#live.delete(key);
    else this.#live.add(key);
    const logged = this.log.get(key);
    if (logged) logged.push({ event, to });
    else this.log.set(key, [{ event, to }]);
    this.onWritten(entry, epoch);
  }
}

export const wholeOf = ({ snapshot, lasting }: Row): Json => join(JSON.parse(snapshot), JSON.parse(lasting));

function stored(ref: ActorRef, row: Row): StoredActor {
  const { version, state, deadline, finished, updatedAt } = row;
  return { ref, version, state, snapshot: wholeOf(row), deadline, finished, updatedAt };
}
