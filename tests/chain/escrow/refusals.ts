/**
 * One way to write refusals down: a request that is accepted, and what makes it be refused. Each is proven twice: the spoiled
 * request is refused with exactly that error and moves nothing, and the same request unspoiled is accepted after it.
 */
import { describe, expect, test } from "bun:test";
import type { Keypair, PublicKey, TransactionInstruction } from "@solana/web3.js";
import { configAddress, type EscrowErrorName, escrowAddress } from "../../../src/chain/escrow/index.ts";
import type { JobId } from "../../../src/domain/ids.ts";
import { expectAccepted, expectRefused, Scene } from "./scene.ts";

export interface Request {
  instruction: TransactionInstruction;
  signers: readonly Keypair[];
}

/** Changes the request; or the chain, and then returns what undoes that. */
export type Spoil = (scene: Scene, job: JobId, request: Request) => unknown;
export type Refusal = readonly [why: string, error: EscrowErrorName, spoil: Spoil];

export interface Accepted {
  prepare(scene: Scene): JobId;
  request(scene: Scene, job: JobId): Request;
}

export function refuses(name: string, { prepare, request }: Accepted, refusals: readonly Refusal[]): void {
  describe(`${name} refuses`, () => {
    test.each(refusals.map((refusal) => [...refusal] as const))("%s (%s)", async (_why, error, spoil) => {
      const scene = await Scene.make();
      const job = prepare(scene);
      const spoiled = request(scene, job);
      const undo = spoil(scene, job, spoiled);
      const before = worth(scene, job);
      expectRefused(scene.vm.run([spoiled.instruction], ...spoiled.signers), error);
      expect(worth(scene, job)).toEqual(before);
      if (typeof undo === "function") undo();
      const { instruction, signers } = request(scene, job);
      expectAccepted(scene.vm.run([instruction], ...signers));
    });
  });
}

const worth = (scene: Scene, job: JobId) => ({
  ...scene.balances(),
  vault: scene.vm.tokens(scene.vault(job)),
  record: scene.vm.data(escrowAddress(scene.program, job))?.toString("hex"),
});

/** Another account in this place. */
export const account =
  (index: number, address: (scene: Scene, job: JobId) => PublicKey): Spoil =>
  (scene, job, { instruction }) => {
    instruction.keys[index] = { ...instruction.keys[index]!, pubkey: address(scene, job) };
  };

export const notWritable =
  (index: number): Spoil =>
  (_scene, _job, { instruction }) => {
    instruction.keys[index] = { ...instruction.keys[index]!, isWritable: false };
  };

/** Named, but does not sign; a stranger pays for the transaction. */
export const unsigned =
  (index: number): Spoil =>
  (scene, _job, request) => {
    const { pubkey } = request.instruction.keys[index]!;
    request.instruction.keys[index] = { ...request.instruction.keys[index]!, isSigner: false };
    request.signers = [scene.stranger, ...request.signers.filter((signer) => !signer.publicKey.equals(pubkey))];
  };

/** Somebody else signs in this place. */
export const signedBy =
  (index: number, who: (scene: Scene) => Keypair): Spoil =>
  (scene, _job, request) => {
    const { pubkey } = request.instruction.keys[index]!;
    const other = who(scene);
    request.instruction.keys[index] = { ...request.instruction.keys[index]!, pubkey: other.publicKey };
    request.signers = [...request.signers.filter((signer) => !signer.publicKey.equals(pubkey)), other];
  };

/** Other bytes in an account that is there; undone afterwards. */
export const tampered =
  (address: (scene: Scene, job: JobId) => PublicKey, change: (data: Buffer, scene: Scene) => void): Spoil =>
  (scene, job) => {
    const place = address(scene, job);
    const original = scene.vm.data(place)!;
    const owner = scene.vm.owner(place);
    const changed = Buffer.from(original);
    change(changed, scene);
    scene.vm.forge(place, changed, owner);
    return () => scene.vm.forge(place, original, owner);
  };

/** Another owner for an account that is there; undone afterwards. */
export const ownedBy =
  (address: (scene: Scene, job: JobId) => PublicKey, owner: (scene: Scene) => PublicKey): Spoil =>
  (scene, job) => {
    const place = address(scene, job);
    const data = scene.vm.data(place)!;
    const original = scene.vm.owner(place);
    scene.vm.forge(place, data, owner(scene));
    return () => scene.vm.forge(place, data, original);
  };

