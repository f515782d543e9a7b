/**
 * The few instructions of the SPL programs that the faucet needs, so that no client library of theirs has to come along.
 * Layouts: `TokenInstruction` of the SPL Token program, `AssociatedTokenAccountInstruction`, `SystemInstruction`. Pure.
 */
import { PublicKey, SystemProgram, TransactionInstruction } from "@solana/web3.js";
import { TOKEN_PROGRAM } from "./account.ts";

const TOKEN = new PublicKey(TOKEN_PROGRAM);
const MEMO = new PublicKey("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

export const CYXWIZ_DECIMALS = 9;
const MINT_SIZE = 82;
const MINT_SEED = "cyxwiz";

/** Derived from the faucet's key, so that nobody has to keep the mint's own: SHA-256 of key, seed and program. */
export function mintAddress(faucet: PublicKey): PublicKey {
  const hash = new Bun.CryptoHasher("sha256");
  for (const part of [faucet.toBytes(), MINT_SEED, TOKEN.toBytes()]) hash.update(part);
  return new PublicKey(hash.digest());
}

/** @param rentExemption lamports for an account of a size */
export function createMint(faucet: PublicKey, rentExemption: (size: number) => bigint): TransactionInstruction[] {
  const mint = mintAddress(faucet);
  return [
    SystemProgram.createAccountWithSeed({
      fromPubkey: faucet,
      basePubkey: faucet,
      newAccountPubkey: mint,
      seed: MINT_SEED,
      lamports: Number(rentExemption(MINT_SIZE)),
      space: MINT_SIZE,
      programId: TOKEN,
    }),
    new TransactionInstruction({
      programId: TOKEN,
      keys: [writable(mint)],
      // InitializeMint2: decimals, mint authority, no freeze authority.
      data: Buffer.from([20, CYXWIZ_DECIMALS, ...faucet.toBytes(), 0]),
    }),
  ];
}

export function mintTo(
  mint: PublicKey,
  account: PublicKey,
  authority: PublicKey,
  amount: bigint,
): TransactionInstruction {
  const data = Buffer.alloc(9);
  data.writeUInt8(7, 0);
  data.writeBigUInt64LE(amount, 1);
  return new TransactionInstruction({
    programId: TOKEN,
    keys: [writable(mint), writable(account), { pubkey: authority, isSigner: true, isWritable: false }],
    data,
  });
}

export function memo(text: string): TransactionInstruction {
  return new TransactionInstruction({ programId: MEMO, keys: [], data: Buffer.from(text) });
}

const writable = (pubkey: PublicKey) => ({ pubkey, isSigner: false, isWritable: true });
