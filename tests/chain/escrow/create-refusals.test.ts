import { test } from "bun:test";
import type { Keypair } from "@solana/web3.js";
import { approveAllowance, type createEscrow, escrowAddress, TOKEN_PROGRAM } from "../../../src/chain/escrow/index.ts";
import {
  type Accepted,
  account,
  forgedConfig,
  notWritable,
  refuses,
  type Spoil,
  shape,
  signedBy,
  tampered,
  unsigned,
} from "./refusals.ts";
import { expectAccepted, expectRefused, newJob, PURSE, Scene } from "./scene.ts";

const foreignMint = (scene: Scene) => scene.vm.mint(scene.bank);

// create_escrow: 0 rent payer, 1 spender, 2 user, 3 source, 4 config, 5 escrow, 6 vault, 7 mint, 8 Token, 9 System

const creating: Accepted = {
  prepare: () => newJob(),
  request: (scene, job) => ({
    instruction: scene.create({ job, rentPayer: scene.bank.publicKey }),
    signers: [scene.bank, scene.user],
  }),
};

/** The same job with other terms. */
const terms =
  (given: (scene: Scene) => Partial<Parameters<typeof createEscrow>[1]>): Spoil =>
  (scene, job, request) => {
    request.instruction = scene.create({ job, rentPayer: scene.bank.publicKey, ...given(scene) });
  };

/** The authority spends for the user, who approved `allowance` for `delegate`. */
const delegated =
  (allowance: bigint, delegate: (scene: Scene) => Keypair, spender = delegate): Spoil =>
  (scene, job, request) => {
    const approve = approveAllowance(scene.user.publicKey, scene.ata(scene.user), delegate(scene).publicKey, allowance);
    scene.vm.mustRun([approve], scene.user);
    request.instruction = scene.create({ job, amount: 1000n, spender: spender(scene).publicKey });
    request.signers = [spender(scene)];
  };

refuses("create_escrow", creating, [
  ...shape,
  ...forgedConfig(4),
  ["a user who does not sign", "SIGNATURE", unsigned(1)],
  ["a rent payer who does not sign", "SIGNATURE", unsigned(0)],
  ["a stranger who spends the user's tokens", "NOT_USER", signedBy(1, (scene) => scene.stranger)],
  ["a stranger as the user's delegate", "NOT_USER", delegated(5000n, (scene) => scene.stranger)],
  ["the authority without an allowance", "ALLOWANCE", signedBy(1, (scene) => scene.authority)],
  ["more than the allowance", "ALLOWANCE", delegated(999n, (scene) => scene.authority)],
  [
    "an allowance given to another",
    "ALLOWANCE",
    delegated(
      5000n,
      (scene) => scene.stranger,
      (scene) => scene.authority,
    ),
  ],
  ["a stranger's tokens", "SOURCE", account(3, (scene) => scene.ata(scene.stranger))],
  [
    "the user's tokens for a stranger's escrow",
    "SOURCE",
    (scene, job, request) => {
      request.instruction = scene.create({ job, user: scene.stranger.publicKey, source: scene.ata(scene.user) });
      request.signers = [scene.stranger];
    },
  ],
  [
    "tokens of another mint",
    "SOURCE",
    (scene, job, request) => {
      const other = foreignMint(scene);
      scene.fund(scene.user, 5000n, other);
      request.instruction = scene.create({ job, source: scene.ata(scene.user, other) });
    },
  ],
  ["another mint", "MINT", account(7, foreignMint)],
  [
    "a mint that is none any more",
    "MINT",
    tampered(
      (scene) => scene.mint,
      (data) => data.writeUInt8(0, 45),
    ),
  ],
  [
    "a frozen purse",
    "SOURCE",
    tampered(
      (scene) => scene.ata(scene.user),
      (data) => data.writeUInt8(2, 108),
    ),
  ],
  ["more than the user has", "FUNDS", terms(() => ({ amount: PURSE + 1n }))],
  ["nothing", "AMOUNT", terms(() => ({ amount: 0n }))],
  ["a deadline that is now", "DEADLINE", terms((scene) => ({ deadline: scene.vm.now }))],
  ["a deadline before 1970", "DEADLINE", terms(() => ({ deadline: 2n ** 64n - 1n }))],
  ["a deadline beyond 366 days", "DEADLINE", terms((scene) => ({ deadline: scene.vm.now + 366n * 86_400n + 1n }))],
  ["another job's escrow", "ADDRESS", account(5, (scene) => escrowAddress(scene.program, newJob()))],
  ["another job's vault", "VAULT", account(6, (scene) => scene.vault(newJob()))],
  ["a token account of the user's for a vault", "VAULT", account(6, (scene) => scene.ata(scene.user))],
  ["another Token program", "PROGRAM", account(8, (scene) => scene.program)],
  ["another System program", "PROGRAM", account(9, () => TOKEN_PROGRAM)],
  ["a purse that is not writable", "NOT_WRITABLE", notWritable(3)],
  ["a config that is not writable", "NOT_WRITABLE", notWritable(4)],
  ["an escrow that is not writable", "NOT_WRITABLE", notWritable(5)],
  ["a vault that is not writable", "NOT_WRITABLE", notWritable(6)],
  [
    "a rent payer that is not writable",
    "NOT_WRITABLE",
    (scene, job, request) => {
      notWritable(0)(scene, job, request);
      // Who pays the fee is writable whatever the instruction says.
      request.signers = request.signers.toReversed();
    },
  ],
]);

test("an allowance is used up by the jobs locked under it", async () => {
  const scene = await Scene.make();
  const approve = approveAllowance(scene.user.publicKey, scene.ata(scene.user), scene.authority.publicKey, 1500n);
  scene.vm.mustRun([approve], scene.user);
  const spender = scene.authority.publicKey;
  expectAccepted(scene.vm.run([scene.create({ spender })], scene.authority));
  expectRefused(scene.vm.run([scene.create({ spender, amount: 501n })], scene.authority), "ALLOWANCE");
  expectAccepted(scene.vm.run([scene.create({ spender, amount: 500n })], scene.authority));
});
