/** Opens the local chain of a data directory, and makes it at the first start: ledger, keys, the CYXWIZ mint. */

import { join } from "node:path";
import type { Commitment, Connection, PublicKey } from "@solana/web3.js";
import { Keypair } from "@solana/web3.js";
import type { Millis } from "../../actors/runtime/index.ts";
import { associatedTokenAddress } from "../escrow/index.ts";
import { LocalChain } from "./chain.ts";
import { LocalChainError } from "./errors.ts";
import { FAUCET_LAMPORTS, Faucet, type Gift } from "./faucet.ts";
import type { Faults } from "./faults.ts";
import { keypairIn } from "./keys.ts";
import { Ledger, type LedgerOptions } from "./ledger.ts";
import { inProcessConnection, type RpcServer, type ServeOptions, serveRpc } from "./rpc/index.ts";

export interface OpenOptions extends LedgerOptions {
  /** Unix milliseconds: slots and the programs' clock follow it. */
  readonly now: () => Millis;
  readonly faults?: Faults;
}

export interface OpenedChain {
  readonly chain: LocalChain;
  /** The CYXWIZ mint, 9 decimals. */
  readonly mint: PublicKey;
  /** The server's own, `server.json` beside the ledger. It has lamports from the start. */
  readonly server: Keypair;
  /** The faucet's, `faucet.json` beside the ledger; it is the mint's authority. */
  readonly faucet: Keypair;
  /**
   * Gives a wallet lamports, and tokens on its associated token account. Stored when it returns.
   * @returns the transaction's signature
   * @throws LocalChainError `faucet_failed`
   */
  fund(wallet: PublicKey, gift: Gift): string;
  /** Where a wallet keeps its CYXWIZ. */
  tokenAccount(wallet: PublicKey): PublicKey;
  /** Without sockets: ask for statuses, since there are no notifications. */
  connection(commitment?: Commitment): Connection;
  /** @throws LocalChainError `not_loopback`, `port_in_use` */
  serve(options: ServeOptions): RpcServer;
  /** Stop what was served first. */
  close(): void;
}

/** A beginning that leaves room behind it for the window of blockhashes. */
const FIRST_SLOT = 200;
/** Deploying programs takes some 0.1 SOL each, an escrow 0.005 until it is closed: enough for years. */
const SERVER_LAMPORTS = 10_000n * 1_000_000_000n;

/**
 * Every step can be taken again, so a start that died in the middle is made good by the next.
 * @throws LocalChainError
 */
export function openLocalChain({ now, faults, ...options }: OpenOptions): OpenedChain {
  const { directory } = options;
  const keys = (name: string): Keypair => (directory === null ? Keypair.generate() : keypairIn(join(directory, name)));
  const faucetKeys = keys("faucet.json");
  const server = keys("server.json");
  const ledger = Ledger.open(options, () => ({
    mark: { slot: FIRST_SLOT, at: now() },
    accounts: [{ address: faucetKeys.publicKey.toBytes(), account: ofSystem(FAUCET_LAMPORTS) }],
  }));
  try {
    const chain = new LocalChain({ ledger, now, ...(faults && { faults }) });
    requireFaucet(chain, faucetKeys, directory);
    const faucet = new Faucet(chain, faucetKeys);
    faucet.createMint();
    if (chain.account(server.publicKey.toBytes(), "processed") === null) {
      faucet.give(server.publicKey.toBytes(), { lamports: SERVER_LAMPORTS });
    }
    const world = { chain, faucet };
    return {
      chain,
      mint: faucet.mint,
      server,
      faucet: faucetKeys,
      fund: (wallet, gift) => faucet.give(wallet.toBytes(), gift),
      tokenAccount: (wallet) => associatedTokenAddress(wallet, faucet.mint),
      connection: (commitment) => inProcessConnection(world, commitment),
      serve: (at) => serveRpc(world, at),
      close: () => chain.close(),
    };
  } catch (error) {
    ledger.close();
    throw error;
  }
}

const ofSystem = (lamports: bigint) => ({
  lamports,
  owner: new Uint8Array(32),
  executable: false,
  data: new Uint8Array(),
});

function requireFaucet(chain: LocalChain, { publicKey }: Keypair, directory: string | null): void {
  if (chain.account(publicKey.toBytes(), "processed") !== null) return;
  throw new LocalChainError(
    "wrong_faucet",
    `The faucet's key in ${directory}/faucet.json is not the one this ledger was made with. ` +
      "Restore that file from a backup, or move the folder away: the chain then starts anew.",
  );
}
