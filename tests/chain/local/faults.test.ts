import { describe, expect, test } from "bun:test";
import type { Connection } from "@solana/web3.js";
import type { SendFault } from "../../../src/chain/local/index.ts";
import { BLOCKHASH_SLOTS } from "../../../src/chain/local/index.ts";
import { lamportsOf, openWorld, SOL, signed, someone, transfer } from "./world.ts";

/** A chain whose next send goes wrong in this way, and a transaction for it. */
function arrange(fault: SendFault) {
  let next: SendFault | undefined = fault;
  const sends: number[] = [];
  const world = openWorld({
    faults: {
      onSend({ earlier }) {
        sends.push(earlier);
        const now = next;
        next = undefined;
        return now;
      },
    },
  });
  const payer = world.wallet();
  const to = someone();
  return { world, to, sends, connection: world.connection(), raw: signed(world, [transfer(payer, to, SOL)], [payer]) };
}

const statusOf = async (connection: Connection, signature: string) =>
  (await connection.getSignatureStatuses([signature], { searchTransactionHistory: true })).value[0];

describe("a send", () => {
  test("that is dropped is answered like any other, never lands, and can be sent again", async () => {
    const { world, to, sends, connection, raw } = arrange({ kind: "drop" });
    const signature = await connection.sendRawTransaction(raw);
    world.pass(10);
    expect(await statusOf(connection, signature)).toBeNull();
    expect(await connection.sendRawTransaction(raw)).toBe(signature);
    expect(await statusOf(connection, signature)).toMatchObject({ err: null });
    expect(lamportsOf(world, to)).toBe(SOL);
    expect(sends).toEqual([0, 1]);
  });

  test("that lands late lands once, even when it was sent again meanwhile", async () => {
    const { world, to, connection, raw } = arrange({ kind: "late", slots: 20 });
    const signature = await connection.sendRawTransaction(raw);
    world.pass(19);
    expect(await statusOf(connection, signature)).toBeNull();
    expect(lamportsOf(world, to)).toBe(0n);
    world.pass(1);
    expect(await statusOf(connection, signature)).toMatchObject({ err: null, confirmationStatus: "processed" });
    await connection.sendRawTransaction(raw, { skipPreflight: true });
    expect(lamportsOf(world, to)).toBe(SOL);
  });

  test("that would land after its blockhash has died never lands", async () => {
    const { world, to, connection, raw } = arrange({ kind: "late", slots: BLOCKHASH_SLOTS + 1 });
    const signature = await connection.sendRawTransaction(raw);
    world.pass(BLOCKHASH_SLOTS + 50);
    expect(await statusOf(connection, signature)).toBeNull();
    expect(lamportsOf(world, to)).toBe(0n);
  });

  test("is answered with the same error whether it has landed or not", async () => {
    for (const [fault, paid] of [
      [{ kind: "error" }, SOL],
      [{ kind: "refuse" }, 0n],
    ] as const) {
      const { world, to, connection, raw } = arrange(fault);
      await expect(connection.sendRawTransaction(raw)).rejects.toThrow("Node is unhealthy");
      expect(lamportsOf(world, to)).toBe(paid);
    }
  });

  test("whose status is hidden has happened, and is known only later", async () => {
    const { world, to, connection, raw } = arrange({ kind: "hide", slots: 30 });
    const signature = await connection.sendRawTransaction(raw);
    world.pass(29);
    expect(await statusOf(connection, signature)).toBeNull();
    expect(await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 })).toBeNull();
    expect(await connection.getSignaturesForAddress(to)).toEqual([]);
    expect(lamportsOf(world, to)).toBe(SOL);
    world.pass(1);
    expect(await statusOf(connection, signature)).toMatchObject({ err: null, confirmationStatus: "finalized" });
    expect(await connection.getSignaturesForAddress(to)).toHaveLength(1);
  });
});

test("any request can be made to fail", async () => {
  let isDown = true;
  const world = openWorld({ faults: { onRequest: () => (isDown ? "Node is behind by 42 slots" : undefined) } });
  const connection = world.connection();
  await expect(connection.getSlot()).rejects.toThrow("behind by 42 slots");
  isDown = false;
  expect(await connection.getSlot()).toBeGreaterThan(0);
});

test("the faucet is not in the way of faults", () => {
  const world = openWorld({ faults: { onSend: () => ({ kind: "drop" }) } });
  const to = someone();
  world.fund(to, { lamports: SOL });
  expect(lamportsOf(world, to)).toBe(SOL);
});
