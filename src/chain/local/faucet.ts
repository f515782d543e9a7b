/** Gives wallets lamports and CYXWIZ. It holds the chain's first lamports and the right to mint. */

import { type Keypair, PublicKey, SystemProgram, Transaction, type TransactionInstruction } from "@solana/web3.js";
import { associatedTokenAddress, ensureTokenAccount } from "../escrow/index.ts";
import type { LocalChain } from "./chain.ts";
import { LocalChainError } from "./errors.ts";
import { createMint, memo, mintAddress, mintTo } from "./spl.ts";
import { explain } from "./transaction-error.ts";
import { decodeTransaction } from "./wire.ts";

export interface Gift {
  readonly lamports?: bigint;
  /** Base units of CYXWIZ; they go to the wallet's associated token account, which is made if need be. */
  readonly tokens?: bigint;
}

/** 9,000,000 SOL: as much as every lamport amount can be and still be an exact JSON number. */
export const FAUCET_LAMPORTS = 9_000_000n * 1_000_000_000n;

export class Faucet {
  readonly mint: PublicKey;
  #given = 0;

  constructor(
    private readonly chain: LocalChain,
    private readonly keys: Keypair,
  ) {
    this.mint = mintAddress(keys.publicKey);
  }

  /** Makes the CYXWIZ mint unless it is there: once per ledger, wherever the process died before. */
  createMint(): void {
    if (this.chain.account(this.mint.toBytes(), "processed") !== null) return;
    this.#execute(createMint(this.keys.publicKey, (size) => this.chain.rentExemption(size)));
  }

  /**
   * Executed and stored when it returns.
   * @param wallet 32 bytes
   * @returns the transaction's signature
   * @throws LocalChainError `faucet_failed`
   */
  give(wallet: Uint8Array, { lamports = 0n, tokens = 0n }: Gift): string {
    const from = this.keys.publicKey;
    const to = new PublicKey(wallet);
    const instructions: TransactionInstruction[] = [];
    if (lamports > 0n) instructions.push(SystemProgram.transfer({ fromPubkey: from, toPubkey: to, lamports }));
    if (tokens > 0n) {
      const account = associatedTokenAddress(to, this.mint);
      instructions.push(ensureTokenAccount(from, to, this.mint));
      instructions.push(mintTo(this.mint, account, from, tokens));
    }
    return this.#execute(instructions);
  }

  #execute(instructions: readonly TransactionInstruction[]): string {
    const { blockhash } = this.chain.latestBlockhash("processed");
    const transaction = new Transaction({ feePayer: this.keys.publicKey, recentBlockhash: blockhash });
    // Two equal gifts in one slot would be one transaction. The count of transactions tells them apart across restarts.
    transaction.add(...instructions, memo(`${this.chain.ledger.transactionCount}.${this.#given++}`));
    transaction.sign(this.keys);
    const wire = decodeTransaction(new Uint8Array(transaction.serialize({ verifySignatures: false })));
    const outcome = this.chain.execute(wire);
    const error = outcome.kind === "landed" ? outcome.meta.err : outcome.error;
    if (error !== null) {
      throw new LocalChainError(
        "faucet_failed",
        `The faucet could not pay: ${explain(error)}. Ask for less at a time.`,
      );
    }
    return wire.signature;
  }
}
