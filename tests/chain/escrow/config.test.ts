import { describe, expect, test } from "bun:test";
import { type Keypair, PublicKey, SystemProgram, type TransactionInstruction } from "@solana/web3.js";
import {
  configAddress,
  configure,
  createEscrow,
  type EscrowErrorName,
  rotate,
  TOKEN_PROGRAM,
} from "../../../src/chain/escrow/index.ts";
import { programDataAddress, UPGRADEABLE_LOADER } from "../../../src/chain/programs/index.ts";
import { Deployed, expectAccepted, expectRefused, newJob, Scene } from "./scene.ts";

type Given = Parameters<Deployed["initialize"]>[0];

describe("initialize", () => {
  test("by the upgrade authority sets everything once", async () => {
    const scene = await Deployed.make();
    expectAccepted(scene.vm.run([scene.initialize()], scene.upgrader));
    expect(scene.config).toEqual({
      admin: scene.admin.publicKey,
      authority: scene.authority.publicKey,
      treasury: scene.treasury,
      mint: scene.mint,
      feeBps: 1000,
      escrows: 0n,
    });
    expectRefused(scene.vm.run([scene.initialize()], scene.upgrader), "EXISTS");
  });

  test("comes before anything else", async () => {
    const scene = await Deployed.make();
    scene.fund(scene.user, 1000n);
    const user = scene.user.publicKey;
    const escrow = { job: newJob(), amount: 1n, deadline: scene.vm.now + 1n, user, mint: scene.mint };
    expectRefused(scene.vm.run([createEscrow(scene.program, escrow)], scene.user), "CONFIG");
  });

  test("may be paid for by another key", async () => {
    const scene = await Deployed.make();
    const payer = scene.vm.wallet();
    expectAccepted(scene.vm.run([scene.initialize({ payer: payer.publicKey })], payer, scene.upgrader));
  });

  test("cannot be kept from happening with lamports sent to the config's address", async () => {
    const scene = await Deployed.make();
    const toPubkey = configAddress(scene.program);
    const transfer = { fromPubkey: scene.stranger.publicKey, toPubkey, lamports: 1_000_000 };
    scene.vm.mustRun([SystemProgram.transfer(transfer)], scene.stranger);
    expectAccepted(scene.vm.run([scene.initialize()], scene.upgrader));
    expect(scene.vm.lamports(toPubkey)).toBe(scene.vm.rentFor(160));
  });

  test("is not the stranger's who comes first", async () => {
    const scene = await Deployed.make();
    const stranger = scene.stranger.publicKey;
    const given = { payer: stranger, upgradeAuthority: stranger };
    const refuse = (more: Given) =>
      expectRefused(scene.vm.run([scene.initialize({ ...given, ...more })], scene.stranger), "NOT_UPGRADE_AUTHORITY");
    refuse({});
    // Records that name the stranger: of a program of their own, and one made up with the loader's name on it.
    const record = scene.vm.data(programDataAddress(scene.program))!;
    stranger.toBuffer().copy(record, 13);
    for (const place of [programDataAddress(TOKEN_PROGRAM), scene.vm.wallet().publicKey]) {
      scene.vm.forge(place, record, UPGRADEABLE_LOADER);
      refuse({ programData: place });
    }
    // At the right address, but not the loader's (which no chain would allow).
    scene.vm.forge(programDataAddress(scene.program), record, TOKEN_PROGRAM);
    refuse({});
  });

  test.each([
    ["a buffer's record", (record: Buffer) => record.writeUInt32LE(1, 0)],
    ["a program that was made final", (record: Buffer) => record.writeUInt8(0, 12)],
  ])("is nobody's with %s", async (_what, change) => {
    const scene = await Deployed.make();
    const place = programDataAddress(scene.program);
    const record = scene.vm.data(place)!;
    change(record);
    scene.vm.forge(place, record, UPGRADEABLE_LOADER);
    expectRefused(scene.vm.run([scene.initialize()], scene.upgrader), "NOT_UPGRADE_AUTHORITY");
  });

  const refusals: [string, EscrowErrorName, (scene: Deployed) => Given][] = [
    ["a fee of more than everything", "FEE", () => ({ feeBps: 10_001 })],
    ["no admin", "KEY", () => ({ admin: PublicKey.default })],
    ["no authority", "KEY", () => ({ authority: PublicKey.default })],
    ["a mint that is a token account", "MINT", (scene) => ({ mint: scene.treasury })],
    ["a mint that is not SPL Token's", "MINT", (scene) => ({ mint: scene.stranger.publicKey })],
    ["a wallet for a treasury", "TREASURY", (scene) => ({ treasury: scene.bank.publicKey })],
    ["a treasury of another mint", "TREASURY", (scene) => ({ mint: scene.vm.mint(scene.bank) })],
    [
      "a treasury of wrapped SOL",
      "TREASURY",
      (scene) => {
        const treasury = scene.vm.wallet().publicKey;
        const data = scene.vm.data(scene.treasury)!;
        data.writeUInt32LE(1, 109);
        scene.vm.forge(treasury, data, TOKEN_PROGRAM);
        return { treasury };
      },
    ],
  ];
  test.each(refusals)("refuses %s (%s)", async (_what, error, given) => {
    const scene = await Deployed.make();
    expectRefused(scene.vm.run([scene.initialize(given(scene))], scene.upgrader), error);
    expect(scene.vm.data(configAddress(scene.program))).toBeNull();
  });

  test("refuses another address, a missing signature, other accounts and other arguments", async () => {
    const scene = await Deployed.make();
    const refuse = (error: EscrowErrorName, change: (given: TransactionInstruction) => void) => {
      const instruction = scene.initialize();
      change(instruction);
      expectRefused(scene.vm.run([instruction], scene.upgrader), error);
    };
    const set = (index: number, meta: object) => (given: TransactionInstruction) => {
      given.keys[index] = { ...given.keys[index]!, ...meta };
    };
    const data = (change: (data: Buffer) => Buffer) => (given: TransactionInstruction) => {
      given.data = change(given.data);
    };
    refuse("ADDRESS", set(2, { pubkey: scene.vm.wallet().publicKey }));
    refuse("NOT_WRITABLE", set(2, { isWritable: false }));
    refuse("PROGRAM", set(6, { pubkey: TOKEN_PROGRAM }));
    refuse("ACCOUNTS", (given) => given.keys.pop());
    refuse(
      "INSTRUCTION",
      data((all) => Buffer.concat([all, Buffer.of(0)])),
    );
    // No instruction of this number, and not even a whole word.
    refuse(
      "INSTRUCTION",
      data(() => Buffer.of(8, 0, 0, 0, 0, 0, 0, 0)),
    );
    refuse(
      "INSTRUCTION",
      data(() => Buffer.of(0)),
    );
    // The upgrade authority is named, and a stranger pays and signs alone.
    const unsigned = scene.initialize({ payer: scene.stranger.publicKey });
    unsigned.keys[1]!.isSigner = false;
    expectRefused(scene.vm.run([unsigned], scene.stranger), "SIGNATURE");
  });
});

