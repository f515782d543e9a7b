/**
 * Builds JobEscrow's instructions: which accounts in which order, which words of data (programs/job-escrow). Pure: nothing is
 * fetched or signed here. Every instruction on an escrow takes what the sender believes of it, from `parseEscrow`.
 */
import { type AccountMeta, type PublicKey, SystemProgram, TransactionInstruction } from "@solana/web3.js";
import type { JobId } from "../../domain/ids.ts";
import type { TokenUnits } from "../../domain/money.ts";
import {
  ASSOCIATED_TOKEN_PROGRAM,
  associatedTokenAddress,
  configAddress,
  escrowAddress,
  jobBytes,
  TOKEN_PROGRAM,
  vaultAddress,
} from "./addresses.ts";

/** The first word of the data: the enum in escrow.h. */
const kinds = {
  initialize: 0,
  configure: 1,
  rotate: 2,
  create: 3,
  assign: 4,
  claim: 5,
  release: 6,
  refund: 7,
} as const;

export interface EscrowSettings {
  /** The server's key. */
  readonly authority: PublicKey;
  /** A token account of `mint`. */
  readonly treasury: PublicKey;
  readonly mint: PublicKey;
  /** 0 to 10,000. */
  readonly feeBps: number;
}

/** The escrow as the sender believes it to be; the program refuses when it is not so. */
export interface Believed {
  readonly job: JobId;
  readonly serial: bigint;
  readonly released: TokenUnits;
}

export interface BelievedAssigned extends Believed {
  readonly attempt: bigint;
  readonly mint: PublicKey;
  readonly treasury: PublicKey;
}

/** Once per program, signed by `payer` and by the program's upgrade authority. */
export function initialize(
  program: PublicKey,
  given: EscrowSettings & {
    readonly payer: PublicKey;
    readonly upgradeAuthority: PublicKey;
    /** The loader's account beside the program: `programDataAddress(program)`. */
    readonly programData: PublicKey;
    readonly admin: PublicKey;
  },
): TransactionInstruction {
  return instruction(
    program,
    [
      pays(given.payer),
      signs(given.upgradeAuthority),
      written(configAddress(program)),
      read(given.programData),
      read(given.mint),
      read(given.treasury),
      read(SystemProgram.programId),
    ],
    [word(kinds.initialize), given.admin.toBuffer(), given.authority.toBuffer(), word(given.feeBps)],
  );
}

/** Signed by the admin. The new authority holds for every escrow, fee, treasury and mint for those created from now on. */
export function configure(
  program: PublicKey,
  given: EscrowSettings & { readonly admin: PublicKey },
): TransactionInstruction {
  return instruction(
    program,
    [signs(given.admin), written(configAddress(program)), read(given.mint), read(given.treasury)],
    [word(kinds.configure), given.authority.toBuffer(), word(given.feeBps)],
  );
}

/** Signed by both admins. */
export function rotate(
  program: PublicKey,
  { admin, nextAdmin }: { readonly admin: PublicKey; readonly nextAdmin: PublicKey },
): TransactionInstruction {
  return instruction(program, [signs(admin), written(configAddress(program)), signs(nextAdmin)], [word(kinds.rotate)]);
}

/** Signed by `rentPayer` and `spender`: the user, or the authority under an allowance of the user's. */
export function createEscrow(
  program: PublicKey,
  given: {
    readonly job: JobId;
    readonly amount: TokenUnits;
    /** Unix seconds; at most 366 days ahead. */
    readonly deadline: bigint;
    readonly user: PublicKey;
    readonly mint: PublicKey;
    /** Absent: the user. */
    readonly spender?: PublicKey;
    /** Absent: the spender. */
    readonly rentPayer?: PublicKey;
    /** The user's token account that is charged. Absent: the associated one. */
    readonly source?: PublicKey;
  },
): TransactionInstruction {
  const spender = given.spender ?? given.user;
  return instruction(
    program,
    [
      pays(given.rentPayer ?? spender),
      signs(spender),
      read(given.user),
      written(given.source ?? associatedTokenAddress(given.user, given.mint)),
      written(configAddress(program)),
      written(escrowAddress(program, given.job)),
      written(vaultAddress(program, given.job)),
      read(given.mint),
      read(TOKEN_PROGRAM),
      read(SystemProgram.programId),
    ],
    [word(kinds.create), jobBytes(given.job), word(given.amount), word(given.deadline)],
  );
}

