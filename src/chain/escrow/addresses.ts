/** Where everything of JobEscrow lies. All addresses are derived, so nothing has to be looked up or remembered. Pure. */
import { PublicKey } from "@solana/web3.js";
import type { JobId } from "../../domain/ids.ts";

export const TOKEN_PROGRAM = new PublicKey("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
export const ASSOCIATED_TOKEN_PROGRAM = new PublicKey("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

const CONFIG_SEED = Buffer.from("config");
const ESCROW_SEED = Buffer.from("escrow");
const VAULT_SEED = Buffer.from("vault");

/** The one account of settings of the program. */
export const configAddress = (program: PublicKey): PublicKey => derive([CONFIG_SEED], program);

/** The record of a job's escrow; it owns the vault. */
export const escrowAddress = (program: PublicKey, job: JobId): PublicKey =>
  derive([ESCROW_SEED, jobBytes(job)], program);

/** The token account that holds a job's money. */
export const vaultAddress = (program: PublicKey, job: JobId): PublicKey => derive([VAULT_SEED, jobBytes(job)], program);

/** A wallet's usual token account for a mint, as the Associated Token Account program derives it. */
export const associatedTokenAddress = (owner: PublicKey, mint: PublicKey): PublicKey =>
  derive([owner.toBuffer(), TOKEN_PROGRAM.toBuffer(), mint.toBuffer()], ASSOCIATED_TOKEN_PROGRAM);

/** The 16 bytes of a job's UUID, in the order of its text. */
export const jobBytes = (job: JobId): Buffer => Buffer.from(job.replaceAll("-", ""), "hex");

/** The inverse of `jobBytes`. */
export function jobFromBytes(bytes: Uint8Array): JobId {
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-") as JobId;
}

function derive(seeds: Buffer[], program: PublicKey): PublicKey {
  const [address] = PublicKey.findProgramAddressSync(seeds, program);
  return address;
}
