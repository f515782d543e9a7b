import { describe, expect, test } from "bun:test";
import { ComputeBudgetProgram, Keypair, PublicKey, SystemProgram, TransactionInstruction } from "@solana/web3.js";
import { feeOf } from "../../../src/chain/local/fees.ts";
import { BLOCKHASH_SLOTS, SLOT_MS } from "../../../src/chain/local/index.ts";
import { deploy, programThatReturns } from "./program.ts";
import { decoded, execute, lamportsOf, openWorld, SOL, START, signed, someone, transfer } from "./world.ts";

describe("a transaction", () => {
  test("moves lamports and charges its fee", () => {
    const world = openWorld();
    const payer = world.wallet(2n * SOL);
    const to = someone();
    const outcome = execute(world, [transfer(payer, to, SOL)], [payer]);
    expect(outcome).toMatchObject({ kind: "landed", meta: { err: null, fee: 5000, computeUnitsConsumed: 150 } });
    expect(lamportsOf(world, to)).toBe(SOL);
    expect(lamportsOf(world, payer.publicKey)).toBe(SOL - 5000n);
  });

  test("that fails on chain charges its fee, changes nothing else and is on record", () => {
    const world = openWorld();
    const payer = world.wallet(2n * SOL);
    const to = someone();
    const raw = signed(world, [transfer(payer, to, SOL), transfer(payer, to, 5n * SOL)], [payer]);
    const outcome = world.chain.execute(decoded(raw));
    expect(outcome).toMatchObject({
      kind: "landed",
      meta: { err: { InstructionError: [1, { Custom: 1 }] }, fee: 5000 },
    });
    expect(lamportsOf(world, to)).toBe(0n);
    expect(lamportsOf(world, payer.publicKey)).toBe(2n * SOL - 5000n);
    expect(world.chain.ledger.queries.transaction(decoded(raw).signature)?.error).toBe(
      '{"InstructionError":[1,{"Custom":1}]}',
    );
  });

  test("whose payer has nothing is refused and leaves no trace", () => {
    const world = openWorld();
    const poor = Keypair.generate();
    const raw = signed(world, [transfer(poor, someone(), 1)], [poor]);
    expect(world.chain.execute(decoded(raw))).toEqual({ kind: "refused", error: "AccountNotFound" });
    expect(world.chain.ledger.queries.has(decoded(raw).signature)).toBe(false);
  });

  test("whose signature is not the signer's is refused", () => {
    const world = openWorld();
    const payer = world.wallet();
    const raw = signed(world, [transfer(payer, someone(), 1)], [payer]);
    raw[10]! ^= 1;
    expect(world.chain.execute(decoded(raw))).toEqual({ kind: "refused", error: "SignatureFailure" });
  });

  test("is executed once, however many others come between", () => {
    const world = openWorld();
    const payer = world.wallet();
    const to = someone();
    const raw = signed(world, [transfer(payer, to, SOL)], [payer]);
    expect(world.chain.execute(decoded(raw)).kind).toBe("landed");
    for (let other = 1; other <= 40; other++) execute(world, [transfer(payer, someone(), other * 1_000_000)], [payer]);
    expect(world.chain.execute(decoded(raw))).toEqual({ kind: "refused", error: "AlreadyProcessed" });
    expect(lamportsOf(world, to)).toBe(SOL);
  });

  test("that names one account twice is refused, so no lamports come of it", () => {
    const world = openWorld();
    const payer = world.wallet();
    const raw = signed(world, [transfer(payer, someone(), SOL)], [payer]);
    // The second key of the message becomes the first: behind signature, header and count of keys.
    const keys = 65 + 3 + 1;
    raw.copyWithin(keys + 32, keys, keys + 32);
    const { error } = world.chain.simulate(decoded(raw), { verify: false, anyBlockhash: false });
    expect(error).toBe("AccountLoadedTwice");
  });

  test("pays for the priority it bids, and the fee is known beforehand", () => {
    const world = openWorld();
    const payer = world.wallet();
    const bid = ComputeBudgetProgram.setComputeUnitPrice({ microLamports: 1_000_001 });
    const limit = ComputeBudgetProgram.setComputeUnitLimit({ units: 20_000 });
    for (const extra of [[], [bid], [bid, limit]]) {
      const raw = signed(world, [...extra, transfer(payer, someone(), SOL / 10n)], [payer]);
      const outcome = world.chain.execute(decoded(raw));
      expect(outcome).toMatchObject({ meta: { err: null, fee: Number(feeOf(decoded(raw).message)) } });
    }
  });
});

