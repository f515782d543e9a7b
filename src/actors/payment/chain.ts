/**
 * The chain as payments see it. It can make a transaction without sending it, send one, and tell what became of one: nothing
 * here pays by itself, so that what is sent is always what was stored before.
 */
import type { Millis } from "../runtime/index.ts";

/** What a transaction does to the job's escrow. Amounts are base units as decimal text. */
export type Order =
  /** The price goes from the user's wallet into escrow, under the allowance that the user gave. */
  | { readonly kind: "lock"; readonly amount: string }
  /** Part of it goes to the node and the platform, if exactly so much has been released before. */
  | { readonly kind: "claim"; readonly amount: string; readonly releasedBefore: string; readonly payee: string }
  /** All that is left goes to them, and the escrow is closed. */
  | { readonly kind: "release"; readonly releasedBefore: string; readonly payee: string }
  /** All that is left goes back to the user, and the escrow is closed. */
  | { readonly kind: "refund"; readonly releasedBefore: string };

export interface EscrowTerms {
  readonly jobId: string;
  readonly userWallet: string;
  readonly amount: string;
  readonly feeBps: number;
}

/** A transaction that is signed and may be sent any number of times: the chain takes it once. */
export interface SignedTransaction {
  readonly bytes: string;
  readonly signature: string;
  /** No block above this height can hold it. */
  readonly lastValidHeight: number;
}

/** What one look at the chain has shown of a transaction. */
export interface Sight {
  /** Null: it is in no block that the one who answered knows of. */
  readonly found: {
    readonly finality: "processed" | "confirmed" | "finalized";
    /** Null: it did what it says. Otherwise it changed nothing, and says why. */
    readonly error: string | null;
  } | null;
  /** Asked first: how high the chain was final, and in which slot. */
  readonly finalHeight: number;
  readonly finalSlot: number;
  /** How far the one who was then asked for the transaction had come. */
  readonly answeredAtSlot: number;
}

export interface PaymentChain {
  /**
   * Makes and signs the transaction, and sends nothing. Two calls give two transactions.
   * @throws OrderRefused when it could not succeed now.
   */
  sign(terms: EscrowTerms, order: Order): Promise<SignedTransaction>;
  /** Resolves or rejects; either way it may have arrived or not. */
  send(transaction: SignedTransaction): Promise<void>;
  look(signature: string): Promise<Sight>;
}

/** The chain's answer to an order that it would not carry out: no outage, and nothing was sent. */
export class OrderRefused extends Error {
  override readonly name = "OrderRefused";
}

/** How often a transaction under way is looked for, and sent again. */
export interface Pace {
  readonly lookEvery: Millis;
  readonly sendEvery: Millis;
}
