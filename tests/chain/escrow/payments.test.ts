import { describe, expect, test } from "bun:test";
import { Keypair, SystemProgram } from "@solana/web3.js";
import { approveAllowance, configure, ensureTokenAccount, escrowAddress } from "../../../src/chain/escrow/index.ts";
import { sharesOf } from "../../../src/domain/payment.ts";
import { seeded } from "../../support/seeded.ts";
import { expectAccepted, expectRefused, newJob, PURSE, Scene, SIGNATURE } from "./scene.ts";
import { spl, withAmount } from "./vm.ts";

describe("an escrow", () => {
  test("holds what the user locked and records what was agreed", async () => {
    const scene = await Scene.make();
    const job = newJob();
    const deadline = scene.deadline;
    expectAccepted(scene.vm.run([scene.create({ job, amount: 12_345n, deadline })], scene.user));
    expect(scene.vm.tokens(scene.vault(job))).toBe(12_345n);
    expect(scene.balances().user).toBe(PURSE - 12_345n);
    expect(scene.escrow(job)).toEqual({
      job,
      serial: 1n,
      user: scene.user.publicKey,
      node: null,
      rentPayer: scene.user.publicKey,
      mint: scene.mint,
      treasury: scene.treasury,
      amount: 12_345n,
      released: 0n,
      created: scene.vm.now,
      deadline,
      attempt: 0n,
      feeBps: 1000,
    });
    expect(scene.config.escrows).toBe(1n);
  });

  test("pays a part 90/10, then the rest, and is gone", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    expectAccepted(scene.vm.run([scene.claim(job, { amount: 300n })], scene.authority));
    expect(scene.balances()).toEqual({ user: PURSE - 1000n, node: 270n, otherNode: 0n, treasury: 30n });
    expect(scene.escrow(job).released).toBe(300n);
    expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
    expect(scene.balances()).toEqual({ user: PURSE - 1000n, node: 900n, otherNode: 0n, treasury: 100n });
    expect(scene.isClosed(job)).toBe(true);
  });

  test("gives the user back what was not earned", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    scene.vm.mustRun([scene.claim(job, { amount: 400n })], scene.authority);
    expectAccepted(scene.vm.run([scene.refund(job)], scene.authority));
    expect(scene.balances()).toEqual({ user: PURSE - 400n, node: 360n, otherNode: 0n, treasury: 40n });
    expect(scene.isClosed(job)).toBe(true);
  });

  test("pays each node for its own attempt", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    scene.vm.mustRun([scene.claim(job, { amount: 200n })], scene.authority);
    const next = { attempt: 2n, node: scene.otherNode.publicKey };
    expectAccepted(scene.vm.run([scene.assign(job, next)], scene.authority));
    expectAccepted(scene.vm.run([scene.release(job, { node: scene.otherNode.publicKey })], scene.authority));
    expect(scene.balances()).toEqual({ user: PURSE - 1000n, node: 180n, otherNode: 720n, treasury: 100n });
  });

  test("is closed by a release after all was claimed, and by a refund too", async () => {
    const scene = await Scene.make();
    for (const last of ["release", "refund"] as const) {
      const job = scene.running(1000n);
      scene.vm.mustRun([scene.claim(job, { amount: 1000n })], scene.authority);
      expectAccepted(scene.vm.run([scene[last](job)], scene.authority));
      expect(scene.isClosed(job)).toBe(true);
    }
    expect(scene.balances()).toMatchObject({ user: PURSE - 2000n, node: 1800n, treasury: 200n });
  });

  test("pays to any token account that the node's wallet owns", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    const nodeAccount = scene.vm.tokenAccount(scene.bank, scene.mint, scene.node.publicKey);
    expectAccepted(scene.vm.run([scene.release(job, { nodeAccount })], scene.authority));
    expect(scene.vm.tokens(nodeAccount)).toBe(900n);
  });

  test("lets the user take the rest back alone from the deadline on", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    scene.vm.mustRun([scene.claim(job, { amount: 100n })], scene.authority);
    scene.vm.passTime(scene.escrow(job).deadline - scene.vm.now);
    expectAccepted(scene.vm.run([scene.refund(job, { signer: scene.user.publicKey })], scene.user));
    expect(scene.balances().user).toBe(PURSE - 100n);
  });

  test("can still be paid out after the deadline while the user has not acted", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    scene.vm.passTime(1_000_000n);
    expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
    expect(scene.balances().node).toBe(900n);
  });

  test("keeps the fee and the treasury it was created with when the config changes", async () => {
    const scene = await Scene.make(1000);
    const job = scene.running(1000n);
    const treasury = scene.vm.tokenAccount(scene.bank, scene.mint, scene.bank.publicKey);
    const settings = { authority: scene.authority.publicKey, treasury, mint: scene.mint, feeBps: 5000 };
    scene.vm.mustRun([configure(scene.program, { ...settings, admin: scene.admin.publicKey })], scene.admin);
    expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
    expect(scene.balances()).toMatchObject({ node: 900n, treasury: 100n });
    const later = scene.running(1000n);
    expectAccepted(scene.vm.run([scene.release(later)], scene.authority));
    expect(scene.vm.tokens(treasury)).toBe(500n);
  });
});

