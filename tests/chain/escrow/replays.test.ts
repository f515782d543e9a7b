import { describe, expect, test } from "bun:test";
import { expectAccepted, expectRefused, newJob, PURSE, Scene } from "./scene.ts";

/** The same instruction in another transaction: what a sender does who took the first for lost. */
describe("the same instruction sent twice", () => {
  test("pays a claim once", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    const claim = scene.claim(job, { amount: 100n });
    expectAccepted(scene.vm.run([claim], scene.authority));
    const after = scene.balances();
    expectRefused(scene.vm.run([claim], scene.authority), "STALE_RELEASED");
    expect(scene.balances()).toEqual(after);
  });

  test("pays a claim once within one transaction too, and then not at all", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    const claim = scene.claim(job, { amount: 100n });
    expectRefused(scene.vm.run([claim, claim], scene.authority), "STALE_RELEASED");
    expect(scene.balances().node).toBe(0n);
    expect(scene.escrow(job).released).toBe(0n);
  });

  test.each(["release", "refund"] as const)("ends an escrow by a %s once", async (last) => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    const request = scene[last](job);
    expectAccepted(scene.vm.run([request], scene.authority));
    const after = scene.balances();
    expectRefused(scene.vm.run([request], scene.authority), "ESCROW");
    expect(scene.balances()).toEqual(after);
  });

  test("locks a job's price once", async () => {
    const scene = await Scene.make();
    const create = scene.create();
    expectAccepted(scene.vm.run([create], scene.user));
    expectRefused(scene.vm.run([create], scene.user), "EXISTS");
    expect(scene.balances().user).toBe(PURSE - 1000n);
  });

  test("assigns once", async () => {
    const scene = await Scene.make();
    const job = scene.lock();
    const assign = scene.assign(job);
    expectAccepted(scene.vm.run([assign], scene.authority));
    expectRefused(scene.vm.run([assign], scene.authority), "STALE_ATTEMPT");
  });
});

describe("an instruction that arrives late", () => {
  test("does not bring back an earlier assignment", async () => {
    const scene = await Scene.make();
    const job = scene.lock();
    const first = scene.assign(job);
    scene.vm.mustRun([scene.assign(job, { attempt: 2n, node: scene.otherNode.publicKey })], scene.authority);
    expectRefused(scene.vm.run([first], scene.authority), "STALE_ATTEMPT");
    expect(scene.escrow(job).node).toEqual(scene.otherNode.publicKey);
  });

  test("does not pay the same node for an attempt that is over", async () => {
    const scene = await Scene.make();
    const job = scene.running();
    const late = [scene.claim(job), scene.release(job)];
    scene.vm.mustRun([scene.assign(job, { attempt: 2n })], scene.authority);
    for (const request of late) expectRefused(scene.vm.run([request], scene.authority), "STALE_ATTEMPT");
    expect(scene.balances().node).toBe(0n);
  });

  test("does not assign over a payment that it knew nothing of", async () => {
    const scene = await Scene.make();
    const job = scene.running();
    const late = scene.assign(job, { attempt: 2n, node: scene.otherNode.publicKey });
    scene.vm.mustRun([scene.claim(job)], scene.authority);
    expectRefused(scene.vm.run([late], scene.authority), "STALE_RELEASED");
  });

  test("does not touch a later escrow of the same job id, by the authority's word or the user's", async () => {
    const scene = await Scene.make();
    const job = newJob();
    scene.vm.mustRun([scene.create({ job })], scene.user);
    const assign = scene.assign(job);
    scene.vm.mustRun([assign], scene.authority);
    const late = [assign, scene.claim(job), scene.release(job), scene.refund(job)];
    const lateUser = scene.refund(job, { signer: scene.user.publicKey });
    scene.vm.mustRun([scene.refund(job)], scene.authority);
    scene.vm.mustRun([scene.create({ job, deadline: scene.vm.now + 10n })], scene.user);
    expectRefused(scene.vm.run([assign], scene.authority), "STALE_SERIAL");
    // Even when the new one has come to the same attempt and amount.
    scene.vm.mustRun([scene.assign(job)], scene.authority);
    for (const request of late) expectRefused(scene.vm.run([request], scene.authority), "STALE_SERIAL");
    scene.vm.passTime(10n);
    expectRefused(scene.vm.run([lateUser], scene.user), "STALE_SERIAL");
    expect(scene.vm.tokens(scene.vault(job))).toBe(1000n);
    expect(scene.escrow(job).serial).toBe(2n);
  });

  test("does so even if the escrow was closed and made again in one transaction", async () => {
    const scene = await Scene.make();
    const job = scene.running();
    const late = scene.claim(job);
    scene.vm.mustRun([scene.refund(job), scene.create({ job })], scene.authority, scene.user);
    scene.vm.mustRun([scene.assign(job)], scene.authority);
    expectRefused(scene.vm.run([late], scene.authority), "STALE_SERIAL");
    expectAccepted(scene.vm.run([scene.claim(job)], scene.authority));
  });
});

test("a stranger who takes a job id first costs the user another id and no money", async () => {
  const scene = await Scene.make();
  scene.vm.mintTo(scene.mint, scene.bank, scene.ata(scene.stranger), 1n);
  const job = newJob();
  scene.vm.mustRun([scene.create({ job, amount: 1n, user: scene.stranger.publicKey })], scene.stranger);
  expectRefused(scene.vm.run([scene.create({ job })], scene.user), "EXISTS");
  expect(scene.balances().user).toBe(PURSE);
  expect(scene.escrow(job).user).toEqual(scene.stranger.publicKey);
});
