/**
 * The local chain as its clients see it: time, blockhashes, commitments and the way in for transactions.
 *
 * Time passes when somebody asks (`#advance`); then what is late lands, and listeners hear that there is a new slot. Everything is
 * synchronous, so transactions never overlap and a reader never sees half of one.
 */
import type { Millis } from "../../actors/runtime/index.ts";
import { encodeBase58 } from "../../domain/base58.ts";
import type { Account } from "./account.ts";
import { BLOCKHASH_SLOTS, Blockhashes } from "./blockhashes.ts";
import { type Commitment, LAG, RecentChanges } from "./commitment.ts";
import { Executor, type Outcome, type SimulationRules } from "./executor.ts";
import { type Faults, Hidden, type SendFault } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import { RPC_CODES, RpcError } from "./rpc-error.ts";
import { SLOT_MS, SlotClock } from "./slot-clock.ts";
import { explain, type TransactionError } from "./transaction-error.ts";
import type { Simulation } from "./vm.ts";
import type { WireTransaction } from "./wire.ts";

export interface LocalChainOptions {
  readonly ledger: Ledger;
  /** Unix milliseconds. */
  readonly now: () => Millis;
  readonly faults?: Faults;
}

export interface LandedTransaction {
  readonly signature: string;
  readonly slot: number;
  readonly error: TransactionError | null;
  readonly logs: readonly string[];
  readonly addresses: readonly Uint8Array[];
}

/** A transaction was executed, or, for null, time has passed. */
export type ChainListener = (landed: LandedTransaction | null) => void;

export class LocalChain {
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly hidden = new Hidden();
  readonly #now: () => Millis;
  readonly #clock: SlotClock;
  readonly #blockhashes: Blockhashes;
  readonly #recent = new RecentChanges();
  readonly #executor: Executor;
  readonly #listeners = new Set<ChainListener>();
  readonly #late: { readonly transaction: WireTransaction; readonly at: number }[] = [];
  /** How often each was sent; counted only where faults are ordered, for it is never forgotten. */
  readonly #sends = new Map<string, number>();
  #lastSlot: number;

  constructor({ ledger, now, faults = {} }: LocalChainOptions) {
    this.ledger = ledger;
    this.faults = faults;
    this.#now = now;
    // Everything in the ledger is final after a restart: what it was before is not known any more.
    const settled = ledger.queries.lastSlot() + LAG.finalized;
    this.#clock = new SlotClock(ledger.mark, settled, now, (mark) => ledger.saveMark(mark));
    this.#lastSlot = this.#clock.read();
    this.#blockhashes = new Blockhashes(ledger.seed, this.#lastSlot);
    this.#executor = new Executor(ledger, this.#blockhashes, this.#recent);
  }

  /** The slot whose state a reader of this commitment sees. */
  slot(commitment: Commitment): number {
    return this.#advance() - LAG[commitment];
  }

