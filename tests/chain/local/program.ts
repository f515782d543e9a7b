/** The smallest program there is, and its deployment as any Solana tool does it: through the upgradeable loader. */
import {
  Keypair,
  PublicKey,
  SYSVAR_CLOCK_PUBKEY,
  SYSVAR_RENT_PUBKEY,
  SystemProgram,
  TransactionInstruction,
} from "@solana/web3.js";
import { execute, type World } from "./world.ts";

const LOADER = new PublicKey("BPFLoaderUpgradeab1e11111111111111111111111");
const TEXT_AT = 0x1_0000_0000n;
/** As much as fits a transaction beside its accounts. */
const CHUNK = 900;

/** An ELF in sBPF V3 that does nothing but return `code` (0 is success). */
export function programThatReturns(code: number): Uint8Array {
  const text = Buffer.alloc(16);
  text.writeUInt8(0xb7, 0); // mov64 r0, code
  text.writeInt32LE(code, 4);
  text.writeUInt8(0x95, 8); // exit
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(247, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(TEXT_AT, 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt32LE(3, 48);
  for (const [at, value] of [
    [52, 64],
    [54, 56],
    [56, 1],
    [58, 64],
  ] as const)
    header.writeUInt16LE(value, at);
  const segment = Buffer.alloc(56);
  segment.writeUInt32LE(1, 0);
  segment.writeUInt32LE(1, 4);
  segment.writeBigUInt64LE(120n, 8);
  segment.writeBigUInt64LE(TEXT_AT, 16);
  segment.writeBigUInt64LE(TEXT_AT, 24);
  segment.writeBigUInt64LE(16n, 32);
  segment.writeBigUInt64LE(16n, 40);
  segment.writeBigUInt64LE(8n, 48);
  return new Uint8Array(Buffer.concat([header, segment, text]));
}

/** @returns the program's address */
export function deploy(world: World, payer: Keypair, elf: Uint8Array): PublicKey {
  const program = Keypair.generate();
  const buffer = Keypair.generate();
  const [programData] = PublicKey.findProgramAddressSync([program.publicKey.toBytes()], LOADER);
  const create = (account: Keypair, space: number): TransactionInstruction =>
    SystemProgram.createAccount({
      fromPubkey: payer.publicKey,
      newAccountPubkey: account.publicKey,
      space,
      lamports: Number(world.chain.rentExemption(space)),
      programId: LOADER,
    });
  const call = (data: Buffer, ...keys: ReturnType<typeof key>[]): TransactionInstruction =>
    new TransactionInstruction({ programId: LOADER, keys, data });

  const writes = Array.from({ length: Math.ceil(elf.length / CHUNK) }, (_, nth) => {
    const chunk = elf.subarray(nth * CHUNK, (nth + 1) * CHUNK);
    const data = Buffer.alloc(16 + chunk.length);
    data.writeUInt32LE(1, 0);
    data.writeUInt32LE(nth * CHUNK, 4);
    data.writeBigUInt64LE(BigInt(chunk.length), 8);
    data.set(chunk, 16);
    return call(data, key(buffer.publicKey, "w"), key(payer.publicKey, "s"));
  });
  const deployWith = Buffer.alloc(12);
  deployWith.writeUInt32LE(2, 0);
  deployWith.writeBigUInt64LE(BigInt(elf.length), 4);
  const outcomes = [
    execute(
      world,
      [create(buffer, 37 + elf.length), call(Buffer.alloc(4), key(buffer.publicKey, "w"), key(payer.publicKey))],
      [payer, buffer],
    ),
    ...writes.map((write) => execute(world, [write], [payer])),
    execute(
      world,
      [
        create(program, 36),
        call(
          deployWith,
          key(payer.publicKey, "ws"),
          key(programData, "w"),
          key(program.publicKey, "w"),
          key(buffer.publicKey, "w"),
          key(SYSVAR_RENT_PUBKEY),
          key(SYSVAR_CLOCK_PUBKEY),
          key(SystemProgram.programId),
          key(payer.publicKey, "s"),
        ),
      ],
      [payer, program],
    ),
  ];
  for (const outcome of outcomes) {
    if (outcome.kind === "refused" || outcome.meta.err !== null) throw new Error(JSON.stringify(outcome));
  }
  // A program can be called from the slot after its deployment.
  world.pass(1);
  return program.publicKey;
}

/** Takes the code away; the program's account stays, and names it still. */
export function closeProgram(world: World, payer: Keypair, program: PublicKey): void {
  const [programData] = PublicKey.findProgramAddressSync([program.toBytes()], LOADER);
  const keys = [key(programData, "w"), key(payer.publicKey, "w"), key(payer.publicKey, "s"), key(program, "w")];
  const close = new TransactionInstruction({ programId: LOADER, keys, data: Buffer.from([5, 0, 0, 0]) });
  const outcome = execute(world, [close], [payer]);
  if (outcome.kind === "refused" || outcome.meta.err !== null) throw new Error(JSON.stringify(outcome));
}

const key = (pubkey: PublicKey, is: "" | "w" | "s" | "ws" = "") => ({
  pubkey,
  isWritable: is.includes("w"),
  isSigner: is.includes("s"),
});
