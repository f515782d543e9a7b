import { describe, expect, test } from "bun:test";
import {
  AddressLookupTableAccount,
  Keypair,
  PublicKey,
  SystemProgram,
  TransactionMessage,
  VersionedTransaction,
} from "@solana/web3.js";
import { accountsOf, decodeTransaction, WireError } from "../../../src/chain/local/wire.ts";
import { decodeBase58, encodeBase58 } from "../../../src/domain/base58.ts";
import { openWorld, signed, someone, transfer } from "./world.ts";

const world = openWorld();
const payer = world.wallet();
const legacy = signed(world, [transfer(payer, someone(), 5)], [payer]);

const table = new AddressLookupTableAccount({
  key: someone(),
  state: {
    deactivationSlot: 2n ** 64n - 1n,
    lastExtendedSlot: 0,
    lastExtendedSlotStartIndex: 0,
    addresses: [someone(), someone()],
  },
});

function versioned(): VersionedTransaction {
  const message = new TransactionMessage({
    payerKey: payer.publicKey,
    recentBlockhash: Keypair.generate().publicKey.toBase58(),
    instructions: [transfer(payer, table.state.addresses[1]!, 5)],
  }).compileToV0Message([table]);
  const transaction = new VersionedTransaction(message);
  transaction.sign([payer]);
  return transaction;
}

describe("base58", () => {
  test("agrees with web3.js on addresses, leading zeros included", () => {
    const keys = [SystemProgram.programId, ...Array.from({ length: 50 }, someone)];
    for (const one of keys) {
      expect(encodeBase58(one.toBytes())).toBe(one.toBase58());
      expect(decodeBase58(one.toBase58())).toEqual(one.toBytes());
    }
    const mixed = new Uint8Array([0, 0, 1, 0, 255]);
    expect(decodeBase58(encodeBase58(mixed))).toEqual(mixed);
  });

  test("knows a letter that is not in the alphabet", () => {
    for (const text of ["0", "O", "I", "l", "é", "a b"]) expect(decodeBase58(text)).toBeNull();
  });
});

describe("a transaction's bytes", () => {
  test("are read as web3.js reads them, legacy and version 0", () => {
    for (const raw of [legacy, versioned().serialize()]) {
      const theirs = VersionedTransaction.deserialize(raw);
      const { message, signature } = decodeTransaction(raw);
      expect(signature).toBe(encodeBase58(theirs.signatures[0]!));
      expect<unknown>(message.version).toBe(theirs.version);
      expect(message.recentBlockhash).toBe(theirs.message.recentBlockhash);
      expect(message.keys.map((key) => new PublicKey(key))).toEqual(theirs.message.staticAccountKeys);
      expect(message.instructions.map(({ programIdIndex }) => programIdIndex)).toEqual(
        theirs.message.compiledInstructions.map(({ programIdIndex }) => programIdIndex),
      );
      const accounts = accountsOf(message, () => null);
      if (message.version === 0) expect(accounts).toBe("AddressLookupTableNotFound");
    }
  });

  test("are refused when they end anywhere too early, or go on", () => {
    for (const raw of [legacy, versioned().serialize()]) {
      for (let length = 0; length < raw.length; length++) {
        expect(() => decodeTransaction(raw.slice(0, length))).toThrow(WireError);
      }
      expect(() => decodeTransaction(new Uint8Array([...raw, 0]))).toThrow("1 bytes follow its end");
    }
  });

  test("are refused when a length is written in more bytes than it needs", () => {
    expect(() => decodeTransaction(new Uint8Array([0x81, 0x00, ...legacy.slice(1)]))).toThrow("needless bytes");
  });

  test("are refused when the fee payer could not pay, or is a program, or an account is not there", () => {
    // Behind one signature of 64 bytes and its count: signers, read-only signers, read-only others.
    const header = 65;
    const changed = (at: number, value: number): Uint8Array =>
      legacy.map((byte, index) => (index === at ? value : byte));
    expect(() => decodeTransaction(changed(header + 1, 1))).toThrow("nobody can pay its fee");
    expect(() => decodeTransaction(changed(header + 2, 9))).toThrow("counts more keys than there are");
    // Three keys of 32 bytes, the blockhash and the count of instructions lie before the program's index.
    const instruction = header + 3 + 1 + 3 * 32 + 32 + 1;
    expect(() => decodeTransaction(changed(instruction, 0))).toThrow("fee payer cannot be a program");
    expect(() => decodeTransaction(changed(instruction, 3))).toThrow("not among its keys");
    expect(() => decodeTransaction(changed(instruction + 2, 3))).toThrow("an account that is not there");
    expect(() => decodeTransaction(changed(header, 0x81))).toThrow(/version is 1/);
  });

  test("are refused when there are more than fit a packet", () => {
    expect(() => decodeTransaction(new Uint8Array(1233))).toThrow("at most 1232 fit");
  });
});
