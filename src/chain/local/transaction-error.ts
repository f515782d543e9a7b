/** Why a transaction failed, in the shape every Solana client knows: Rust's `TransactionError` as serde writes it. Pure. */
import type { NativeInstructionError, NativeTransactionError } from "./vm-binding.ts";

export type InstructionError = string | { readonly Custom: number } | { readonly BorshIoError: string };
export type TransactionError =
  | string
  | { readonly InstructionError: readonly [number, InstructionError] }
  | { readonly DuplicateInstruction: number }
  | { readonly InsufficientFundsForRent: { readonly account_index: number } }
  | { readonly ProgramExecutionTemporarilyRestricted: { readonly account_index: number } };

/** LiteSVM gives a variant without fields as its place in these lists (node-litesvm 1.4.1, `src/transaction_error.rs`). */
const transactionErrors = words(`AccountInUse AccountLoadedTwice AccountNotFound ProgramAccountNotFound
  InsufficientFundsForFee InvalidAccountForFee AlreadyProcessed BlockhashNotFound CallChainTooDeep MissingSignatureForFee
  InvalidAccountIndex SignatureFailure InvalidProgramForExecution SanitizeFailure ClusterMaintenance
  AccountBorrowOutstanding WouldExceedMaxBlockCostLimit UnsupportedVersion InvalidWritableAccount
  WouldExceedMaxAccountCostLimit WouldExceedAccountDataBlockLimit TooManyAccountLocks AddressLookupTableNotFound
  InvalidAddressLookupTableOwner InvalidAddressLookupTableData InvalidAddressLookupTableIndex InvalidRentPayingAccount
  WouldExceedMaxVoteCostLimit WouldExceedAccountDataTotalLimit MaxLoadedAccountsDataSizeExceeded ResanitizationNeeded
  InvalidLoadedAccountsDataSizeLimit UnbalancedTransaction ProgramCacheHitMaxLimit CommitCancelled`);

const instructionErrors = words(`GenericError InvalidArgument InvalidInstructionData InvalidAccountData
  AccountDataTooSmall InsufficientFunds IncorrectProgramId MissingRequiredSignature AccountAlreadyInitialized
  UninitializedAccount UnbalancedInstruction ModifiedProgramId ExternalAccountLamportSpend ExternalAccountDataModified
  ReadonlyLamportChange ReadonlyDataModified DuplicateAccountIndex ExecutableModified RentEpochModified
  NotEnoughAccountKeys AccountDataSizeChanged AccountNotExecutable AccountBorrowFailed AccountBorrowOutstanding
  DuplicateAccountOutOfSync InvalidError ExecutableDataModified ExecutableLamportChange ExecutableAccountNotRentExempt
  UnsupportedProgramId CallDepth MissingAccount ReentrancyNotAllowed MaxSeedLengthExceeded InvalidSeeds InvalidRealloc
  ComputationalBudgetExceeded PrivilegeEscalation ProgramEnvironmentSetupFailure ProgramFailedToComplete
  ProgramFailedToCompile Immutable IncorrectAuthority AccountNotRentExempt InvalidAccountOwner ArithmeticOverflow
  UnsupportedSysvar IllegalOwner MaxAccountsDataAllocationsExceeded MaxAccountsExceeded
  MaxInstructionTraceLengthExceeded BuiltinProgramsMustConsumeComputeUnits BorshIoError`);

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}

/** What the VM says, as JSON. Classes without a field that tells them apart go by the name of their class. */
export function transactionErrorOf(native: NativeTransactionError): TransactionError {
  if (typeof native === "number") return transactionErrors[native] ?? `Unknown${native}`;
  if (native.err !== undefined) {
    return { InstructionError: [native.index ?? 0, instructionErrorOf(native.err())] };
  }
  if (native.index !== undefined) return { DuplicateInstruction: native.index };
  const where = { account_index: native.accountIndex ?? 0 };
  return native.constructor.name.includes("Restricted")
    ? { ProgramExecutionTemporarilyRestricted: where }
    : { InsufficientFundsForRent: where };
}

function instructionErrorOf(native: NativeInstructionError): InstructionError {
  if (typeof native === "number") return instructionErrors[native] ?? `Unknown${native}`;
  return native.code === undefined ? { BorshIoError: native.msg ?? "" } : { Custom: native.code };
}

/** The sentences of the official node for the errors people meet; clients and their users search for these very words. */
const transactionTexts: Readonly<Record<string, string>> = {
  AccountLoadedTwice: "Account loaded twice",
  AccountNotFound: "Attempt to debit an account but found no record of a prior credit.",
  AddressLookupTableNotFound: "Transaction loads an address table account that doesn't exist",
  AlreadyProcessed: "This transaction has already been processed",
  BlockhashNotFound: "Blockhash not found",
  InsufficientFundsForFee: "Insufficient funds for fee",
  InvalidAccountForFee: "This account may not be used to pay transaction fees",
  InvalidAddressLookupTableData: "Transaction loads an address table account with invalid data",
  InvalidAddressLookupTableIndex: "Transaction address table lookup uses an invalid index",
  InvalidAddressLookupTableOwner: "Transaction loads an address table account with an invalid owner",
  InvalidProgramForExecution: "This program may not be used for executing instructions",
  ProgramAccountNotFound: "Attempt to load a program that does not exist",
  SanitizeFailure: "Transaction failed to sanitize accounts offsets correctly",
  SignatureFailure: "Transaction did not pass signature verification",
  TooManyAccountLocks: "Transaction locked too many accounts",
};

const instructionTexts: Readonly<Record<string, string>> = {
  AccountAlreadyInitialized: "instruction requires an uninitialized account",
  AccountDataTooSmall: "account data too small for instruction",
  ArithmeticOverflow: "Program arithmetic overflowed",
  ComputationalBudgetExceeded: "Computational budget exceeded",
  GenericError: "generic instruction error",
  IllegalOwner: "Provided owner is not allowed",
  IncorrectAuthority: "Incorrect authority provided",
  IncorrectProgramId: "incorrect program id for instruction",
  InsufficientFunds: "insufficient funds for instruction",
  InvalidAccountData: "invalid account data for instruction",
  InvalidAccountOwner: "Invalid account owner",
  InvalidArgument: "invalid program argument",
  InvalidInstructionData: "invalid instruction data",
  InvalidSeeds: "Provided seeds do not result in a valid address",
  MissingAccount: "An account required by the instruction is missing",
  MissingRequiredSignature: "missing required signature for instruction",
  NotEnoughAccountKeys: "insufficient account keys for instruction",
  PrivilegeEscalation: "Cross-program invocation with unauthorized signer or writable account",
  ProgramFailedToComplete: "Program failed to complete",
  UninitializedAccount: "instruction requires an initialized account",
  UnsupportedProgramId: "Unsupported program id",
};

/** The error as a sentence, in the words of the official node. */
export function explain(error: TransactionError): string {
  if (typeof error === "string") return transactionTexts[error] ?? error;
  if ("InstructionError" in error) {
    const [index, cause] = error.InstructionError;
    return `Error processing Instruction ${index}: ${explainInstruction(cause)}`;
  }
  if ("InsufficientFundsForRent" in error) {
    const { account_index: index } = error.InsufficientFundsForRent;
    return `Transaction results in an account (${index}) with insufficient funds for rent`;
  }
  return JSON.stringify(error);
}

function explainInstruction(error: InstructionError): string {
  if (typeof error === "string") return instructionTexts[error] ?? error;
  return "Custom" in error
    ? `custom program error: 0x${error.Custom.toString(16)}`
    : `Failed to serialize or deserialize account data: ${error.BorshIoError}`;
}