describe("the fee", () => {
  test("of all parts adds up to the fee of the whole, however it was cut", async () => {
    const random = seeded(20261128);
    const pick = (most: bigint): bigint => 1n + BigInt(Math.floor(random() * Number(most)));
    for (const feeBps of [1, 333, 1000, 9999]) {
      const scene = await Scene.make(feeBps);
      for (let round = 0; round < 4; round++) {
        const before = scene.balances();
        const amount = 1000n + pick(100_000n);
        const job = scene.running(amount);
        let released = 0n;
        for (let part = 0; part < 8; part++) {
          const cut = pick((amount - released) / 3n);
          const expected = sharesOf(cut, released, feeBps);
          const were = scene.balances();
          expectAccepted(scene.vm.run([scene.claim(job, { amount: cut })], scene.authority));
          const are = scene.balances();
          expect({ node: are.node - were.node, fee: are.treasury - were.treasury }).toEqual(expected);
          released += cut;
        }
        expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
        const after = scene.balances();
        const fee = (amount * BigInt(feeBps)) / 10_000n;
        expect(after.treasury - before.treasury).toBe(fee);
        expect(after.node - before.node).toBe(amount - fee);
      }
    }
  }, 60_000);

  test.each([0, 10_000])("of %i basis points leaves one of the two with nothing", async (feeBps) => {
    const scene = await Scene.make(feeBps);
    const job = scene.running(1000n);
    scene.vm.mustRun([scene.claim(job, { amount: 7n })], scene.authority);
    expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
    const fee = BigInt(feeBps) / 10n;
    expect(scene.balances()).toMatchObject({ node: 1000n - fee, treasury: fee });
  });

  test("is exact for the largest amount there can be", async () => {
    const scene = await Scene.make(9999);
    const largest = 2n ** 64n - 1n;
    // The whole supply: the user's purse is most of it already.
    scene.vm.mintTo(scene.mint, scene.bank, scene.ata(scene.user), largest - PURSE);
    const job = scene.running(largest);
    scene.vm.mustRun([scene.claim(job, { amount: largest - 1n })], scene.authority);
    expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
    const fee = (largest * 9999n) / 10_000n;
    expect(scene.balances()).toEqual({ user: 0n, node: largest - fee, otherNode: 0n, treasury: fee });
  });
});

describe("the allowance", () => {
  test("lets the platform lock a job's price for the user and pay the rent itself", async () => {
    const scene = await Scene.make();
    const approve = approveAllowance(scene.user.publicKey, scene.ata(scene.user), scene.authority.publicKey, 1500n);
    scene.vm.mustRun([approve], scene.user);
    const job = newJob();
    const create = scene.create({ job, amount: 1000n, spender: scene.authority.publicKey });
    expectAccepted(scene.vm.run([create], scene.authority));
    expect(scene.escrow(job).user).toEqual(scene.user.publicKey);
    expect(scene.escrow(job).rentPayer).toEqual(scene.authority.publicKey);
    expectAccepted(scene.vm.run([scene.refund(job)], scene.authority));
    expect(scene.balances().user).toBe(PURSE);
  });
});