describe("configure", () => {
  const settings = (scene: Scene, admin: Keypair) => ({
    admin: admin.publicKey,
    authority: scene.otherNode.publicKey,
    treasury: scene.treasury,
    mint: scene.mint,
    feeBps: 250,
  });

  test("by the admin changes what holds from now on", async () => {
    const scene = await Scene.make();
    const mint = scene.vm.mint(scene.bank);
    const treasury = scene.vm.tokenAccount(scene.bank, mint, scene.bank.publicKey);
    const given = { ...settings(scene, scene.admin), mint, treasury };
    expectAccepted(scene.vm.run([configure(scene.program, given)], scene.admin));
    const { admin, ...rest } = given;
    expect(scene.config).toEqual({ ...rest, admin, escrows: 0n });
  });

  test("is nobody else's", async () => {
    const scene = await Scene.make();
    for (const other of [scene.authority, scene.upgrader, scene.stranger]) {
      expectRefused(scene.vm.run([configure(scene.program, settings(scene, other))], other), "NOT_ADMIN");
    }
    const unsigned = configure(scene.program, settings(scene, scene.admin));
    unsigned.keys[0]!.isSigner = false;
    expectRefused(scene.vm.run([unsigned], scene.stranger), "SIGNATURE");
  });

  test("refuses settings that could not work, and a config that is not the program's", async () => {
    const scene = await Scene.make();
    const refuse = (error: EscrowErrorName, given: object) => {
      const all = { ...settings(scene, scene.admin), ...given };
      expectRefused(scene.vm.run([configure(scene.program, all)], scene.admin), error);
    };
    refuse("FEE", { feeBps: 10_001 });
    refuse("KEY", { authority: PublicKey.default });
    refuse("MINT", { mint: scene.treasury });
    refuse("TREASURY", { mint: scene.vm.mint(scene.bank) });
    const forged = configure(scene.program, settings(scene, scene.admin));
    const place = scene.vm.wallet().publicKey;
    scene.vm.forge(place, scene.vm.data(configAddress(scene.program))!, scene.program);
    forged.keys[1]!.pubkey = place;
    expectRefused(scene.vm.run([forged], scene.admin), "CONFIG");
    const readOnly = configure(scene.program, settings(scene, scene.admin));
    readOnly.keys[1]!.isWritable = false;
    expectRefused(scene.vm.run([readOnly], scene.admin), "NOT_WRITABLE");
  });

  test("with another authority takes every live escrow from the old one at once", async () => {
    const scene = await Scene.make();
    const job = scene.running(1000n);
    const next = scene.vm.wallet();
    const given = { ...settings(scene, scene.admin), authority: next.publicKey };
    scene.vm.mustRun([configure(scene.program, given)], scene.admin);
    const old = scene.authority;
    const second = { attempt: 2n, node: scene.stranger.publicKey };
    for (const instruction of [scene.claim(job), scene.release(job), scene.assign(job, second)]) {
      expectRefused(scene.vm.run([instruction], old), "NOT_AUTHORITY");
    }
    expectRefused(scene.vm.run([scene.refund(job)], old), "NOT_USER");
    expectAccepted(scene.vm.run([scene.claim(job, { authority: next.publicKey })], next));
    expectAccepted(scene.vm.run([scene.refund(job, { signer: next.publicKey })], next));
  });
});

