/** A chain for tests: LiteSVM with every feature of the clusters on, driven directly, and what else it takes of SPL Token. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import {
  type AccountInfo,
  Keypair,
  PublicKey,
  type Signer,
  SystemProgram,
  Transaction,
  TransactionInstruction,
} from "@solana/web3.js";
import { TOKEN_PROGRAM } from "../../../src/chain/escrow/index.ts";
import type { Cluster } from "../../../src/chain/programs/index.ts";
import { lite, type SvmMeta } from "./lite.ts";

export type Outcome =
  | { readonly ok: true; readonly units: number }
  /** `code`: of a program's own error. */
  | { readonly ok: false; readonly code: number | null; readonly text: string };

export const START_TIME = 1_800_000_000n;
export const SOL = 1_000_000_000n;

export class Vm {
  readonly #svm = lite.LiteSvm.default();

  constructor() {
    const features = lite.FeatureSet.allEnabled();
    if (features.getInactiveFeaturesCount() !== 0) throw new Error("this LiteSVM leaves features off");
    // First the features: what is loaded afterwards is loaded for them.
    this.#svm.setFeatureSet(features);
    this.#svm.setBuiltins();
    this.#svm.setLamports(1_000_000n * SOL);
    this.#svm.setSysvars();
    this.#svm.setPrecompiles();
    this.#svm.setDefaultPrograms();
    this.#svm.setSigverify(true);
    this.#svm.setBlockhashCheck(true);
    this.passTime(START_TIME);
  }

  wallet(pair = Keypair.generate()): Keypair {
    this.#svm.airdrop(pair.publicKey.toBytes(), 100n * SOL);
    return pair;
  }

  passTime(seconds: bigint): void {
    const clock = this.#svm.getClock();
    clock.unixTimestamp += seconds;
    this.#svm.setClock(clock);
  }

  get now(): bigint {
    return this.#svm.getClock().unixTimestamp;
  }

  nextSlot(): void {
    this.#svm.warpToSlot(this.#svm.getClock().slot + 1n);
  }

  /** The first signer pays the fee of 5000 lamports per signature. */
  run(instructions: readonly TransactionInstruction[], ...signers: readonly Signer[]): Outcome {
    this.#svm.expireBlockhash();
    const transaction = new Transaction({
      feePayer: signers[0]!.publicKey,
      blockhash: this.#svm.latestBlockhash(),
      lastValidBlockHeight: 0,
    });
    transaction.add(...instructions);
    const message = transaction.serializeMessage();
    for (const signer of signers) transaction.addSignature(signer.publicKey, signatureOf(signer, message));
    return this.send(transaction.serialize({ verifySignatures: false }));
  }

  send(bytes: Uint8Array): Outcome {
    const result = this.#svm.sendLegacyTransaction(bytes);
    if (!(result instanceof lite.FailedTransactionMetadata))
      return { ok: true, units: Number((result as SvmMeta).computeUnitsConsumed()) };
    return { ok: false, code: customCode(result.err()), text: `${result} ${result.meta().logs().join("\n")}` };
  }

  /** What a byte costs; `threshold` multiplies it (2 until SIMD-0194, 1 since). */
  setRent(lamportsPerByte: bigint, threshold: number): void {
    this.#svm.setRent(new lite.Rent(lamportsPerByte, threshold, 50));
  }

  rentFor(size: number): bigint {
    return this.#svm.minimumBalanceForRentExemption(BigInt(size));
  }

  lamports(address: PublicKey): bigint {
    return this.#svm.getAccount(address.toBytes())?.lamports() ?? 0n;
  }

  /** Null also for one that was closed. */
  data(address: PublicKey): Buffer | null {
    const account = this.#svm.getAccount(address.toBytes());
    return account === null || account.lamports() === 0n ? null : Buffer.from(account.data());
  }

