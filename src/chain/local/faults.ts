/**
 * What can go wrong between a client and a cluster, on order: payment machinery is tested with it. The local chain itself never
 * loses anything, so without these a client that cannot cope would pass every test.
 */

export type SendFault =
  /** The answer is a signature, and the transaction never lands. */
  | { readonly kind: "drop" }
  /** The answer is a signature, and the transaction is executed `slots` later, if its blockhash is still good then. */
  | { readonly kind: "late"; readonly slots: number }
  /** The transaction lands, and the answer is an error. */
  | { readonly kind: "error"; readonly message?: string }
  /** The transaction never lands, and the answer is the same error: the client cannot tell it from the one before. */
  | { readonly kind: "refuse"; readonly message?: string }
  /** The transaction lands, and for `slots` nobody is told: no status, no notification, not in the history. */
  | { readonly kind: "hide"; readonly slots: number };

export interface Sent {
  readonly signature: string;
  readonly raw: Uint8Array;
  /** How often these bytes have been sent before. */
  readonly earlier: number;
}

export interface Faults {
  /** Asked for each transaction that passed preflight; undefined lets it through. */
  onSend?(sent: Sent): SendFault | undefined;
  /** Asked for each RPC request before it is carried out; a text becomes the error of a node that is behind (-32005). */
  onRequest?(method: string): string | undefined;
}

/** What landed and is kept quiet, by signature: until which slot. */
export class Hidden {
  readonly #until = new Map<string, number>();

  hide(signature: string, until: number): void {
    this.#until.set(signature, until);
  }

  has(signature: string, slot: number): boolean {
    const until = this.#until.get(signature);
    if (until === undefined) return false;
    if (slot < until) return true;
    this.#until.delete(signature);
    return false;
  }
}
