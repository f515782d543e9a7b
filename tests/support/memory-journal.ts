/**
 * A journal in memory with the semantics of the real one: all or nothing, versions and epoch checked, rows as JSON text.
 * Faults are injected by replacing `fault`: it may delay, throw before the write (surely lost) or after it (outcome unknown).
 */
import {
  type ActorRef,
  type Journal,
  JournalDeposed,
  type JournalEntry,
  JournalRejected,
  type Json,
  type Poison,
  type StoredActor,
  type Texts,
} from "../../src/actors/runtime/index.ts";
import { divide, join } from "../../src/store/divided-snapshot.ts";

interface Row {
  version: number;
  state: string;
  /** Whole, put together of what the real journal would hold. */
  snapshot: string;
  /** What it would keep apart. */
  lasting?: string;
  deadline: number | null;
  finished: boolean;
  updatedAt: number;
}

export interface LoggedTransition {
  readonly version: number;
  readonly event: Json;
  readonly from: string | null;
  readonly to: string;
}

export type Fault = (batch: readonly JournalEntry[], write: () => void) => void | Promise<void>;

export class MemoryJournal implements Journal, Texts {
  readonly rows = new Map<string, Row>();
  readonly log = new Map<string, LoggedTransition[]>();
  readonly texts = new Map<string, string>();
  readonly poison: Poison[] = [];
  commits = 0;
  deposed = false;
  fault: Fault | null = null;
  /** Loading fails while this is set. */
  down = false;

  async commit(batch: readonly JournalEntry[]): Promise<void> {
    // A real commit takes a turn of the event loop at least.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.down) throw new Error("the database does not answer");
    if (this.fault) await this.fault(batch, () => this.#write(batch));
    else this.#write(batch);
  }

  async load(ref: ActorRef): Promise<StoredActor | null> {
    await Promise.resolve();
    if (this.down) throw new Error("the database does not answer");
    const row = this.rows.get(`${ref.kind}/${ref.id}`);
    return row ? this.#stored(ref, row) : null;
  }

  async *loadLive(kind: string): AsyncIterable<readonly StoredActor[]> {
    const page: StoredActor[] = [];
    for (const [key, row] of this.rows) {
      if (row.finished || !key.startsWith(`${kind}/`)) continue;
      page.push(this.#stored({ kind, id: key.slice(kind.length + 1) }, row));
    }
    yield page;
  }

  async read(sha256: string): Promise<string | null> {
    await Promise.resolve();
    if (this.down) throw new Error("the database does not answer");
    return this.texts.get(sha256) ?? null;
  }

  async recordPoison(poison: Poison): Promise<void> {
    this.poison.push(poison);
  }

  #stored(ref: ActorRef, row: Row): StoredActor {
    const { version, state, deadline, finished, updatedAt } = row;
    return { ref, version, state, snapshot: JSON.parse(row.snapshot), deadline, finished, updatedAt };
  }

  #write(batch: readonly JournalEntry[]): void {
    if (this.deposed) throw new JournalDeposed("deposed");
    for (const { ref, expectedVersion } of batch) {
      const version = this.rows.get(`${ref.kind}/${ref.id}`)?.version ?? 0;
      if (version !== expectedVersion) throw new JournalRejected(`${ref.kind}/${ref.id} is at ${version}`, true);
    }
    this.commits += 1;
    for (const entry of batch) {
      const { ref, expectedVersion, event, from, to, deadline, finished, at, texts = [] } = entry;
      const key = `${ref.kind}/${ref.id}`;
      const version = expectedVersion + 1;
      for (const { sha256, content } of texts) this.texts.set(sha256, content);
      const divided = divide(entry);
      const lasting = divided.lasting ?? this.rows.get(key)?.lasting ?? "{}";
      const snapshot = JSON.stringify(join(JSON.parse(divided.snapshot ?? "null"), JSON.parse(lasting)));
      this.rows.set(key, { version, state: to, snapshot, lasting, deadline, finished, updatedAt: at });
      const logged = this.log.get(key) ?? [];
      logged.push({ version, event: JSON.parse(JSON.stringify(event)), from, to });
      this.log.set(key, logged);
    }
  }
}
