import {
  account,
  badVault,
  forgedConfig,
  forgedEscrow,
  notWritable,
  refuses,
  shape,
  signedBy,
  unsigned,
} from "./refusals.ts";
import type { Scene } from "./scene.ts";

const foreignMint = (scene: Scene) => scene.vm.mint(scene.bank);

// refund: 0 signer, 1 config, 2 escrow, 3 vault, 4 user's account, 5 rent payer, 6 Token

refuses(
  "refund",
  {
    prepare: (scene) => scene.running(),
    request: (scene, job) => ({ instruction: scene.refund(job), signers: [scene.authority] }),
  },
  [
    ...shape,
    ...forgedConfig(1),
    ...forgedEscrow(2),
    ...badVault(3),
    ["a stranger's word", "NOT_USER", signedBy(0, (scene) => scene.stranger)],
    ["the node's word", "NOT_USER", signedBy(0, (scene) => scene.node)],
    [
      "a stranger's word after the deadline",
      "NOT_USER",
      (scene, job, request) => {
        scene.vm.passTime(1_000_000n);
        return signedBy(0, ({ stranger }) => stranger)(scene, job, request);
      },
    ],
    [
      "the user a second before the deadline",
      "TOO_EARLY",
      (scene, job, request) => {
        scene.vm.passTime(scene.escrow(job).deadline - scene.vm.now - 1n);
        return signedBy(0, ({ user }) => user)(scene, job, request);
      },
    ],
    ["an authority who does not sign", "SIGNATURE", unsigned(0)],
    [
      "a user who does not sign, after the deadline",
      "SIGNATURE",
      (scene, job, request) => {
        scene.vm.passTime(1_000_000n);
        request.instruction = scene.refund(job, { signer: scene.user.publicKey });
        request.instruction.keys[0]!.isSigner = false;
        request.signers = [scene.stranger];
      },
    ],
    ["another receiver", "USER_ACCOUNT", account(4, (scene) => scene.ata(scene.stranger))],
    [
      "the authority's own account",
      "USER_ACCOUNT",
      account(4, (scene) => scene.vm.tokenAccount(scene.bank, scene.mint, scene.authority.publicKey)),
    ],
    ["the vault for the receiver", "USER_ACCOUNT", account(4, (scene, job) => scene.vault(job))],
    [
      "an account of the user's in another token",
      "USER_ACCOUNT",
      account(4, (scene) => scene.vm.tokenAccount(scene.bank, foreignMint(scene), scene.user.publicKey)),
    ],
    ["a receiver that is not writable", "NOT_WRITABLE", notWritable(4)],
    ["another rent payer", "RENT_PAYER", account(5, (scene) => scene.authority.publicKey)],
    ["a rent payer that is not writable", "NOT_WRITABLE", notWritable(5)],
    ["another Token program", "PROGRAM", account(6, (scene) => scene.program)],
    [
      "another serial",
      "STALE_SERIAL",
      (scene, job, request) => {
        request.instruction = scene.refund(job, {}, { ...scene.escrow(job), serial: 99n });
      },
    ],
    [
      "another released amount",
      "STALE_RELEASED",
      (scene, job, request) => {
        request.instruction = scene.refund(job, {}, { ...scene.escrow(job), released: 1n });
      },
    ],
  ],
);
