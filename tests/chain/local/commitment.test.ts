import { describe, expect, test } from "bun:test";
import { RecentChanges } from "../../../src/chain/local/commitment.ts";
import { LAG } from "../../../src/chain/local/index.ts";
import { decoded, openWorld, SOL, signed, someone, transfer } from "./world.ts";

describe("a transaction", () => {
  test("is processed at once, confirmed after one slot and finalized after two", async () => {
    const world = openWorld();
    const payer = world.wallet();
    const raw = signed(world, [transfer(payer, someone(), SOL)], [payer]);
    const connection = world.connection();
    const signature = await connection.sendRawTransaction(raw);
    const status = async () => (await connection.getSignatureStatuses([signature])).value[0];
    expect(await status()).toMatchObject({ confirmationStatus: "processed", confirmations: 0, err: null });
    expect(await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 })).toBeNull();
    expect(await connection.getSignaturesForAddress(payer.publicKey)).toHaveLength(1);
    world.pass(LAG.confirmed);
    expect(await connection.getSignaturesForAddress(payer.publicKey)).toHaveLength(2);
    expect(await connection.getSignaturesForAddress(payer.publicKey, {}, "finalized")).toHaveLength(1);
    expect(await status()).toMatchObject({ confirmationStatus: "confirmed", confirmations: 1 });
    expect(await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 })).not.toBeNull();
    const final = { commitment: "finalized", maxSupportedTransactionVersion: 0 } as const;
    expect(await connection.getTransaction(signature, final)).toBeNull();
    world.pass(LAG.finalized - LAG.confirmed);
    expect(await status()).toMatchObject({ confirmationStatus: "finalized", confirmations: null });
    expect(await connection.getTransaction(signature, final)).not.toBeNull();
  });
});

describe("a balance", () => {
  test("is what it was until its change has the commitment that is asked for", async () => {
    const world = openWorld();
    const payer = world.wallet();
    const to = someone();
    const connection = world.connection();
    const balances = () =>
      Promise.all((["processed", "confirmed", "finalized"] as const).map((one) => connection.getBalance(to, one)));
    const give = (lamports: number) =>
      world.chain.execute(decoded(signed(world, [transfer(payer, to, lamports)], [payer])));
    give(1_000_000);
    expect(await balances()).toEqual([1_000_000, 0, 0]);
    world.pass(1);
    give(2_000_000);
    give(3_000_000);
    expect(await balances()).toEqual([6_000_000, 1_000_000, 0]);
    world.pass(1);
    expect(await balances()).toEqual([6_000_000, 6_000_000, 1_000_000]);
    world.pass(1);
    expect(await balances()).toEqual([6_000_000, 6_000_000, 6_000_000]);
  });

  test("of tokens is found by owner at the commitment that is asked for", async () => {
    const world = openWorld();
    const wallet = someone();
    const connection = world.connection();
    world.fund(wallet, { tokens: 5n });
    const found = async (commitment: "processed" | "confirmed" | "finalized") =>
      (await connection.getTokenAccountsByOwner(wallet, { mint: world.mint }, commitment)).value.length;
    expect([await found("processed"), await found("confirmed"), await found("finalized")]).toEqual([1, 0, 0]);
    world.pass(2);
    expect([await found("processed"), await found("confirmed"), await found("finalized")]).toEqual([1, 1, 1]);
  });
});

test("a blockhash of a commitment is the one of its slot, and lives as much shorter", () => {
  const world = openWorld();
  const [newest, final] = [world.chain.latestBlockhash("processed"), world.chain.latestBlockhash("finalized")];
  expect(final.lastValidBlockHeight).toBe(newest.lastValidBlockHeight - LAG.finalized);
  expect(final.blockhash).not.toBe(newest.blockhash);
});

test("what was before is forgotten once nobody can ask for it", () => {
  const recent = new RecentChanges();
  recent.add("a", 10, null);
  recent.settle(11);
  expect([...recent.addresses()]).toEqual(["a"]);
  recent.settle(12);
  expect([...recent.addresses()]).toEqual([]);
});
