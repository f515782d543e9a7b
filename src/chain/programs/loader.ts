/**
 * The upgradeable loader ("loader v3"), as much of it as a deployment takes: instructions and accounts. Its enums are
 * serialised with bincode: a u32 for the variant, then the fields. Source: solana-loader-v3-interface. Pure.
 */
import {
  type AccountMeta,
  PublicKey,
  SYSVAR_CLOCK_PUBKEY,
  SYSVAR_RENT_PUBKEY,
  SystemProgram,
  TransactionInstruction,
} from "@solana/web3.js";

export const UPGRADEABLE_LOADER = new PublicKey("BPFLoaderUpgradeab1e11111111111111111111111");

/** What stands before a buffer's content: variant, whether there is an authority, the authority. */
export const BUFFER_HEADER = 37;
/** What stands before a program's content: variant, slot, whether there is an authority, the authority. */
export const PROGRAM_DATA_HEADER = 45;
/** A program's own account only names the account of its content. */
export const PROGRAM_SIZE = 36;

const variants = { initializeBuffer: 0, write: 1, deploy: 2 } as const;
const accountVariants = { buffer: 1, programData: 3 } as const;

/** The account that holds a program's content and says who may upgrade it. */
export function programDataAddress(program: PublicKey): PublicKey {
  const [address] = PublicKey.findProgramAddressSync([program.toBuffer()], UPGRADEABLE_LOADER);
  return address;
}

/** Makes an empty buffer. Signed by `payer` and `buffer`. */
export function createBuffer(
  payer: PublicKey,
  buffer: PublicKey,
  contentSize: number,
  lamports: number,
): TransactionInstruction[] {
  const create = SystemProgram.createAccount({
    fromPubkey: payer,
    newAccountPubkey: buffer,
    space: BUFFER_HEADER + contentSize,
    lamports,
    programId: UPGRADEABLE_LOADER,
  });
  return [create, instruction([written(buffer), read(payer)], u32(variants.initializeBuffer))];
}

/** Signed by the buffer's authority. */
export function writeBuffer(
  authority: PublicKey,
  buffer: PublicKey,
  offset: number,
  content: Uint8Array,
): TransactionInstruction {
  return instruction(
    [written(buffer), signed(read(authority))],
    u32(variants.write),
    u32(offset),
    u64(content.length),
    Buffer.from(content),
  );
}

/**
 * Makes the buffer's content a program, which runs from the next slot on. Signed by `payer` (who is the buffer's authority
 * and becomes the program's) and by `program`. The buffer's lamports return to the payer.
 */
export function deployBuffer(
  payer: PublicKey,
  buffer: PublicKey,
  program: PublicKey,
  contentSize: number,
  lamports: number,
): TransactionInstruction[] {
  const create = SystemProgram.createAccount({
    fromPubkey: payer,
    newAccountPubkey: program,
    space: PROGRAM_SIZE,
    lamports,
    programId: UPGRADEABLE_LOADER,
  });
  const deploy = instruction(
    [
      signed(written(payer)),
      written(programDataAddress(program)),
      written(program),
      written(buffer),
      read(SYSVAR_RENT_PUBKEY),
      read(SYSVAR_CLOCK_PUBKEY),
      read(SystemProgram.programId),
      signed(read(payer)),
    ],
    u32(variants.deploy),
    u64(contentSize),
  );
  return [create, deploy];
}

export interface LoaderContent {
  /** Who may write or upgrade; null: nobody, for ever. */
  readonly authority: PublicKey | null;
  readonly content: Uint8Array;
}

/** @throws Error when `data` is no buffer */
export const parseBuffer = (data: Uint8Array): LoaderContent =>
  parse(data, "buffer", accountVariants.buffer, BUFFER_HEADER);

/** @throws Error when `data` is no program's content; it may be longer than what was deployed, filled up with zeros */
export const parseProgramData = (data: Uint8Array): LoaderContent =>
  parse(data, "program data", accountVariants.programData, PROGRAM_DATA_HEADER);

function parse(data: Uint8Array, what: string, variant: number, header: number): LoaderContent {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < header || bytes.readUInt32LE(0) !== variant) {
    throw new Error(`${what} account: it is not one of the upgradeable loader's; is it the right address?`);
  }
  const hasAuthority = bytes[header - 33] === 1;
  return {
    authority: hasAuthority ? new PublicKey(bytes.subarray(header - 32, header)) : null,
    content: bytes.subarray(header),
  };
}

const written = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: false, isWritable: true });
const read = (pubkey: PublicKey): AccountMeta => ({ pubkey, isSigner: false, isWritable: false });
const signed = (meta: AccountMeta): AccountMeta => ({ ...meta, isSigner: true });

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const instruction = (keys: AccountMeta[], ...data: readonly Buffer[]): TransactionInstruction =>
  new TransactionInstruction({ programId: UPGRADEABLE_LOADER, keys, data: Buffer.concat(data) });