/** A copy of an account at an address of the stranger's choice; `owner` absent: owned like the original. */
export const copyOf =
  (address: (scene: Scene, job: JobId) => PublicKey, owner?: (scene: Scene) => PublicKey) =>
  (scene: Scene, job: JobId): PublicKey => {
    const original = address(scene, job);
    const copy = scene.vm.wallet().publicKey;
    scene.vm.forge(copy, scene.vm.data(original)!, owner?.(scene) ?? scene.vm.owner(original));
    return copy;
  };

export const configOf = (scene: Scene): PublicKey => configAddress(scene.program);
export const escrowOf = (scene: Scene, job: JobId): PublicKey => escrowAddress(scene.program, job);
export const vaultOf = (scene: Scene, job: JobId): PublicKey => scene.vault(job);

/** Of every instruction: arguments and accounts of the wrong number. */
export const shape: readonly Refusal[] = [
  [
    "an argument too much",
    "INSTRUCTION",
    (_s, _j, { instruction }) => {
      instruction.data = Buffer.concat([instruction.data, Buffer.alloc(8)]);
    },
  ],
  [
    "arguments cut short",
    "INSTRUCTION",
    (_s, _j, { instruction }) => {
      instruction.data = instruction.data.subarray(0, -1);
    },
  ],
  [
    "an account too much",
    "ACCOUNTS",
    (scene, _j, { instruction }) => {
      instruction.keys.push({ pubkey: scene.mint, isSigner: false, isWritable: false });
    },
  ],
  ["an account too few", "ACCOUNTS", (_s, _j, { instruction }) => instruction.keys.pop()],
];

/** Of every instruction that reads the config at this place. */
export const forgedConfig = (index: number): readonly Refusal[] => [
  [
    "a config of another program",
    "CONFIG",
    account(
      index,
      copyOf(configOf, (scene) => scene.stranger.publicKey),
    ),
  ],
  ["a config that is not at its address", "CONFIG", account(index, copyOf(configOf))],
  ["an escrow for a config", "CONFIG", account(index, (scene) => escrowOf(scene, scene.lock()))],
  ["a config at its address that another program owns", "CONFIG", ownedBy(configOf, (scene) => scene.mint)],
  ["a config account without its tag", "CONFIG", tampered(configOf, (data) => data.fill(0, 0, 8))],
];

/** Of every instruction that acts on an escrow at this place. */
export const forgedEscrow = (index: number): readonly Refusal[] => [
  [
    "an escrow of another program",
    "ESCROW",
    account(
      index,
      copyOf(escrowOf, (scene) => scene.stranger.publicKey),
    ),
  ],
  ["an escrow that is not at its address", "ESCROW", account(index, copyOf(escrowOf))],
  ["an escrow at its address that another program owns", "ESCROW", ownedBy(escrowOf, (scene) => scene.mint)],
  ["an escrow account without its tag", "ESCROW", tampered(escrowOf, (data) => data.fill(0, 0, 8))],
  ["an escrow that does not exist", "ESCROW", account(index, (scene) => scene.vm.wallet().publicKey)],
  ["an escrow that is not writable", "NOT_WRITABLE", notWritable(index)],
];

/** Of every instruction that moves money out of the vault at this place. */
export const badVault = (index: number): readonly Refusal[] => [
  ["another job's vault", "VAULT", account(index, (scene) => scene.vault(scene.lock(5000n)))],
  ["the user's purse for a vault", "VAULT", account(index, (scene) => scene.ata(scene.user))],
  ["a copy of the vault", "VAULT", account(index, copyOf(vaultOf))],
  ["a vault that is no token account", "VAULT", ownedBy(vaultOf, (scene) => scene.program)],
  ["a vault of another mint", "VAULT", tampered(vaultOf, (data) => data.fill(7, 0, 32))],
  ["a vault of another owner", "VAULT", tampered(vaultOf, (data) => data.fill(7, 32, 64))],
  ["a vault with less than it owes", "VAULT", tampered(vaultOf, (data) => data.writeBigUInt64LE(999n, 64))],
  ["a vault with a delegate", "VAULT", tampered(vaultOf, (data) => data.writeUInt32LE(1, 72))],
  ["a frozen vault", "VAULT", tampered(vaultOf, (data) => data.writeUInt8(2, 108))],
  ["a vault with a close authority", "VAULT", tampered(vaultOf, (data) => data.writeUInt32LE(1, 129))],
  ["a vault that is not writable", "NOT_WRITABLE", notWritable(index)],
];
