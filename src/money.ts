/** The chain that jobs are paid on, as the configuration wants it: so far the local one. Part of the composition root. */
import { join } from "node:path";
import type { Money } from "./actors/core.ts";
import type { Clock, Log } from "./actors/runtime/index.ts";
import type { Config } from "./config/index.ts";
import { feeBps, paysJobs } from "./settings.ts";
import type { BlockchainFacts } from "./transport/rest/index.ts";

export interface OpenMoney {
  readonly money: Money;
  readonly facts: BlockchainFacts;
  close(): Promise<void>;
}

/** From the lock of a job's price until its user may take back alone what is left: longer than any job may take. */
const LIFETIME = 30 * 86_400_000;
const LOCK_RETRY = 5000;
/** A transaction that is not seen is sent again this often: a cluster drops what it has no room for, without a word. */
const SEND_EVERY = 2000;

/** Null: no job is paid through escrow, and no chain is opened. */
export async function openMoney(config: Config, clock: Clock, log: Log): Promise<OpenMoney | null> {
  const { blockchain, server } = config;
  if (!paysJobs(config)) return null;
  // Loaded only where it is used: a Solana client and a virtual machine are not what a server starts fast with.
  const [{ openLocalChain, SLOT_MS }, { localPayments }] = await Promise.all([
    import("./chain/local/index.ts"),
    import("./chain/payments/index.ts"),
  ]);
  const directory = join(server.dataDir, "chain");
  const opened = openLocalChain({ directory, now: () => clock.now() });
  let rpc: ReturnType<typeof opened.serve> | null = null;
  const close = async (): Promise<void> => {
    await rpc?.stop();
    opened.close();
  };
  try {
    const payments = await localPayments({ opened, directory, clock, feeBps: feeBps(config), lifetime: LIFETIME });
    rpc = opened.serve(blockchain.localRpcAddress);
    const facts: BlockchainFacts = {
      network: blockchain.network,
      rpcUrl: rpc.url,
      mint: opened.mint.toBase58(),
      authority: opened.server.publicKey.toBase58(),
      program: payments.program.toBase58(),
      treasury: payments.treasury.toBase58(),
      feeBps: feeBps(config),
    };
    log.info("the local chain is open", { rpc: facts.rpcUrl, program: facts.program });
    const pace = { lookEvery: SLOT_MS, sendEvery: SEND_EVERY };
    return { money: { chain: payments.chain, pace, lockRetry: LOCK_RETRY }, facts, close };
  } catch (error) {
    await close();
    throw error;
  }
}
