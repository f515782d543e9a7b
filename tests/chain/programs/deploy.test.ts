import { describe, expect, test } from "bun:test";
import { Keypair, PublicKey, SystemProgram, Transaction } from "@solana/web3.js";
import {
  type Cluster,
  deployProgram,
  jobEscrowImage,
  programDataAddress,
  UPGRADEABLE_LOADER,
} from "../../../src/chain/programs/index.ts";
import { Vm } from "../escrow/vm.ts";

const image = await jobEscrowImage();
const SIGNATURE = 5000n;

function stage() {
  const vm = new Vm();
  const payer = vm.wallet();
  const keys = { program: Keypair.generate(), buffer: Keypair.generate(), payer };
  const deploy = (cluster: Cluster = vm.cluster(), change: object = {}) =>
    deployProgram(cluster, { image, ...keys, ...change }, { pause: async () => vm.nextSlot() });
  return { vm, ...keys, deploy };
}

/** Counts what is sent, and lets `fate` decide over each: true to let it through, false to lose it. */
function watched(cluster: Cluster, fate: (number: number) => boolean): { cluster: Cluster; sent: () => number } {
  let sent = 0;
  const sendRawTransaction: Cluster["sendRawTransaction"] = (bytes, options) => {
    sent += 1;
    return fate(sent) ? cluster.sendRawTransaction(bytes, options) : Promise.resolve(idOf(bytes));
  };
  return { cluster: { ...cluster, sendRawTransaction }, sent: () => sent };
}
const idOf = (bytes: Parameters<Cluster["sendRawTransaction"]>[0]): string =>
  Buffer.from(Transaction.from(Buffer.from(bytes)).signature!).toString("hex");

const writes = Math.ceil(image.length / 1000);

describe("a deployment", () => {
  test("puts the program on the chain for its rent and the fees", async () => {
    const { vm, program, buffer, payer, deploy } = stage();
    const before = vm.lamports(payer.publicKey);
    expect(await deploy()).toBe("deployed");
    expect(vm.owner(program.publicKey)).toEqual(UPGRADEABLE_LOADER);
    const record = vm.data(programDataAddress(program.publicKey))!;
    expect(record.subarray(45).equals(image)).toBe(true);
    expect(new PublicKey(record.subarray(13, 45))).toEqual(payer.publicKey);
    expect(vm.data(buffer.publicKey)).toBeNull();
    const rent = vm.rentFor(45 + image.length) + vm.rentFor(36);
    expect(before - vm.lamports(payer.publicKey)).toBe(rent + SIGNATURE * BigInt(writes + 4));
  });

  test("done once is not done again", async () => {
    const { vm, deploy } = stage();
    await deploy();
    const { cluster, sent } = watched(vm.cluster(), () => true);
    expect(await deploy(cluster)).toBe("already deployed");
    expect(sent()).toBe(0);
  });

  test("arrives although every third transaction after the first is lost", async () => {
    const { vm, deploy } = stage();
    const { cluster, sent } = watched(vm.cluster(), (number) => number === 1 || number > 40 || number % 3 !== 0);
    expect(await deploy(cluster)).toBe("deployed");
    expect(sent()).toBeGreaterThan(writes + 2);
  });

  test("that broke off goes on where it was", async () => {
    const { vm, deploy } = stage();
    const broken = watched(vm.cluster(), (number) => {
      if (number === 10) throw new Error("no network");
      return true;
    });
    await expect(deploy(broken.cluster)).rejects.toThrow("no network");
    const { cluster, sent } = watched(vm.cluster(), () => true);
    expect(await deploy(cluster)).toBe("deployed");
    // One made the buffer, eight of the writes had been sent.
    expect(sent()).toBe(writes - 8 + 1);
  });

  test("whose last transaction is lost says so and can be repeated", async () => {
    const { vm, deploy } = stage();
    const { cluster } = watched(vm.cluster(), (number) => number !== writes + 2);
    await expect(deploy(cluster)).rejects.toThrow("expired without landing; try again with the same keys");
    expect(await deploy()).toBe("deployed");
  });

  test("waits for a node that is behind the one that took the buffer", async () => {
    const { vm, buffer, deploy } = stage();
    const cluster = vm.cluster();
    let asked = 0;
    const behind: Cluster["getAccountInfo"] = async (address, commitment) => {
      if (address.equals(buffer.publicKey)) asked += 1;
      return asked < 4 ? null : cluster.getAccountInfo(address, commitment);
    };
    expect(await deploy({ ...cluster, getAccountInfo: behind })).toBe("deployed");
  });

  test("stops at a transaction that landed and failed", async () => {
    const { vm, deploy } = stage();
    const cluster = vm.cluster();
    const failing: Cluster["getSignatureStatuses"] = async (signatures) => {
      const { context, value } = await cluster.getSignatureStatuses(signatures);
      return {
        context,
        value: value.map((status) => status && { ...status, err: { InstructionError: [0, "Custom"] } }),
      };
    };
    await expect(deploy({ ...cluster, getSignatureStatuses: failing })).rejects.toThrow(/failed: .*InstructionError/);
  });

  test("waits for the slot after the one that the program landed in", async () => {
    const { vm, deploy } = stage();
    const cluster = vm.cluster();
    let asked = 0;
    const halted: Cluster["getSlot"] = async (commitment) => {
      asked += 1;
      return asked < 4 ? 0 : cluster.getSlot(commitment);
    };
    expect(await deploy({ ...cluster, getSlot: halted })).toBe("deployed");
    expect(asked).toBe(4);
    const other = stage();
    const stopped = other.deploy({ ...other.vm.cluster(), getSlot: async () => 0 });
    await expect(stopped).rejects.toThrow("is it halted?");
  });

  test("gives up when nothing of what it writes arrives", async () => {
    const { vm, deploy } = stage();
    const { cluster } = watched(vm.cluster(), (number) => number === 1);
    const image = Buffer.alloc(3000, 1);
    await expect(deploy(cluster, { image })).rejects.toThrow("still incomplete after 10 rounds");
  });
});

describe("a deployment refuses", () => {
  test("an address where another version is", async () => {
    const { deploy } = stage();
    await deploy();
    const other = Uint8Array.from(image);
    other[image.length - 1]! ^= 1;
    await expect(deploy(undefined, { image: other })).rejects.toThrow("another version of the program");
    await expect(deploy(undefined, { image: image.subarray(0, -8) })).rejects.toThrow("another version");
  });

  test("an address where something else is", async () => {
    const { vm, deploy } = stage();
    const other = vm.wallet();
    vm.forge(other.publicKey, Buffer.alloc(5), SystemProgram.programId);
    await expect(deploy(undefined, { program: other })).rejects.toThrow("is no program of the upgradeable loader");
    await expect(deploy(undefined, { buffer: other })).rejects.toThrow("is another account; choose another key");
  });

  test("a buffer of another size or of another's", async () => {
    const { vm, deploy } = stage();
    const { cluster } = watched(vm.cluster(), (number) => {
      if (number === 2) throw new Error("no network");
      return true;
    });
    await expect(deploy(cluster)).rejects.toThrow("no network");
    await expect(deploy(undefined, { image: image.subarray(0, -8) })).rejects.toThrow(
      `has room for ${image.length} bytes`,
    );
    await expect(deploy(undefined, { payer: vm.wallet() })).rejects.toThrow("is not the payer's");
  });

  test("to call a file that is no program deployed", async () => {
    const { deploy } = stage();
    await expect(deploy(undefined, { image: Buffer.alloc(2000, 1) })).rejects.toThrow("InvalidAccountData");
  });
});