describe("the rent", () => {
  test.each(["release", "refund"] as const)("is returned to the lamport by a %s", async (last) => {
    const scene = await Scene.make();
    const payer = scene.vm.wallet();
    const before = scene.vm.lamports(payer.publicKey);
    const job = newJob();
    scene.vm.mustRun([scene.create({ job, rentPayer: payer.publicKey })], payer, scene.user);
    const held = scene.vm.rentFor(256) + scene.vm.rentFor(165);
    expect(scene.vm.lamports(payer.publicKey)).toBe(before - 2n * SIGNATURE - held);
    scene.vm.mustRun([scene.assign(job)], scene.authority);
    expectAccepted(scene.vm.run([scene[last](job)], scene.authority));
    expect(scene.vm.lamports(payer.publicKey)).toBe(before - 2n * SIGNATURE);
  });

  test.each([
    [3480, 2],
    [5080, 1],
  ])("is what the cluster asks: %i lamports a byte, times %i", async (perByte, threshold) => {
    const scene = await Scene.make();
    scene.vm.setRent(BigInt(perByte), threshold);
    const job = scene.lock();
    const size = BigInt(128 + 256);
    expect(scene.vm.lamports(escrowAddress(scene.program, job))).toBe(size * BigInt(perByte * threshold));
  });

  test("of a kind that the program does not know is not guessed", async () => {
    const scene = await Scene.make();
    scene.vm.setRent(3480n, 1.5);
    expectRefused(scene.vm.run([scene.create()], scene.user), "RENT");
  });

  test("of addresses that a stranger sent lamports to is lower, and the stranger's are the payer's in the end", async () => {
    const scene = await Scene.make();
    const job = newJob();
    // Less than the rent to one, more than it to the other.
    const fromPubkey = scene.stranger.publicKey;
    const gifts = [
      SystemProgram.transfer({ fromPubkey, toPubkey: escrowAddress(scene.program, job), lamports: 1_000_000 }),
      SystemProgram.transfer({ fromPubkey, toPubkey: scene.vault(job), lamports: 9_000_000 }),
    ];
    scene.vm.mustRun(gifts, scene.stranger);
    const before = scene.vm.lamports(scene.user.publicKey);
    expectAccepted(scene.vm.run([scene.create({ job })], scene.user));
    expect(scene.vm.lamports(scene.user.publicKey)).toBe(before - SIGNATURE - (scene.vm.rentFor(256) - 1_000_000n));
    expectAccepted(scene.vm.run([scene.refund(job)], scene.authority));
    expect(scene.vm.lamports(scene.user.publicKey)).toBe(before - SIGNATURE + 10_000_000n);
    expect(scene.balances().user).toBe(PURSE);
  });

  test("sent to an escrow in the transaction that closes it keeps no account of the program's alive", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    const place = escrowAddress(scene.program, job);
    const revive = SystemProgram.transfer({
      fromPubkey: scene.authority.publicKey,
      toPubkey: place,
      lamports: 5_000_000,
    });
    expectAccepted(scene.vm.run([scene.refund(job), revive], scene.authority));
    expect(scene.vm.owner(place)).toEqual(SystemProgram.programId);
    expect(scene.vm.data(place)).toHaveLength(0);
    expectAccepted(scene.vm.run([scene.create({ job })], scene.user));
  });
});

describe("tokens that a stranger sends to a vault", () => {
  const gift = (scene: Scene, job: ReturnType<typeof newJob>): void => {
    scene.vm.mintTo(scene.mint, scene.bank, scene.ata(scene.stranger), 55n);
    const accounts = [scene.ata(scene.stranger), scene.vault(job)] as const;
    scene.vm.mustRun(
      [spl(withAmount(3, 55n), [accounts[0], "w"], [accounts[1], "w"], [scene.stranger.publicKey, "s"])],
      scene.stranger,
    );
  };

  test("go to the treasury with the last payment, and do not keep it from being made", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    gift(scene, job);
    expectAccepted(scene.vm.run([scene.claim(job, { amount: 300n })], scene.authority));
    expect(scene.balances()).toMatchObject({ node: 270n, treasury: 30n });
    expectAccepted(scene.vm.run([scene.release(job)], scene.authority));
    expect(scene.balances()).toMatchObject({ node: 900n, treasury: 155n });
    expect(scene.isClosed(job)).toBe(true);
  });

  test("go to the user with a refund", async () => {
    const scene = await Scene.make();
    const job = scene.lock(1000n);
    gift(scene, job);
    expectAccepted(scene.vm.run([scene.refund(job)], scene.authority));
    expect(scene.balances().user).toBe(PURSE + 55n);
    expect(scene.isClosed(job)).toBe(true);
  });
});

test("a payment and what makes the node's account first fit into one transaction", async () => {
  const scene = await Scene.make();
  const job = scene.lock(1000n);
  const newcomer = Keypair.generate();
  scene.vm.mustRun([scene.assign(job, { node: newcomer.publicKey })], scene.authority);
  const ensure = ensureTokenAccount(scene.authority.publicKey, newcomer.publicKey, scene.mint);
  expectAccepted(scene.vm.run([ensure, scene.release(job, { node: newcomer.publicKey })], scene.authority));
  expect(scene.vm.tokens(scene.ata(newcomer))).toBe(900n);
});