  owner(address: PublicKey): PublicKey {
    return new PublicKey(this.#svm.getAccount(address.toBytes())?.owner() ?? PublicKey.default.toBytes());
  }

  /** Puts an account there that no program made. */
  forge(address: PublicKey, data: Uint8Array, owner: PublicKey, executable = false): void {
    const account = new lite.Account(this.rentFor(data.length), data, owner.toBytes(), executable, 0n);
    this.#svm.setAccount(address.toBytes(), account);
  }

  /** Base units; null if there is no such token account. */
  tokens(address: PublicKey): bigint | null {
    return this.data(address)?.readBigUInt64LE(64) ?? null;
  }

  mustRun(instructions: readonly TransactionInstruction[], ...signers: readonly Signer[]): number {
    const outcome = this.run(instructions, ...signers);
    if (!outcome.ok) throw new Error(`the test's own step failed: ${outcome.text}`);
    return outcome.units;
  }

  /** A mint with 9 decimals and a freeze authority, both `authority`'s. */
  mint(authority: Keypair): PublicKey {
    const mint = Keypair.generate();
    const initialize = Buffer.concat([
      Buffer.from([20, 9]),
      authority.publicKey.toBuffer(),
      Buffer.from([1]),
      authority.publicKey.toBuffer(),
    ]);
    this.mustRun([this.#create(authority, mint, 82), spl(initialize, [mint.publicKey, "w"])], authority, mint);
    return mint.publicKey;
  }

  /** A token account that is not the associated one. */
  tokenAccount(payer: Keypair, mint: PublicKey, owner: PublicKey): PublicKey {
    const account = Keypair.generate();
    const initialize = Buffer.concat([Buffer.from([18]), owner.toBuffer()]);
    this.mustRun(
      [this.#create(payer, account, 165), spl(initialize, [account.publicKey, "w"], [mint, "r"])],
      payer,
      account,
    );
    return account.publicKey;
  }

  mintTo(mint: PublicKey, authority: Keypair, account: PublicKey, amount: bigint): void {
    this.mustRun([spl(withAmount(7, amount), [mint, "w"], [account, "w"], [authority.publicKey, "s"])], authority);
  }

  #create(payer: Keypair, account: Keypair, space: number): TransactionInstruction {
    return SystemProgram.createAccount({
      fromPubkey: payer.publicKey,
      newAccountPubkey: account.publicKey,
      space,
      lamports: Number(this.rentFor(space)),
      programId: TOKEN_PROGRAM,
    });
  }

  /** As a cluster, for deployments: everything is final at once, and asking for the slot lets one pass. */
  cluster(): Cluster {
    const statuses = new Map<string, { slot: number; err: object | null }>();
    const slot = (): number => Number(this.#svm.getClock().slot);
    const cluster = {
      getAccountInfo: async (address: PublicKey): Promise<AccountInfo<Buffer> | null> => {
        const data = this.data(address);
        const lamports = Number(this.lamports(address));
        return data && { data, lamports, owner: this.owner(address), executable: false };
      },
      getBlockHeight: async () => slot(),
      getLatestBlockhash: async () => {
        this.#svm.expireBlockhash();
        return { blockhash: this.#svm.latestBlockhash(), lastValidBlockHeight: slot() };
      },
      getMinimumBalanceForRentExemption: async (size: number) => Number(this.rentFor(size)),
      getSignatureStatuses: async (signatures: string[]) => ({
        context: { slot: slot() },
        value: signatures.map((signature) => {
          const status = statuses.get(signature);
          return status ? { ...status, confirmations: null, confirmationStatus: "finalized" } : null;
        }),
      }),
      getSlot: async () => {
        this.nextSlot();
        return slot();
      },
      sendRawTransaction: async (bytes: Uint8Array) => {
        const signature = Buffer.from(Transaction.from(bytes).signature!).toString("hex");
        const outcome = this.send(bytes);
        if (!outcome.ok) throw new Error(`preflight: ${outcome.text}`);
        statuses.set(signature, { slot: slot(), err: null });
        return signature;
      },
    };
    return cluster as Cluster;
  }
}

/** What stands before the 32 secret bytes of an Ed25519 key in PKCS #8. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const keys = new WeakMap<Signer, KeyObject>();

/** web3.js signs in JavaScript, which takes a hundred times as long; a test signs some twenty times. */
function signatureOf(signer: Signer, message: Uint8Array): Buffer {
  let key = keys.get(signer);
  if (key === undefined) {
    const secret = Buffer.from(signer.secretKey.subarray(0, 32));
    key = createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: "der", type: "pkcs8" });
    keys.set(signer, key);
  }
  return sign(null, message, key);
}

type SplAccount = readonly [PublicKey, "r" | "w" | "s"];

/** An instruction of SPL Token; the accounts are read, written, or sign. */
export const spl = (data: Buffer, ...accounts: readonly SplAccount[]): TransactionInstruction =>
  new TransactionInstruction({
    programId: TOKEN_PROGRAM,
    keys: accounts.map(([pubkey, use]) => ({ pubkey, isSigner: use === "s", isWritable: use === "w" })),
    data,
  });

export function withAmount(kind: number, amount: bigint): Buffer {
  const data = Buffer.alloc(9);
  data[0] = kind;
  data.writeBigUInt64LE(amount, 1);
  return data;
}

/** LiteSVM wraps a program's error twice: which instruction, then what. */
function customCode(error: unknown): number | null {
  const inner = (error as { err?: () => unknown }).err?.();
  const code = (inner as { code?: unknown } | undefined)?.code;
  return typeof code === "number" ? code : null;
}
