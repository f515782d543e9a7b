/**
 * What JobEscrow answers when it refuses, in the order of the enum in programs/job-escrow/escrow.h. A refused instruction
 * changes nothing: the whole transaction is undone.
 */

/**
 * Whose move it is:
 * - `caller`: the request itself is wrong (accounts, amounts, the user's funds). The same request fails again; terminal.
 * - `stale`: the escrow is not as the sender believed: read it again and decide anew. Often the instruction, or a later
 *   one, has already landed. Never send the same bytes again.
 * - `wait`: right, but too early.
 * - `deployment`: config, program or keys are not what this server was set up for; a person must look. Terminal.
 */
export type EscrowFault = "caller" | "stale" | "wait" | "deployment";

export interface EscrowError {
  readonly code: number;
  readonly name: EscrowErrorName;
  readonly fault: EscrowFault;
  /** The same request cannot succeed later. */
  readonly terminal: boolean;
  readonly explanation: string;
}

const FIRST_CODE = 6000;

/** By the names of the C enum, in its order. */
const answers = {
  INSTRUCTION: ["caller", "The program does not know this instruction, or its arguments have another length."],
  ACCOUNTS: ["caller", "The instruction was given another number of accounts than it takes."],
  SIGNATURE: ["caller", "The signature that this instruction needs is missing."],
  NOT_WRITABLE: ["caller", "An account that the instruction changes was not marked writable."],
  ADDRESS: ["caller", "An account is not at the address derived for it."],
  PROGRAM: ["caller", "The account given as the Token or System program is another program."],
  NOT_UPGRADE_AUTHORITY: [
    "deployment",
    "Only the program's upgrade authority may initialise it; sign with the key that deployed it.",
  ],
  NOT_ADMIN: ["deployment", "Only the admin in the program's config may change it."],
  NOT_AUTHORITY: [
    "deployment",
    "The signer is not the authority in the program's config; use the server's key, or have the admin configure it.",
  ],
  NOT_USER: ["caller", "The signer is neither the escrow's user nor the authority."],
  EXISTS: ["stale", "There is an escrow of this job (or the config) already; read it, or take another job id."],
  CONFIG: [
    "deployment",
    "The account is not this program's config; initialise the program, or correct the program id.",
  ],
  ESCROW: ["stale", "There is no escrow of this job: it was never made, or it has been closed."],
  KEY: ["caller", "An address that must be given is zero."],
  FEE: ["caller", "The fee is more than 10,000 basis points."],
  MINT: ["caller", "The token is not the one that the program's config names."],
  TREASURY: [
    "deployment",
    "The treasury is not the token account that this escrow was created with, or cannot receive; give that one, and see that it is open.",
  ],
  SOURCE: ["caller", "The paying account is not a usable token account of the user in this token."],
  ALLOWANCE: ["caller", "The user has not approved the platform for this much; approve more."],
  FUNDS: ["caller", "The user's token account holds less than the amount."],
  AMOUNT: ["caller", "The amount is zero or more than is left in the escrow."],
  DEADLINE: ["caller", "The deadline has passed or is more than 366 days away."],
  STALE_SERIAL: ["stale", "The instruction was meant for an earlier escrow of the same job id."],
  STALE_RELEASED: ["stale", "Another amount has been released by now than the sender believed."],
  STALE_ATTEMPT: ["stale", "The escrow is at another attempt than the sender believed."],
  UNASSIGNED: ["stale", "No node has been assigned yet, so there is nobody to pay."],
  VAULT: ["deployment", "The vault is not this escrow's, or is frozen, or holds less than it owes."],
  NODE_ACCOUNT: [
    "caller",
    "The payee is not a usable token account owned by the assigned node's wallet in this token; create it first.",
  ],
  USER_ACCOUNT: [
    "caller",
    "The receiver is not a usable token account of the escrow's user in this token; create it first.",
  ],
  RENT_PAYER: ["caller", "The account is not the one that paid the escrow's rent."],
  TOO_EARLY: ["wait", "Before the deadline the user cannot take the money back alone; wait, or cancel the job."],
  RENT: ["deployment", "The cluster's rent is of a kind that the program does not know."],
} as const satisfies Readonly<Record<string, readonly [EscrowFault, string]>>;

export type EscrowErrorName = keyof typeof answers;

export const escrowErrors: readonly EscrowError[] = (Object.keys(answers) as EscrowErrorName[]).map((name, index) => {
  const [fault, explanation] = answers[name];
  return { code: FIRST_CODE + index, name, fault, terminal: fault === "caller" || fault === "deployment", explanation };
});

/** Null for a code that is not JobEscrow's: then another program of the transaction (SPL Token, System) refused. */
export const escrowErrorOf = (code: number): EscrowError | null => escrowErrors[code - FIRST_CODE] ?? null;

/**
 * JobEscrow's answer in what a cluster says of a failed transaction: `{ InstructionError: [2, { Custom: 6003 }] }`. Null when it
 * was another program's or not a program's (no funds for the fee, an expired blockhash).
 */
export function escrowErrorIn(transactionError: unknown): EscrowError | null {
  const failed = (transactionError as { readonly InstructionError?: unknown } | null)?.InstructionError;
  const code = Array.isArray(failed) ? (failed[1] as { readonly Custom?: unknown } | null)?.Custom : undefined;
  return typeof code === "number" ? escrowErrorOf(code) : null;
}
