/** A local chain whose time stands still until told to move, and the few transactions the tests send. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Connection,
  Keypair,
  PublicKey,
  type Signer,
  SystemProgram,
  Transaction,
  type TransactionInstruction,
} from "@solana/web3.js";
import {
  type Faults,
  type OpenedChain,
  type Outcome,
  openLocalChain,
  SLOT_MS,
} from "../../../src/chain/local/index.ts";
import { decodeTransaction, type WireTransaction } from "../../../src/chain/local/wire.ts";
import { cleanUp } from "../../support/cleanup.ts";

export const SOL = 1_000_000_000n;
/** A date in 2027, with milliseconds that are not round. */
export const START = 1_800_000_000_123;

export interface World extends OpenedChain {
  readonly connection: (commitment?: "processed" | "confirmed" | "finalized") => Connection;
  /** Moves time on by slots. */
  pass(slots: number): void;
  /** Sets the wall clock. */
  setTime(at: number): void;
  /** A wallet with lamports that are final already. */
  wallet(lamports?: bigint): Keypair;
}

export interface WorldOptions {
  readonly directory?: string | null;
  readonly faults?: Faults;
  readonly keep?: number;
  readonly at?: number;
}

export function openWorld({ directory = null, at = START, ...options }: WorldOptions = {}): World {
  let now = at;
  const opened = openLocalChain({ directory, now: () => now, sync: "normal", ...options });
  const pass = (slots: number): void => {
    now += slots * SLOT_MS;
  };
  pass(2);
  return {
    ...opened,
    pass,
    setTime(to) {
      now = to;
    },
    wallet(lamports = 10n * SOL) {
      const keys = Keypair.generate();
      opened.fund(keys.publicKey, { lamports });
      pass(2);
      return keys;
    },
  };
}

/** A folder that is gone after the tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cyxwiz-local-chain-"));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Signed with a blockhash of now, or the one that is given. The first signer pays. */
export function signed(
  { chain }: Pick<World, "chain">,
  instructions: readonly TransactionInstruction[],
  signers: readonly Signer[],
  blockhash = chain.latestBlockhash("processed").blockhash,
): Uint8Array {
  const transaction = new Transaction({ feePayer: signers[0]!.publicKey, recentBlockhash: blockhash });
  transaction.add(...instructions).sign(...signers);
  return new Uint8Array(transaction.serialize());
}

export const transfer = (from: Keypair, to: PublicKey, lamports: bigint | number): TransactionInstruction =>
  SystemProgram.transfer({ fromPubkey: from.publicKey, toPubkey: to, lamports });

export const decoded = (raw: Uint8Array): WireTransaction => decodeTransaction(raw);

/** Signs and executes at once. */
export function execute(
  world: World,
  instructions: readonly TransactionInstruction[],
  signers: readonly Signer[],
): Outcome {
  return world.chain.execute(decoded(signed(world, instructions, signers)));
}

/** What it holds now, whatever the commitment. */
export const lamportsOf = ({ chain }: Pick<World, "chain">, address: PublicKey): bigint =>
  chain.account(address.toBytes(), "processed")?.lamports ?? 0n;

export const someone = (): PublicKey => new PublicKey(Keypair.generate().publicKey);