  get unixSeconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  /** Unix seconds of a slot: of the last transaction up to it, counted on by slots; for one before all of them, back from now. */
  timeOf(slot: number): number {
    const known = this.ledger.queries.timeUpTo(slot);
    if (known !== null) return known.time + Math.floor(((slot - known.slot) * SLOT_MS) / 1000);
    return this.unixSeconds - Math.floor(((this.#advance() - slot) * SLOT_MS) / 1000);
  }

  latestBlockhash(commitment: Commitment): { readonly blockhash: string; readonly lastValidBlockHeight: number } {
    const slot = this.slot(commitment);
    return { blockhash: this.#blockhashes.hashOf(slot), lastValidBlockHeight: slot + BLOCKHASH_SLOTS };
  }

  isBlockhashValid(hash: string): boolean {
    this.#advance();
    return this.#blockhashes.isValid(hash);
  }

  /** Lamports that an account of `size` bytes has to hold. */
  rentExemption(size: number): bigint {
    return this.#executor.rentExemption(size);
  }

  account(address: Uint8Array, commitment: Commitment): Account | null {
    const earlier = this.#recent.at(encodeBase58(address), this.slot(commitment));
    return earlier === undefined ? this.#executor.read(address) : earlier;
  }

  /** Accounts changed of late: a search of the ledger alone would miss what they were before. */
  recentlyChanged(): readonly string[] {
    this.#advance();
    return [...this.#recent.addresses()];
  }

  /** Called after each transaction and each step in time; must not throw. Returns how to stop it. */
  listen(listener: ChainListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes a transaction as a node does: a signature is the answer whether it lands or not, unless preflight finds that it
   * would fail.
   * @throws RpcError preflight failed, or a fault that was ordered
   */
  send(transaction: WireTransaction, { skipPreflight }: { readonly skipPreflight: boolean }): string {
    if (!skipPreflight) this.#preflight(transaction);
    const fault = this.#faultOf(transaction);
    if (fault === undefined) this.execute(transaction);
    else this.#fail(transaction, fault);
    return transaction.signature;
  }

  /**
   * Executes at once, faults or not.
   * @throws RpcError when the ledger could not be written; the transaction has not happened then
   */
  execute(transaction: WireTransaction): Outcome {
    const slot = this.#advance();
    const outcome = this.#executor.execute(transaction, { slot, seconds: this.unixSeconds });
    if (outcome.kind === "landed") {
      const { err: error, logMessages: logs } = outcome.meta;
      this.#tell({ signature: transaction.signature, slot, error, logs, addresses: outcome.addresses });
    }
    return outcome;
  }

  /** Runs it on the newest state and keeps nothing. */
  simulate(transaction: WireTransaction, rules: SimulationRules): Simulation {
    return this.#executor.simulate(transaction, rules, { slot: this.#advance(), seconds: this.unixSeconds });
  }

  close(): void {
    this.#listeners.clear();
    this.ledger.close();
  }

  #preflight(transaction: WireTransaction): void {
    const { error, logs, unitsConsumed } = this.simulate(transaction, { verify: true, anyBlockhash: false });
    if (error === null) return;
    if (error === "SignatureFailure") {
      throw new RpcError(RPC_CODES.badSignature, "Transaction signature verification failure");
    }
    const data = { err: error, logs, accounts: null, unitsConsumed, returnData: null, innerInstructions: null };
    throw new RpcError(RPC_CODES.preflightFailed, `Transaction simulation failed: ${explain(error)}`, data);
  }

  #faultOf({ signature, raw }: WireTransaction): SendFault | undefined {
    if (this.faults.onSend === undefined) return undefined;
    const earlier = this.#sends.get(signature) ?? 0;
    this.#sends.set(signature, earlier + 1);
    return this.faults.onSend({ signature, raw, earlier });
  }

  #fail(transaction: WireTransaction, fault: SendFault): void {
    switch (fault.kind) {
      case "drop":
        return;
      case "late":
        this.#late.push({ transaction, at: this.#advance() + fault.slots });
        return;
      case "hide":
        this.hidden.hide(transaction.signature, this.#advance() + fault.slots);
        this.execute(transaction);
        return;
      case "error":
        this.execute(transaction);
        throw unwell(fault.message);
      case "refuse":
        throw unwell(fault.message);
    }
  }

  #advance(): number {
    const slot = this.#clock.read();
    if (slot === this.#lastSlot) return slot;
    this.#lastSlot = slot;
    this.#blockhashes.advance(slot);
    this.#recent.settle(slot);
    this.#landLate(slot);
    this.#tell(null);
    return slot;
  }

  #landLate(slot: number): void {
    for (const due of this.#late.filter(({ at }) => at <= slot)) {
      this.#late.splice(this.#late.indexOf(due), 1);
      this.execute(due.transaction);
    }
  }

  #tell(landed: LandedTransaction | null): void {
    for (const listener of this.#listeners) listener(landed);
  }
}

const unwell = (message = "Node is unhealthy"): RpcError => new RpcError(RPC_CODES.nodeBehind, message);
