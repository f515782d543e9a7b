import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Keypair, PublicKey } from "@solana/web3.js";
import {
  associatedTokenAddress,
  CONFIG_SIZE,
  claim,
  configAddress,
  ESCROW_SIZE,
  escrowAddress,
  escrowErrorIn,
  escrowErrorOf,
  escrowErrors,
  parseConfig,
  parseEscrow,
} from "../../../src/chain/escrow/index.ts";
import type { JobId } from "../../../src/domain/ids.ts";
import { sharesOf } from "../../../src/domain/payment.ts";
import { seeded } from "../../support/seeded.ts";
import { newJob, Scene } from "./scene.ts";

const header = readFileSync(join(import.meta.dir, "../../../programs/job-escrow/escrow.h"), "utf8");

describe("the errors", () => {
  test("are the program's, in its order", () => {
    const names = [...header.matchAll(/^ {2}ERR_([A-Z_]+)(?: = (\d+))?,/gm)];
    expect(names[0]![2]).toBe(String(escrowErrors[0]!.code));
    expect(escrowErrors.map(({ name }): string => name)).toEqual(names.map(([, name]) => name!));
  });

  test("each say what is wrong in a sentence, and none is both terminal and worth waiting for", () => {
    for (const { explanation, fault, terminal } of escrowErrors) {
      expect(explanation).toMatch(/^[A-Z].+\.$/);
      expect(terminal).toBe(fault === "caller" || fault === "deployment");
    }
  });

  test("do not claim the codes of other programs", () => {
    expect(escrowErrorOf(5999)).toBeNull();
    expect(escrowErrorOf(6000)?.name).toBe("INSTRUCTION");
    expect(escrowErrorOf(6000 + escrowErrors.length)).toBeNull();
    expect(escrowErrorOf(1)).toBeNull();
  });
});

describe("what a cluster says of a failed transaction", () => {
  test("holds JobEscrow's error or not", () => {
    expect(escrowErrorIn({ InstructionError: [1, { Custom: 6023 }] })?.name).toBe("STALE_RELEASED");
    for (const other of [
      null,
      "BlockhashNotFound",
      {},
      { InstructionError: [0, "InvalidArgument"] },
      { InstructionError: [0, { Custom: 1 }] },
      { InstructionError: [0, null] },
      { InsufficientFundsForRent: { account_index: 0 } },
    ]) {
      expect(escrowErrorIn(other)).toBeNull();
    }
  });
});

describe("an account", () => {
  test("of another length or kind is an error that says what it is instead", async () => {
    const scene = await Scene.make();
    const job = scene.lock();
    const escrow = scene.vm.data(escrowAddress(scene.program, job))!;
    const config = scene.vm.data(configAddress(scene.program))!;
    expect(escrow).toHaveLength(ESCROW_SIZE);
    expect(config).toHaveLength(CONFIG_SIZE);
    expect(() => parseEscrow(config)).toThrow("escrow account: 160 bytes instead of 256");
    expect(() => parseEscrow(escrow.subarray(1))).toThrow("255 bytes");
    expect(() => parseConfig(Buffer.concat([config, config]))).toThrow("config account: 320 bytes instead of 160");
    escrow.fill(0, 0, 8);
    expect(() => parseEscrow(escrow)).toThrow('instead of "CYXESCRW"');
    config.write("CYXESCRW");
    expect(() => parseConfig(config)).toThrow('begins with "CYXESCRW" instead of "CYXESCFG"');
  });

  test("is read at whatever place of a larger buffer it lies", async () => {
    const scene = await Scene.make();
    const job = scene.lock();
    const inside = Buffer.concat([Buffer.alloc(3), scene.vm.data(escrowAddress(scene.program, job))!, Buffer.alloc(5)]);
    expect(parseEscrow(inside.subarray(3, 3 + ESCROW_SIZE))).toEqual(scene.escrow(job));
  });
});

describe("the split", () => {
  test("adds up to the fee of the whole for any cuts", () => {
    const random = seeded(11);
    for (let round = 0; round < 2000; round++) {
      const feeBps = Math.floor(random() * 10_001);
      let released = 0n;
      let fees = 0n;
      for (let part = Math.floor(random() * 12); part >= 0; part--) {
        const amount = BigInt(Math.floor(random() * 2 ** 40));
        const { node, fee } = sharesOf(amount, released, feeBps);
        expect(node + fee).toBe(amount);
        expect(node >= 0n && fee >= 0n).toBe(true);
        released += amount;
        fees += fee;
      }
      expect(fees).toBe((released * BigInt(feeBps)) / 10_000n);
    }
  });
});

test("the associated token address is the one that the program of that name makes", async () => {
  // Wallet, mint and account as the Associated Token Account program on the chain derives them: `ensureTokenAccount` in the
  // scene would fail for any other.
  const scene = await Scene.make();
  expect(scene.vm.data(associatedTokenAddress(scene.user.publicKey, scene.mint))).toHaveLength(165);
});

test("an amount that is no 64-bit number is refused before it is sent", () => {
  const program = Keypair.generate().publicKey;
  const key = PublicKey.default;
  const job: JobId = newJob();
  const believed = { job, serial: 1n, released: 0n, attempt: 1n, mint: program, treasury: key };
  for (const amount of [-1n, 2n ** 64n]) {
    expect(() => claim(program, believed, { authority: key, node: program, amount })).toThrow(RangeError);
  }
});
