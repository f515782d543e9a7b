/** What a payment actor remembers, what it is told, and how it is made. All plain data; amounts are decimal text. */
import type { Millis } from "../runtime/index.ts";
import type { EscrowTerms, Order, SignedTransaction } from "./chain.ts";

/** Where money is, in the double-entry ledger. Those of a wallet or an escrow are named after it. */
export type LedgerAccount = `user:${string}` | `escrow:${string}` | `node:${string}` | "platform";

/** One movement of money, as it became final on the chain. */
export interface Booking {
  /** Counts the payment's own, from 1. */
  readonly number: number;
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  readonly amount: string;
  readonly signature: string;
  readonly bookedAt: Millis;
}

/** How the job ended, for the money. The first one that is told holds. */
export interface Settlement {
  /** What the work was worth: all of the price, part of it, or nothing. */
  readonly earned: string;
  /** The node's wallet; null where nothing was earned. */
  readonly payee: string | null;
  /** Where several have earned it, who how much, one after the other; together what was earned. */
  readonly parts?: readonly Portion[];
}

export interface Portion {
  readonly payee: string;
  readonly amount: string;
}

export interface PastTransaction {
  readonly signature: string;
  readonly kind: Order["kind"];
  readonly outcome: "done" | "failed" | "dead";
  readonly at: Millis;
}

export interface PaymentProblem {
  readonly code: "order_refused" | "transaction_failed" | "funds_timeout";
  readonly message: string;
}

export interface PaymentContext extends EscrowTerms {
  readonly createdAt: Millis;
  /** Until when the price must be locked. */
  readonly fundsDeadline: Millis;
  readonly retryDelay: Millis;
  readonly deadline: Millis | null;
  /** What is to be done now; null: nothing. */
  readonly order: Order | null;
  /** How many transactions were signed or about to be: part of the key under which the next one is. */
  readonly made: number;
  /** The one under way. While there is one, no other is signed (I7). */
  readonly transaction: SignedTransaction | null;
  /** Since when it is in a confirmed block. */
  readonly confirmedAt: Millis | null;
  /** The job has been told that it may run. */
  readonly announced: boolean;
  readonly locked: string;
  readonly released: string;
  readonly refunded: string;
  readonly feePaid: string;
  readonly payee: string | null;
  readonly settlement: Settlement | null;
  readonly bookings: readonly Booking[];
  readonly past: readonly PastTransaction[];
  readonly lockedAt: Millis | null;
  readonly endedAt: Millis | null;
  readonly problem: PaymentProblem | null;
}

export interface PaymentInput extends EscrowTerms {
  readonly at: Millis;
  readonly fundsTimeout: Millis;
  /** After a lock that could not be made, when it is tried again. */
  readonly retryDelay: Millis;
}

export type PaymentEvent = { readonly at: Millis; readonly rules?: number } & (
  | { readonly type: "SIGNED"; readonly number: number; readonly transaction: SignedTransaction }
  | { readonly type: "REFUSED"; readonly number: number; readonly message: string }
  | { readonly type: "CONFIRMED"; readonly signature: string }
  | { readonly type: "FINAL"; readonly signature: string; readonly error: string | null }
  | { readonly type: "DEAD"; readonly signature: string }
  /** The job knows that its price is locked, or is over. */
  | { readonly type: "ANNOUNCED" }
  /** So much of the price has been earned in all by now. */
  | { readonly type: "EARNED"; readonly earned: string; readonly payee: string }
  | ({ readonly type: "SETTLE" } & Settlement)
  /** An operator has looked into what failed. */
  | { readonly type: "RETRY"; readonly by: string }
  | { readonly type: "DEADLINE" }
);
