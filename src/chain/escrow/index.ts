/** JobEscrow's client: addresses, instructions, accounts and errors. Pure; who sends what is the payment actor's business. */
export {
  CONFIG_SIZE,
  ESCROW_SIZE,
  type Escrow,
  type EscrowConfig,
  parseConfig,
  parseEscrow,
} from "./accounts.ts";
export {
  ASSOCIATED_TOKEN_PROGRAM,
  associatedTokenAddress,
  configAddress,
  escrowAddress,
  TOKEN_PROGRAM,
  vaultAddress,
} from "./addresses.ts";
export {
  type EscrowError,
  type EscrowErrorName,
  type EscrowFault,
  escrowErrorIn,
  escrowErrorOf,
  escrowErrors,
} from "./errors.ts";
export {
  approveAllowance,
  assign,
  type Believed,
  type BelievedAssigned,
  claim,
  configure,
  createEscrow,
  type EscrowSettings,
  ensureTokenAccount,
  initialize,
  refund,
  releasePayment,
  rotate,
} from "./instructions.ts";