/** Signed by the authority. `attempt` must be greater than the escrow's. */
export function assign(
  program: PublicKey,
  believed: Believed,
  given: { readonly authority: PublicKey; readonly attempt: bigint; readonly node: PublicKey },
): TransactionInstruction {
  return instruction(
    program,
    [signs(given.authority), read(configAddress(program)), written(escrowAddress(program, believed.job))],
    [word(kinds.assign), ...expected(believed), word(given.attempt), given.node.toBuffer()],
  );
}

interface Payment {
  readonly authority: PublicKey;
  /** The assigned node's wallet. */
  readonly node: PublicKey;
  /** A token account that the node's wallet owns. Absent: the associated one. */
  readonly nodeAccount?: PublicKey;
}

/** Signed by the authority: pays `amount` for work done so far. */
export function claim(
  program: PublicKey,
  believed: BelievedAssigned,
  given: Payment & { readonly amount: TokenUnits },
): TransactionInstruction {
  return instruction(program, payment(program, believed, given), [
    word(kinds.claim),
    ...expected(believed),
    word(believed.attempt),
    word(given.amount),
  ]);
}

/** Signed by the authority: pays all that is left and closes the escrow. */
export function releasePayment(
  program: PublicKey,
  believed: BelievedAssigned & { readonly rentPayer: PublicKey },
  given: Payment,
): TransactionInstruction {
  return instruction(
    program,
    [...payment(program, believed, given), written(believed.rentPayer)],
    [word(kinds.release), ...expected(believed), word(believed.attempt)],
  );
}

/** Signed by `signer`: the authority, or from the deadline on the user. What is left goes to the user; the escrow is closed. */
export function refund(
  program: PublicKey,
  believed: Believed & { readonly user: PublicKey; readonly mint: PublicKey; readonly rentPayer: PublicKey },
  given: {
    readonly signer: PublicKey;
    /** A token account that the user owns. Absent: the associated one. */
    readonly receiver?: PublicKey;
  },
): TransactionInstruction {
  return instruction(
    program,
    [
      signs(given.signer),
      read(configAddress(program)),
      written(escrowAddress(program, believed.job)),
      written(vaultAddress(program, believed.job)),
      written(given.receiver ?? associatedTokenAddress(believed.user, believed.mint)),
      written(believed.rentPayer),
      read(TOKEN_PROGRAM),
    ],
    [word(kinds.refund), ...expected(believed)],
  );
}

/**
 * Makes the wallet's associated token account if there is none, and does nothing if there is. It goes before a payment, whose
 * receiver may never have held the token or may have closed its account; the payer does not get this rent back.
 */
export function ensureTokenAccount(payer: PublicKey, owner: PublicKey, mint: PublicKey): TransactionInstruction {
  const CREATE_IDEMPOTENT = 1;
  return new TransactionInstruction({
    programId: ASSOCIATED_TOKEN_PROGRAM,
    keys: [
      pays(payer),
      written(associatedTokenAddress(owner, mint)),
      read(owner),
      read(mint),
      read(SystemProgram.programId),
      read(TOKEN_PROGRAM),
    ],
    data: Buffer.from([CREATE_IDEMPOTENT]),
  });
}

/** SPL Token's Approve: the user lets `delegate` spend up to `amount`. An account has one delegate; a new one replaces it. */
export function approveAllowance(
  user: PublicKey,
  source: PublicKey,
  delegate: PublicKey,
  amount: TokenUnits,
): TransactionInstruction {
  const APPROVE = 4;
  return instruction(
    TOKEN_PROGRAM,
    [written(source), read(delegate), signs(user)],
    [Buffer.from([APPROVE]), word(amount)],
  );
}

function payment(program: PublicKey, believed: BelievedAssigned, given: Payment): AccountMeta[] {
  return [
    signs(given.authority),
    read(configAddress(program)),
    written(escrowAddress(program, believed.job)),
    written(vaultAddress(program, believed.job)),
    written(given.nodeAccount ?? associatedTokenAddress(given.node, believed.mint)),
    written(believed.treasury),
    read(TOKEN_PROGRAM),
  ];
}

const expected = ({ serial, released }: Believed): Buffer[] => [word(serial), word(released)];

const pays = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: true, isWritable: true });
const signs = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: true, isWritable: false });
const written = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: false, isWritable: true });
const read = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: false, isWritable: false });

/** @throws RangeError for what is no unsigned 64-bit number */
function word(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const instruction = (programId: PublicKey, keys: AccountMeta[], data: readonly Buffer[]): TransactionInstruction =>
  new TransactionInstruction({ programId, keys, data: Buffer.concat(data) });
