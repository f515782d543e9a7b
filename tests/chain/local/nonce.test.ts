import { describe, expect, test } from "bun:test";
import {
  Keypair,
  NONCE_ACCOUNT_LENGTH,
  NonceAccount,
  SystemProgram,
  type TransactionInstruction,
} from "@solana/web3.js";
import { decoded, execute, lamportsOf, openWorld, SOL, signed, someone, transfer, type World } from "./world.ts";

function arrange() {
  const world = openWorld();
  const payer = world.wallet();
  const nonce = Keypair.generate();
  const create = SystemProgram.createNonceAccount({
    fromPubkey: payer.publicKey,
    noncePubkey: nonce.publicKey,
    authorizedPubkey: payer.publicKey,
    lamports: Number(world.chain.rentExemption(NONCE_ACCOUNT_LENGTH)),
  });
  expect(execute(world, create.instructions, [payer, nonce])).toMatchObject({ meta: { err: null } });
  return { world, payer, nonce };
}

const nonceOf = (world: World, nonce: Keypair): string =>
  NonceAccount.fromAccountData(Buffer.from(world.chain.account(nonce.publicKey.toBytes(), "processed")!.data)).nonce;

/** A transaction that names the nonce's present value. */
function durable(world: World, nonce: Keypair, authority: Keypair, ...then: TransactionInstruction[]): Uint8Array {
  const advance = SystemProgram.nonceAdvance({ noncePubkey: nonce.publicKey, authorizedPubkey: authority.publicKey });
  return signed(world, [advance, ...then], [authority], nonceOf(world, nonce));
}

describe("a transaction with a durable nonce", () => {
  test("outlives every blockhash, and uses its nonce up", () => {
    const { world, payer, nonce } = arrange();
    const to = someone();
    const raw = durable(world, nonce, payer, transfer(payer, to, SOL));
    const rival = durable(world, nonce, payer, transfer(payer, to, 2n * SOL));
    const before = nonceOf(world, nonce);
    world.pass(100_000);
    expect(world.chain.execute(decoded(raw))).toMatchObject({ kind: "landed", meta: { err: null } });
    expect(nonceOf(world, nonce)).not.toBe(before);
    expect(world.chain.execute(decoded(raw))).toEqual({ kind: "refused", error: "AlreadyProcessed" });
    expect(world.chain.execute(decoded(rival))).toEqual({ kind: "refused", error: "BlockhashNotFound" });
    expect(lamportsOf(world, to)).toBe(SOL);
  });

  test("that fails pays its fee and uses its nonce up as well, for good", () => {
    const { world, payer, nonce } = arrange();
    const raw = durable(world, nonce, payer, transfer(payer, someone(), 500n * SOL));
    const [value, lamports] = [nonceOf(world, nonce), lamportsOf(world, payer.publicKey)];
    expect(world.chain.execute(decoded(raw))).toMatchObject({
      meta: { err: { InstructionError: [1, { Custom: 1 }] } },
    });
    expect(nonceOf(world, nonce)).not.toBe(value);
    expect(lamportsOf(world, payer.publicKey)).toBe(lamports - 5000n);
    const stored = [...world.chain.ledger.accounts()].find(({ address }) =>
      nonce.publicKey.toBuffer().equals(address),
    )!;
    expect(NonceAccount.fromAccountData(Buffer.from(stored.account.data)).nonce).toBe(nonceOf(world, nonce));
    const next = durable(world, nonce, payer, transfer(payer, someone(), SOL));
    expect(world.chain.execute(decoded(next))).toMatchObject({ kind: "landed", meta: { err: null } });
  });

  test("cannot use the nonce of somebody else up", () => {
    const { world, nonce } = arrange();
    const stranger = world.wallet();
    const before = nonceOf(world, nonce);
    const raw = durable(world, nonce, stranger, transfer(stranger, someone(), SOL));
    expect(world.chain.execute(decoded(raw))).toEqual({ kind: "refused", error: "BlockhashNotFound" });
    expect(nonceOf(world, nonce)).toBe(before);
  });
});
