/** The local chain: a Solana cluster of one process, on disk, without a network (`blockchain.network = "local"`). */
export type { Account } from "./account.ts";
export { BLOCKHASH_SLOTS } from "./blockhashes.ts";
export { type ChainListener, type LandedTransaction, LocalChain } from "./chain.ts";
export { type Commitment, LAG } from "./commitment.ts";
export { LocalChainError, type LocalChainErrorCode } from "./errors.ts";
export type { Outcome } from "./executor.ts";
export type { Gift } from "./faucet.ts";
export type { Faults, SendFault, Sent } from "./faults.ts";
export { type OpenedChain, type OpenOptions, openLocalChain } from "./genesis.ts";
export { keypairIn } from "./keys.ts";
export type { LedgerSync } from "./ledger-schema.ts";
export type { RpcServer, ServeOptions } from "./rpc/index.ts";
export { SLOT_MS } from "./slot-clock.ts";
export { CYXWIZ_DECIMALS } from "./spl.ts";
