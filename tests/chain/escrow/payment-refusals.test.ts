import { expect, test } from "bun:test";
import { Keypair, SystemProgram } from "@solana/web3.js";
import { configure, escrowAddress } from "../../../src/chain/escrow/index.ts";
import {
  account,
  badVault,
  forgedConfig,
  forgedEscrow,
  notWritable,
  type Refusal,
  refuses,
  type Spoil,
  shape,
  signedBy,
  tampered,
  unsigned,
} from "./refusals.ts";
import { expectAccepted, expectRefused, PURSE, Scene } from "./scene.ts";

const foreignMint = (scene: Scene) => scene.vm.mint(scene.bank);

// assign: 0 authority, 1 config, 2 escrow

refuses(
  "assign",
  {
    prepare: (scene) => scene.running(),
    request: (scene, job) => ({ instruction: scene.assign(job, { attempt: 7n }), signers: [scene.authority] }),
  },
  [
    ...shape,
    ...forgedConfig(1),
    ...forgedEscrow(2),
    ["the user's word", "NOT_AUTHORITY", signedBy(0, (scene) => scene.user)],
    ["the node's word", "NOT_AUTHORITY", signedBy(0, (scene) => scene.node)],
    ["an authority who does not sign", "SIGNATURE", unsigned(0)],
    [
      "the attempt that is assigned",
      "STALE_ATTEMPT",
      (scene, job, request) => {
        request.instruction = scene.assign(job, { attempt: 1n, node: scene.otherNode.publicKey });
      },
    ],
    [
      "no node",
      "KEY",
      (scene, job, request) => {
        request.instruction = scene.assign(job, { attempt: 7n, node: SystemProgram.programId });
      },
    ],
    [
      "another released amount",
      "STALE_RELEASED",
      (scene, job, request) => {
        request.instruction = scene.assign(job, { attempt: 7n }, { ...scene.escrow(job), released: 1n });
      },
    ],
    [
      "another serial",
      "STALE_SERIAL",
      (scene, job, request) => {
        request.instruction = scene.assign(job, { attempt: 7n }, { ...scene.escrow(job), serial: 99n });
      },
    ],
  ],
);

// claim: 0 authority, 1 config, 2 escrow, 3 vault, 4 node's account, 5 treasury, 6 Token; release_payment: 7 rent payer

type Given = { readonly authority?: Keypair["publicKey"] };
const paying = (kind: "claim" | "release"): readonly Refusal[] => {
  const believing =
    (change: object): Spoil =>
    (scene, job, request) => {
      request.instruction = scene[kind](job, {} as Given, { ...scene.escrow(job), ...change });
    };
  return [
    ...shape,
    ...forgedConfig(1),
    ...forgedEscrow(2),
    ...badVault(3),
    ["the user's word", "NOT_AUTHORITY", signedBy(0, (scene) => scene.user)],
    ["the node's word", "NOT_AUTHORITY", signedBy(0, (scene) => scene.node)],
    ["the admin's word", "NOT_AUTHORITY", signedBy(0, (scene) => scene.admin)],
    ["an authority who does not sign", "SIGNATURE", unsigned(0)],
    ["another node's account", "NODE_ACCOUNT", account(4, (scene) => scene.ata(scene.otherNode))],
    ["the user's account for the node's", "NODE_ACCOUNT", account(4, (scene) => scene.ata(scene.user))],
    [
      "the node's account in another token",
      "NODE_ACCOUNT",
      account(4, (scene) => {
        const mint = foreignMint(scene);
        return scene.vm.tokenAccount(scene.bank, mint, scene.node.publicKey);
      }),
    ],
    [
      "a frozen account of the node's",
      "NODE_ACCOUNT",
      tampered(
        (scene) => scene.ata(scene.node),
        (data) => data.writeUInt8(2, 108),
      ),
    ],
    [
      "an account of the node's that does not exist",
      "NODE_ACCOUNT",
      account(4, (scene) => scene.ata(Keypair.generate(), scene.mint)),
    ],
    ["a node's account that is not writable", "NOT_WRITABLE", notWritable(4)],
    [
      "the vault for the account of a node that is the escrow itself",
      "NODE_ACCOUNT",
      (scene, job, request) => {
        const node = escrowAddress(scene.program, job);
        scene.vm.mustRun([scene.assign(job, { attempt: 2n, node })], scene.authority);
        request.instruction = scene[kind](job, { nodeAccount: scene.vault(job) });
        return () => scene.vm.mustRun([scene.assign(job, { attempt: 3n })], scene.authority);
      },
    ],
    [
      "another treasury",
      "TREASURY",
      account(5, (scene) => scene.vm.tokenAccount(scene.bank, scene.mint, scene.bank.publicKey)),
    ],
    [
      "a frozen treasury",
      "TREASURY",
      tampered(
        (scene) => scene.treasury,
        (data) => data.writeUInt8(2, 108),
      ),
    ],
    ["a treasury that is not writable", "NOT_WRITABLE", notWritable(5)],
    ["another Token program", "PROGRAM", account(6, (scene) => scene.program)],
    ["another serial", "STALE_SERIAL", believing({ serial: 99n })],
    ["another released amount", "STALE_RELEASED", believing({ released: 1n })],
    ["an earlier attempt", "STALE_ATTEMPT", believing({ attempt: 0n })],
    ["a later attempt", "STALE_ATTEMPT", believing({ attempt: 2n })],
  ];
};

