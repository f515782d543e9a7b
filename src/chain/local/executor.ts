/**
 * Executes transactions: admits, runs, stores. A transaction is admitted when its signature has not been seen and its blockhash
 * is alive; it has happened when the ledger's commit has returned. If that fails, the machine is filled from the ledger again:
 * what was executed and not stored has not happened.
 */

import { encodeBase58 } from "../../domain/base58.ts";
import type { Account } from "./account.ts";
import { BLOCKHASH_SLOTS, type Blockhashes } from "./blockhashes.ts";
import type { RecentChanges } from "./commitment.ts";
import { LocalChainError, messageOf } from "./errors.ts";
import { changesOf, metaOf, type TransactionMeta } from "./landing.ts";
import type { Ledger } from "./ledger.ts";
import { advanced, nonceAccountOf } from "./nonce.ts";
import { RPC_CODES, RpcError } from "./rpc-error.ts";
import type { TransactionError } from "./transaction-error.ts";
import { type Simulation, Vm } from "./vm.ts";
import { accountsOf, type TransactionAccounts, type WireTransaction } from "./wire.ts";

export type Outcome =
  | { readonly kind: "landed"; readonly meta: TransactionMeta; readonly addresses: readonly Uint8Array[] }
  /** As if it had never been sent: no fee, no record. */
  | { readonly kind: "refused"; readonly error: TransactionError };

export interface SimulationRules {
  readonly verify: boolean;
  /** Whatever its blockhash is. */
  readonly anyBlockhash: boolean;
}

/** When it happens: `seconds` in Unix time. */
export interface Moment {
  readonly slot: number;
  readonly seconds: number;
}

interface Admitted {
  readonly accounts: TransactionAccounts;
  /** The account of the nonce that it uses in place of a blockhash. */
  readonly nonce: Uint8Array | null;
}
interface Refused {
  readonly refusal: TransactionError;
}
const isRefused = (one: Admitted | Refused): one is Refused => "refusal" in one;

export class Executor {
  #vm: Vm;
  /** What the machine was told last: it costs more than executing a transfer, so it is not told twice. */
  #told: Moment = { slot: -1, seconds: -1 };
  readonly read = (address: Uint8Array): Account | null => this.#vm.read(address);

  constructor(
    private readonly ledger: Ledger,
    private readonly blockhashes: Blockhashes,
    private readonly recent: RecentChanges,
  ) {
    this.#vm = filledFrom(ledger);
  }

  rentExemption(size: number): bigint {
    return this.#vm.rentExemption(size);
  }

  simulate(transaction: WireTransaction, rules: SimulationRules, moment: Moment): Simulation {
    const admitted = this.#admit(transaction, rules.anyBlockhash);
    if (isRefused(admitted)) return nothingRun(admitted.refusal);
    this.#tellTime(moment);
    return this.#vm.simulate(transaction, rules.verify);
  }

  /** @throws RpcError when the ledger could not be written; the transaction has not happened then */
  execute(transaction: WireTransaction, moment: Moment): Outcome {
    const admitted = this.#admit(transaction, false);
    if (isRefused(admitted)) return { kind: "refused", error: admitted.refusal };
    this.#tellTime(moment);
    try {
      return this.#run(transaction, admitted, moment);
    } catch (cause) {
      this.#vm = filledFrom(this.ledger);
      this.#told = { slot: -1, seconds: -1 };
      throw new RpcError(RPC_CODES.internal, `The local chain could not store the transaction: ${messageOf(cause)}`);
    }
  }

  /**
   * Why nothing is executed twice: the ledger forgets no signature whose blockhash is alive, and a nonce is used up by whatever
   * transaction names it.
   */
  #admit({ signature, message }: WireTransaction, anyBlockhash: boolean): Admitted | Refused {
    if (this.ledger.queries.has(signature)) return { refusal: "AlreadyProcessed" };
    const isAlive = anyBlockhash || this.blockhashes.isValid(message.recentBlockhash);
    const nonce = isAlive ? null : nonceAccountOf(message, this.read);
    if (!isAlive && nonce === null) return { refusal: "BlockhashNotFound" };
    const accounts = accountsOf(message, this.read);
    return typeof accounts === "string" ? { refusal: accounts } : { accounts, nonce };
  }

  #run(transaction: WireTransaction, { accounts, nonce }: Admitted, { slot, seconds }: Moment): Outcome {
    const { signature, raw, message } = transaction;
    const { keys } = accounts;
    const before = keys.map(this.read);
    const execution = this.#vm.execute(transaction);
    // Whoever fails pays all the same; if nobody has paid, it did not get as far as being executed.
    const payer = keys[0] ?? new Uint8Array();
    if (execution.error !== null && before[0]?.lamports === this.read(payer)?.lamports) {
      return { kind: "refused", error: execution.error };
    }
    if (execution.error !== null && nonce !== null) this.#useUp(nonce, message.recentBlockhash);
    const after = keys.map((address, at) => (accounts.isWritable(at) ? this.read(address) : (before[at] ?? null)));
    const meta = metaOf(accounts, execution, before, after, (mint) => this.read(mint)?.data[44] ?? 0);
    const error = execution.error === null ? null : JSON.stringify(execution.error);
    const record = { signature, raw, slot, time: seconds, error, meta: JSON.stringify(meta), addresses: keys };
    this.ledger.commit(record, changesOf(accounts, before, after), slot - BLOCKHASH_SLOTS - 1);
    keys.forEach((address, at) => {
      if (accounts.isWritable(at)) this.recent.add(encodeBase58(address), slot, before[at] ?? null);
    });
    return { kind: "landed", meta, addresses: keys };
  }

  #useUp(nonce: Uint8Array, recentBlockhash: string): void {
    const account = this.read(nonce);
    if (account !== null) this.#vm.write(nonce, advanced(account, recentBlockhash));
  }

  #tellTime(moment: Moment): void {
    const { slot, seconds } = this.#told;
    if (moment.slot === slot && moment.seconds === seconds) return;
    if (moment.slot !== slot) this.#vm.setSlotHashes(this.blockhashes.earlier());
    this.#vm.setTime(moment.slot, moment.seconds);
    this.#told = moment;
  }
}

/** @throws LocalChainError when the machine does not take what is in the ledger */
function filledFrom(ledger: Ledger): Vm {
  const vm = new Vm();
  for (const { address, account } of ledger.accounts()) {
    try {
      vm.write(address, account);
    } catch (cause) {
      throw new LocalChainError(
        "ledger_unreadable",
        `The local chain's account ${encodeBase58(address)} could not be loaded: ${messageOf(cause)}. ` +
          "Restore the ledger from a backup, or move its folder away: the chain then starts anew.",
        { cause },
      );
    }
  }
  return vm;
}

const nothingRun = (error: TransactionError): Simulation => ({
  error,
  logs: [],
  unitsConsumed: 0,
  inner: [],
  returnData: null,
  accounts: new Map(),
});