describe("a blockhash", () => {
  test("is good for 150 slots and not for one more", () => {
    const world = openWorld();
    const payer = world.wallet();
    const { blockhash, lastValidBlockHeight } = world.chain.latestBlockhash("processed");
    const first = signed(world, [transfer(payer, someone(), SOL)], [payer], blockhash);
    const second = signed(world, [transfer(payer, someone(), SOL)], [payer], blockhash);
    world.pass(BLOCKHASH_SLOTS);
    expect(world.chain.slot("processed")).toBe(lastValidBlockHeight);
    expect(world.chain.execute(decoded(first)).kind).toBe("landed");
    world.pass(1);
    expect(world.chain.isBlockhashValid(blockhash)).toBe(false);
    expect(world.chain.execute(decoded(second))).toEqual({ kind: "refused", error: "BlockhashNotFound" });
  });

  test("of another chain is unknown", () => {
    const [here, there] = [openWorld(), openWorld()];
    const payer = here.wallet();
    const raw = signed(there, [transfer(payer, someone(), SOL)], [payer]);
    expect(here.chain.execute(decoded(raw))).toEqual({ kind: "refused", error: "BlockhashNotFound" });
  });

  test("is still good after a leap in time of less than the window, and none is after a longer one", () => {
    const world = openWorld();
    const { blockhash } = world.chain.latestBlockhash("processed");
    world.pass(100);
    expect(world.chain.isBlockhashValid(blockhash)).toBe(true);
    world.pass(1_000_000);
    expect(world.chain.isBlockhashValid(blockhash)).toBe(false);
    expect(world.chain.isBlockhashValid(world.chain.latestBlockhash("finalized").blockhash)).toBe(true);
  });
});

describe("time", () => {
  test("passes by a slot every 400 ms, without anybody turning a wheel", () => {
    const world = openWorld();
    const before = world.chain.slot("processed");
    world.setTime(START + 2 * SLOT_MS + 399);
    expect(world.chain.slot("processed")).toBe(before);
    world.setTime(START + 2 * SLOT_MS + 400);
    expect(world.chain.slot("processed")).toBe(before + 1);
    world.setTime(START + 3 * SLOT_MS + 3_600_000);
    expect(world.chain.slot("processed")).toBe(before + 1 + 9000);
  });

  test("stands still while the wall clock is set back, and goes on from there", () => {
    const world = openWorld();
    world.pass(1000);
    const before = world.chain.slot("processed");
    world.setTime(START - 86_400_000);
    expect(world.chain.slot("processed")).toBe(before);
    world.pass(3);
    expect(world.chain.slot("processed")).toBe(before + 3);
  });

  test("reaches programs: the clock they read is the server's, to the second", () => {
    const world = openWorld();
    const payer = world.wallet();
    const clock = new PublicKey("SysvarC1ock11111111111111111111111111111111");
    for (const at of [START + 10_000, START + 86_400_000]) {
      world.setTime(at);
      execute(world, [transfer(payer, someone(), SOL / 100n)], [payer]);
      const { data } = world.chain.account(clock.toBytes(), "processed")!;
      const view = new DataView(data.buffer, data.byteOffset);
      expect(view.getBigInt64(32, true)).toBe(BigInt(Math.floor(at / 1000)));
      expect(view.getBigUint64(0, true)).toBe(BigInt(world.chain.slot("processed")));
    }
  });
});

describe("a program", () => {
  test("is deployed through the upgradeable loader and called", () => {
    const world = openWorld();
    const payer = world.wallet();
    for (const [code, err] of [
      [0, null],
      [7, { InstructionError: [0, { Custom: 7 }] }],
    ] as const) {
      const program = deploy(world, payer, programThatReturns(code));
      const call = new TransactionInstruction({ programId: program, keys: [], data: Buffer.alloc(0) });
      expect(execute(world, [call], [payer])).toMatchObject({ kind: "landed", meta: { err } });
    }
  });

  test("in a format that clusters are about to refuse is refused", () => {
    const world = openWorld();
    const payer = world.wallet();
    // The memo program has been there since before the format; a cluster keeps it, and deploys no more like it.
    const memo = new PublicKey("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    const elf = world.chain.account(memo.toBytes(), "processed")!.data;
    expect(new DataView(elf.buffer, elf.byteOffset).getUint32(48, true)).toBe(0);
    expect(() => deploy(world, payer, elf)).toThrow("sbpf_version required by the executable which are not enabled");
  });
});

test("an account that is emptied is gone", () => {
  const world = openWorld();
  const [payer, other] = [world.wallet(), world.wallet(SOL)];
  execute(
    world,
    [SystemProgram.transfer({ fromPubkey: other.publicKey, toPubkey: payer.publicKey, lamports: SOL })],
    [payer, other],
  );
  expect(world.chain.account(other.publicKey.toBytes(), "processed")).toBeNull();
  expect([...world.chain.ledger.accounts()].some(({ address }) => other.publicKey.equals(new PublicKey(address)))).toBe(
    false,
  );
});