refuses(
  "claim",
  {
    prepare: (scene) => scene.running(),
    request: (scene, job) => ({ instruction: scene.claim(job), signers: [scene.authority] }),
  },
  [
    ...paying("claim"),
    [
      "nothing",
      "AMOUNT",
      (scene, job, request) => {
        request.instruction = scene.claim(job, { amount: 0n });
      },
    ],
    [
      "one unit more than there is",
      "AMOUNT",
      (scene, job, request) => {
        request.instruction = scene.claim(job, { amount: 1001n });
      },
    ],
    [
      "the largest amount there can be",
      "AMOUNT",
      (scene, job, request) => {
        request.instruction = scene.claim(job, { amount: 2n ** 64n - 1n });
      },
    ],
  ],
);

refuses(
  "release_payment",
  {
    prepare: (scene) => scene.running(),
    request: (scene, job) => ({ instruction: scene.release(job), signers: [scene.authority] }),
  },
  [
    ...paying("release"),
    ["another rent payer", "RENT_PAYER", account(7, (scene) => scene.authority.publicKey)],
    ["a rent payer that is not writable", "NOT_WRITABLE", notWritable(7)],
  ],
);

test("nobody is paid before a node is assigned", async () => {
  const scene = await Scene.make();
  const job = scene.lock();
  for (const kind of ["claim", "release"] as const) {
    expectRefused(scene.vm.run([scene[kind](job)], scene.authority), "UNASSIGNED");
  }
});

test("an escrow whose treasury has become its own vault pays nobody and can be refunded", async () => {
  const scene = await Scene.make();
  const job = scene.lock();
  const settings = { authority: scene.authority.publicKey, treasury: scene.vault(job), mint: scene.mint, feeBps: 1000 };
  scene.vm.mustRun([configure(scene.program, { ...settings, admin: scene.admin.publicKey })], scene.admin);
  scene.vm.mustRun([scene.refund(job)], scene.authority);
  scene.vm.mustRun([scene.create({ job })], scene.user);
  scene.vm.mustRun([scene.assign(job)], scene.authority);
  for (const kind of ["claim", "release"] as const) {
    expectRefused(scene.vm.run([scene[kind](job)], scene.authority), "TREASURY");
  }
  expectAccepted(scene.vm.run([scene.refund(job)], scene.authority));
  expect(scene.balances().user).toBe(PURSE);
});
