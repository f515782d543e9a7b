/** Payments on a chain: the port of the payment actor, on a Solana cluster or on the local chain. */
export { EscrowChain, type EscrowChainOptions } from "./escrow-chain.ts";
export { type LocalPayments, type LocalPaymentsOptions, localPayments } from "./local.ts";
