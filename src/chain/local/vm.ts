/**
 * The Solana virtual machine, narrowed to what the chain does with it: accounts in and out, execute, simulate. It holds
 * accounts in memory and nothing else; time, blockhashes, duplicates and history are the chain's.
 */

import { encodeBase58 } from "../../domain/base58.ts";
import type { Account, Address } from "./account.ts";
import { type TransactionError, transactionErrorOf } from "./transaction-error.ts";
import { loadBinding, type NativeAccount, type NativeFailure, type NativeMeta } from "./vm-binding.ts";
import type { WireTransaction } from "./wire.ts";

export interface InnerInstruction {
  readonly programIdIndex: number;
  readonly accounts: readonly number[];
  readonly data: string;
  readonly stackHeight: number;
}

export interface Execution {
  readonly error: TransactionError | null;
  readonly logs: readonly string[];
  readonly unitsConsumed: number;
  /** By top-level instruction; those without are left out. */
  readonly inner: readonly { readonly index: number; readonly instructions: readonly InnerInstruction[] }[];
  readonly returnData: { readonly programId: Address; readonly data: Uint8Array } | null;
}

export interface Simulation extends Execution {
  /** The accounts as the transaction would leave them; empty when it fails. */
  readonly accounts: ReadonlyMap<Address, Account>;
}

export interface SlotHash {
  readonly slot: number;
  readonly hash: string;
}

/** Of mainnet: two days of 400 ms slots. Nothing here depends on epochs; programs may read the number. */
export const SLOTS_PER_EPOCH = 432_000;

/** Of accounts that pay no rent; there are no others any more. */
const NEVER = 2n ** 64n - 1n;

export class Vm {
  readonly #binding = loadBinding();
  readonly #native = new this.#binding.LiteSvm();

  /** @throws LocalChainError `vm_missing` */
  constructor() {
    // What runs here has to run on every cluster, now and after the next feature's activation: all are on, so a program in
    // a format that is about to be refused is refused here as well.
    this.#native.setFeatureSet(this.#binding.FeatureSet.allEnabled());
    this.#native.setBuiltins();
    this.#native.setPrecompiles();
    this.#native.setDefaultPrograms();
    // LiteSVM knows its latest blockhash alone and forgets signatures after a few; the chain keeps both rules itself.
    this.#native.setBlockhashCheck(false);
    this.#native.setTransactionHistory(0n);
  }

  setTime(slot: number, unixSeconds: number): void {
    const clock = this.#native.getClock();
    const epoch = Math.floor(slot / SLOTS_PER_EPOCH);
    clock.slot = BigInt(slot);
    clock.epoch = BigInt(epoch);
    clock.leaderScheduleEpoch = BigInt(epoch + 1);
    clock.epochStartTimestamp = BigInt(Math.floor(unixSeconds - (slot % SLOTS_PER_EPOCH) * 0.4));
    clock.unixTimestamp = BigInt(unixSeconds);
    this.#native.setClock(clock);
  }

  /** @param hashes newest first */
  setSlotHashes(hashes: readonly SlotHash[]): void {
    this.#native.setSlotHashes(hashes.map(({ slot, hash }) => ({ slot: BigInt(slot), hash })));
  }

  /** Lamports that an account of `size` bytes has to hold. */
  rentExemption(size: number): bigint {
    return this.#native.minimumBalanceForRentExemption(BigInt(size));
  }

  read(address: Uint8Array): Account | null {
    const account = this.#native.getAccount(address);
    return account === null || account.lamports() === 0n ? null : plain(account);
  }

  /** An executable account comes after the one that holds its code: the VM loads the program here. */
  write(address: Uint8Array, { lamports, data, owner, executable }: Account): void {
    this.#native.setAccount(address, new this.#binding.Account(lamports, data, owner, executable, NEVER));
  }

  /**
   * Executes and keeps what comes of it. Whoever calls has checked the wire format: the native code aborts the whole process
   * on bytes that are none, which is why it takes a decoded transaction and not bytes.
   */
  execute(transaction: WireTransaction): Execution {
    const result = this.#native.sendVersionedTransaction(transaction.raw);
    return this.#isFailure(result) ? failed(result) : executed(null, result);
  }

  simulate(transaction: WireTransaction, verifySignatures: boolean): Simulation {
    this.#native.setSigverify(verifySignatures);
    try {
      const result = this.#native.simulateVersionedTransaction(transaction.raw);
      if (this.#isFailure(result)) return { ...failed(result), accounts: new Map() };
      const accounts = result.postAccounts().map((one) => [encodeBase58(one.address), plain(one.account())] as const);
      return { ...executed(null, result.meta()), accounts: new Map(accounts) };
    } finally {
      this.#native.setSigverify(true);
    }
  }

  #isFailure(result: object): result is NativeFailure {
    return result instanceof this.#binding.FailedTransactionMetadata;
  }
}

const plain = (account: NativeAccount): Account => ({
  lamports: account.lamports(),
  owner: account.owner(),
  executable: account.executable(),
  data: account.data(),
});

const failed = (failure: NativeFailure): Execution => executed(transactionErrorOf(failure.err()), failure.meta());

function executed(error: TransactionError | null, meta: NativeMeta): Execution {
  const returned = meta.returnData();
  const data = returned.data();
  return {
    error,
    logs: meta.logs(),
    unitsConsumed: Number(meta.computeUnitsConsumed()),
    inner: innerOf(meta),
    returnData: data.length === 0 ? null : { programId: encodeBase58(returned.programId()), data },
  };
}

function innerOf(meta: NativeMeta): Execution["inner"] {
  return meta
    .innerInstructions()
    .map((calls, index) => ({
      index,
      instructions: calls.map((call) => {
        const instruction = call.instruction();
        return {
          programIdIndex: instruction.programIdIndex(),
          accounts: [...instruction.accounts()],
          data: encodeBase58(instruction.data()),
          stackHeight: call.stackHeight(),
        };
      }),
    }))
    .filter(({ instructions }) => instructions.length > 0);
}