describe("rotate", () => {
  test("hands the config to an admin who signs too, and the old one has no more say", async () => {
    const scene = await Scene.make();
    const next = scene.vm.wallet();
    const keys = { admin: scene.admin.publicKey, nextAdmin: next.publicKey };
    expectAccepted(scene.vm.run([rotate(scene.program, keys)], scene.admin, next));
    expect(scene.config.admin).toEqual(next.publicKey);
    expectRefused(scene.vm.run([rotate(scene.program, keys)], scene.admin, next), "NOT_ADMIN");
    const back = { admin: next.publicKey, nextAdmin: scene.admin.publicKey };
    expectAccepted(scene.vm.run([rotate(scene.program, back)], next, scene.admin));
  });

  test("is not the authority's or a stranger's, and needs both signatures", async () => {
    const scene = await Scene.make();
    const next = scene.vm.wallet();
    for (const other of [scene.authority, scene.stranger]) {
      const keys = { admin: other.publicKey, nextAdmin: next.publicKey };
      expectRefused(scene.vm.run([rotate(scene.program, keys)], other, next), "NOT_ADMIN");
    }
    const request = () => rotate(scene.program, { admin: scene.admin.publicKey, nextAdmin: next.publicKey });
    const withoutNext = request();
    withoutNext.keys[2]!.isSigner = false;
    expectRefused(scene.vm.run([withoutNext], scene.admin), "SIGNATURE");
    const withoutAdmin = request();
    withoutAdmin.keys[0]!.isSigner = false;
    expectRefused(scene.vm.run([withoutAdmin], next), "SIGNATURE");
    const readOnly = request();
    readOnly.keys[1]!.isWritable = false;
    expectRefused(scene.vm.run([readOnly], scene.admin, next), "NOT_WRITABLE");
    expect(scene.config.admin).toEqual(scene.admin.publicKey);
  });
});
