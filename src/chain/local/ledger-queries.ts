/** What is read from the ledger. One prepared statement per question. */
import type { Database } from "bun:sqlite";
import { decodeBase58, encodeBase58 } from "../../domain/base58.ts";
import type { Account } from "./account.ts";

export interface StoredTransaction {
  readonly seq: number;
  readonly signature: string;
  readonly slot: number;
  readonly time: number;
  readonly error: string | null;
  readonly raw: Uint8Array;
  readonly meta: string;
}

export type SignatureRow = Pick<StoredTransaction, "signature" | "slot" | "time" | "error">;

export interface Found {
  readonly address: Uint8Array;
  readonly account: Account;
}

/** All that are given have to hold. */
export interface AccountFilter {
  readonly sizes: readonly number[];
  readonly contents: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

export interface SignatureRange {
  readonly limit: number;
  /** Only transactions of slots up to this one. */
  readonly upToSlot: number;
  /** Only older ones than this signature. */
  readonly before: string | null;
  /** Only newer ones than this signature. */
  readonly until: string | null;
}

interface AccountRow {
  readonly address: Uint8Array;
  readonly owner: Uint8Array;
  readonly lamports: string;
  readonly executable: number;
  readonly data: Uint8Array;
}
interface TransactionRow extends Omit<StoredTransaction, "signature"> {
  readonly signature: Uint8Array;
}

const accountColumns = "address, owner, lamports, executable, data";

export class LedgerQueries {
  constructor(private readonly database: Database) {}

  *accounts(): IterableIterator<Found> {
    const rows = this.database.query<AccountRow, []>(`select ${accountColumns} from accounts order by executable`);
    for (const row of rows.iterate()) yield foundOf(row);
  }

  /** Accounts of a program. */
  ofProgram(program: Uint8Array, { sizes, contents }: AccountFilter): readonly Found[] {
    const conditions = [...sizes.map(() => "length(data) = ?"), ...contents.map(() => "substr(data, ?, ?) = ?")];
    const values = [...sizes, ...contents.flatMap(({ offset, bytes }) => [offset + 1, bytes.length, bytes])];
    return this.database
      .query<AccountRow, (Uint8Array | number)[]>(
        `select ${accountColumns} from accounts where ${["owner = ?", ...conditions].join(" and ")} order by address`,
      )
      .all(program, ...values)
      .map(foundOf);
  }

  /** Token accounts of a wallet, of both token programs. */
  ofHolder(holder: Uint8Array): readonly Found[] {
    return this.database
      .query<AccountRow, [Uint8Array]>(`select ${accountColumns} from accounts where holder = ? order by address`)
      .all(holder)
      .map(foundOf);
  }

  has(signature: string): boolean {
    return this.#seqOf(signature) !== null;
  }

  transaction(signature: string): StoredTransaction | null {
    const key = decodeBase58(signature);
    if (key === null) return null;
    const row = this.database
      .query<TransactionRow, [Uint8Array]>(
        "select seq, signature, slot, time, error, raw, meta from transactions where signature = ?",
      )
      .get(key);
    return row === null ? null : { ...row, signature };
  }

  /** Newest first. */
  signatures(address: Uint8Array, { limit, upToSlot, before, until }: SignatureRange): readonly SignatureRow[] {
    const below = before === null ? Number.MAX_SAFE_INTEGER : this.#seqOf(before);
    // The official node finds nothing before a signature it does not know, and does not mind an unknown end.
    if (below === null) return [];
    const above = until === null ? 0 : (this.#seqOf(until) ?? 0);
    return this.database
      .query<Omit<SignatureRow, "signature"> & { signature: Uint8Array }, [Uint8Array, number, number, number, number]>(
        `select signature, slot, time, error from signatures_by_address join transactions using (seq)
         where address = ? and seq < ? and seq > ? and slot <= ? order by seq desc limit ?`,
      )
      .all(address, below, above, upToSlot, limit)
      .map((row) => ({ ...row, signature: encodeBase58(row.signature) }));
  }

  /** The last transaction up to a slot: its slot and Unix seconds. */
  timeUpTo(slot: number): { readonly slot: number; readonly time: number } | null {
    return this.database
      .query<{ slot: number; time: number }, [number]>(
        "select slot, time from transactions where slot <= ? order by seq desc limit 1",
      )
      .get(slot);
  }

  lastSeq(): number {
    return this.database.query<{ seq: number | null }, []>("select max(seq) as seq from transactions").get()?.seq ?? 0;
  }

  lastSlot(): number {
    return (
      this.database
        .query<{ slot: number | null }, []>(
          "select max(slot) as slot from transactions where seq = (select max(seq) from transactions)",
        )
        .get()?.slot ?? 0
    );
  }

  #seqOf(signature: string): number | null {
    const key = decodeBase58(signature);
    if (key === null) return null;
    return (
      this.database.query<{ seq: number }, [Uint8Array]>("select seq from transactions where signature = ?").get(key)
        ?.seq ?? null
    );
  }
}

const foundOf = ({ address, owner, lamports, executable, data }: AccountRow): Found => ({
  address,
  account: { owner, lamports: BigInt(lamports), executable: executable === 1, data },
});
