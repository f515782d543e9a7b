/**
 * The chain on disk: accounts as they are now, transactions as they happened. What is here is the truth, and the virtual machine
 * a copy of it: a transaction counts once its commit has returned, and only then is it answered.
 */
import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { decodeBase58, encodeBase58 } from "../../domain/base58.ts";
import { type Account, tokenStateOf } from "./account.ts";
import { lockLedger } from "./ledger-lock.ts";
import { type Found, LedgerQueries } from "./ledger-queries.ts";
import { createTables, type LedgerSync, openTables } from "./ledger-schema.ts";

export interface LedgerOptions {
  /** Made if it is not there. Null keeps everything in memory, for tests. */
  readonly directory: string | null;
  /** Default `full`. */
  readonly sync?: LedgerSync;
  /** How many transactions to keep, at about 5 KB each. The accounts are kept whatever becomes of their history. */
  readonly keep?: number;
}

/** A token transfer takes 4.6 KB with its logs and indexes: 100 MB at most, and some weeks of a laptop's jobs. */
const KEPT_TRANSACTIONS = 20_000;
/** Every commit takes one in and up to so many out: pruning never stands in the way of a transaction for long. */
const PRUNED_AT_ONCE = 16;

export interface Landed {
  readonly signature: string;
  readonly slot: number;
  /** Unix seconds. */
  readonly time: number;
  readonly raw: Uint8Array;
  /** JSON of the error, null for success. */
  readonly error: string | null;
  /** JSON of the meta data, as `getTransaction` shows it. */
  readonly meta: string;
  /** Every account it names. */
  readonly addresses: readonly Uint8Array[];
}

export interface Change {
  readonly address: Uint8Array;
  /** Null: the account is gone. */
  readonly account: Account | null;
}

/** Where time stood: `slot` began at `at` (Unix milliseconds). */
export interface ClockMark {
  readonly slot: number;
  readonly at: number;
}

export interface Birth {
  readonly mark: ClockMark;
  readonly accounts: readonly Change[];
}

export class Ledger {
  /** Named on the chain for all to see. */
  readonly genesisHash: string;
  /** Known to nobody else: who has it can tell the blockhashes to come. */
  readonly seed: string;
  readonly queries: LedgerQueries;
  readonly #database: Database;
  readonly #keep: number;
  readonly #release: () => void;
  #seq: number;

  /**
   * @param birth what a new ledger begins with
   * @throws LocalChainError `ledger_in_use`, `ledger_format`, `ledger_unreadable`
   */
  static open(options: LedgerOptions, birth: () => Birth): Ledger {
    const { directory } = options;
    if (directory === null) return new Ledger(null, options, birth, () => {});
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = lockLedger(join(directory, "ledger.lock"));
    try {
      return new Ledger(join(directory, "ledger.sqlite"), options, birth, lock.release);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(
    file: string | null,
    { sync = "full", keep = KEPT_TRANSACTIONS }: LedgerOptions,
    birth: () => Birth,
    release: () => void,
  ) {
    const { database, isNew } = openTables(file, sync);
    this.#database = database;
    this.#keep = keep;
    this.#release = release;
    if (isNew) this.#begin(birth());
    this.queries = new LedgerQueries(database);
    this.genesisHash = this.#setting("genesis_hash");
    this.seed = this.#setting("seed");
    this.#seq = this.queries.lastSeq();
  }

  #begin({ mark, accounts }: Birth): void {
    this.#atomically(() => {
      createTables(this.#database);
      this.#set("genesis_hash", encodeBase58(randomBytes(32)));
      this.#set("seed", randomBytes(32).toString("hex"));
      this.#setMark(mark);
      for (const change of accounts) this.#put(change);
    });
  }

  /** How many transactions there have been, those that were pruned included. */
  get transactionCount(): number {
    return this.#seq;
  }

  get mark(): ClockMark {
    return { slot: Number(this.#setting("slot")), at: Number(this.#setting("slot_at")) };
  }

  /** Executable accounts come last, as the virtual machine needs them. */
  accounts(): IterableIterator<Found> {
    return this.queries.accounts();
  }

  /**
   * Durable when it returns, all or nothing.
   * @param prunable transactions below this slot may be forgotten: no blockhash of theirs is alive, so none can come again
   */
  commit(landed: Landed, changes: readonly Change[], prunable: number): void {
    const seq = this.#seq + 1;
    this.#atomically(() => {
      for (const change of changes) this.#put(change);
      this.#add(seq, landed);
      this.#prune(seq - this.#keep, prunable);
    });
    this.#seq = seq;
  }

  saveMark(mark: ClockMark): void {
    this.#atomically(() => this.#setMark(mark));
  }

  close(): void {
    this.#database.close();
    this.#release();
  }

  #add(seq: number, { signature, slot, time, error, raw, meta, addresses }: Landed): void {
    this.#database
      .query("insert into transactions (seq, signature, slot, time, error, raw, meta) values (?, ?, ?, ?, ?, ?, ?)")
      .run(seq, decodeBase58(signature), slot, time, error, raw, meta);
    const index = this.#database.query("insert or ignore into signatures_by_address (address, seq) values (?, ?)");
    for (const address of addresses) index.run(address, seq);
  }

  #put({ address, account }: Change): void {
    if (account === null) {
      this.#database.query("delete from accounts where address = ?").run(address);
      return;
    }
    const tokens = tokenStateOf(account);
    this.#database
      .query(
        "insert or replace into accounts (address, owner, lamports, executable, data, holder) values (?, ?, ?, ?, ?, ?)",
      )
      .run(
        address,
        account.owner,
        account.lamports.toString(),
        account.executable ? 1 : 0,
        account.data,
        tokens?.kind === "account" ? tokens.holder : null,
      );
  }

  #prune(upTo: number, belowSlot: number): void {
    const gone = this.#database
      .query<{ seq: number }, [number, number, number]>(
        "select seq from transactions where seq <= ? and slot < ? order by seq limit ?",
      )
      .all(upTo, belowSlot, PRUNED_AT_ONCE);
    const last = gone.at(-1)?.seq;
    if (last === undefined) return;
    this.#database.query("delete from transactions where seq <= ?").run(last);
    this.#database.query("delete from signatures_by_address where seq <= ?").run(last);
  }

  #setMark({ slot, at }: ClockMark): void {
    this.#set("slot", String(slot));
    this.#set("slot_at", String(at));
  }

  #set(key: string, value: string): void {
    this.#database.query("insert or replace into chain (key, value) values (?, ?)").run(key, value);
  }

  #setting(key: string): string {
    return (
      this.#database.query<{ value: string }, [string]>("select value from chain where key = ?").get(key)?.value ?? ""
    );
  }

  #atomically(work: () => void): void {
    this.#database.run("begin immediate");
    try {
      work();
      this.#database.run("commit");
    } catch (error) {
      // A full disk may have ended the transaction already; there is nothing to roll back then.
      if (this.#database.inTransaction) this.#database.run("rollback");
      throw error;
    }
  }
}
