/**
 * What the actor runtime needs from the world. Everything non-deterministic comes in through these ports, so that a
 * simulator can run the whole server in one process from a seed.
 */

/** Milliseconds since the Unix epoch (a point in time) or a length of time in milliseconds. */
export type Millis = number;

/** Names one actor: its kind ("job", "node", ...) and its id within that kind. */
export interface ActorRef {
  readonly kind: string;
  readonly id: string;
}

export interface Clock {
  /** Wall clock, for what is stored and shown. */
  now(): Millis;
  /** Runs `callback` once after `delay`; the returned function cancels it. */
  after(delay: Millis, callback: () => void): () => void;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  uuid(): string;
}

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Log;
}
export type LogFields = Readonly<Record<string, unknown>>;

/** Plain data that survives JSON.parse(JSON.stringify(x)) unchanged. Money travels as a decimal string. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One transition, ready to be made durable. */
export interface JournalEntry {
  readonly ref: ActorRef;
  /** The version of the row this transition was computed from; 0 creates the actor. The new version is one more. */
  readonly expectedVersion: number;
  /** The event, whole, so that the log replayed gives the rows (I9). For a creation: `{ type: "created", input }`. */
  readonly event: Json;
  /** Dotted state names for people and queries, e.g. "assigned.offering"; `from` is null for a creation. */
  readonly from: string | null;
  readonly to: string;
  /** XState's persisted snapshot, opaque to the journal but for what `lasting` says. */
  readonly snapshot: Json;
  /**
   * Fields of the snapshot's context that an actor gets when it is made and seldom or never again. Absent: none are known.
   * `isKept`: they are as this process last wrote them, at `expectedVersion`.
   */
  readonly lasting?: { readonly names: readonly string[]; readonly isKept: boolean };
  /** When the runtime owes this actor a DEADLINE event; null for none. */
  readonly deadline: Millis | null;
  /** True once the actor has reached a final state: it is not loaded at start-up any more. */
  readonly finished: boolean;
  readonly at: Millis;
  /** This actor's row in its own table (jobs, nodes, ...), as its kind maps it; null when the kind has no table. */
  readonly row: Readonly<Record<string, unknown>> | null;
  /**
   * What `row` was when this process last committed the actor, at `expectedVersion`. Null or absent when it has not, since it
   * read the actor: the table may then hold what another build wrote, or a person.
   */
  readonly rowBefore?: Readonly<Record<string, unknown>> | null;
  /**
   * Of a creation: texts that event, snapshot and row only refer to. They are written in the same transaction, so no actor is
   * ever there without them. Absent: none.
   */
  readonly texts?: readonly Text[];
}

/** A text under the hash of its content (hex of SHA-256): equal texts of a thousand actors are stored once. */
export interface Text {
  readonly sha256: string;
  readonly content: string;
}

/** An actor as it stands in the journal. */
export interface StoredActor {
  readonly ref: ActorRef;
  readonly version: number;
  readonly state: string;
  readonly snapshot: Json;
  readonly deadline: Millis | null;
  readonly finished: boolean;
  readonly updatedAt: Millis;
}

/**
 * The durable log. `commit` writes a batch in one transaction, all or nothing, fenced by the leader's epoch.
 * It throws, and then nothing or everything may have been written:
 *   - `JournalRejected`: surely nothing was written, and trying the same batch again cannot help (a bad row, a stale version).
 *   - `JournalDeposed`: surely nothing was written; another leader has taken over; this process must stop.
 *   - anything else: the outcome is unknown; read the rows before going on.
 */
export interface Journal {
  commit(batch: readonly JournalEntry[]): Promise<void>;
  load(ref: ActorRef): Promise<StoredActor | null>;
  /** Every actor of `kind` that has not finished, in pages, for recovery. */
  loadLive(kind: string): AsyncIterable<readonly StoredActor[]>;
  /** Keeps an event that made its actor throw, or a row that could not be loaded, for people to look at. */
  recordPoison(poison: Poison): Promise<void>;
}

/** Reads what was stored as `JournalEntry.texts`. */
export interface Texts {
  /** Null when there is no such text: somebody has deleted it. Rejects when the database does not answer. */
  read(sha256: string): Promise<string | null>;
  /** It is about to be stored, and may be asked for soon. Whether it ever is stored does not matter: the hash says what it is. */
  keep?(text: Text): void;
}

export interface Poison {
  readonly ref: ActorRef;
  readonly event: Json;
  readonly error: string;
  readonly at: Millis;
}

/** A batch that can never be written. `refs` names the culprits where the journal knows them. */
export class JournalRejected extends Error {
  override readonly name = "JournalRejected";
  constructor(
    message: string,
    /** True when a row was not at its expected version: somebody else wrote it, or this process is behind. */
    readonly stale: boolean,
  ) {
    super(message);
  }
}

/** Another leader holds a newer epoch. Nothing this process computes can be stored any more. */
export class JournalDeposed extends Error {
  override readonly name = "JournalDeposed";
}
