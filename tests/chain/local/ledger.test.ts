import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TransactionInstruction } from "@solana/web3.js";
import { BLOCKHASH_SLOTS, LocalChainError } from "../../../src/chain/local/index.ts";
import { closeProgram, deploy, programThatReturns } from "./program.ts";
import {
  decoded,
  execute,
  lamportsOf,
  openWorld,
  SOL,
  START,
  signed,
  someone,
  temporaryFolder,
  transfer,
  type World,
} from "./world.ts";

/** The code of the error that opening ends with. */
function codeOf(open: () => World): string {
  try {
    open().close();
    return "none";
  } catch (error) {
    return error instanceof LocalChainError ? error.code : String(error);
  }
}

describe("after a restart", () => {
  test("accounts, tokens, programs and history are what they were", async () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    const payer = first.wallet();
    const to = someone();
    const program = deploy(first, payer, programThatReturns(7));
    first.fund(payer.publicKey, { tokens: 12n });
    const raw = signed(first, [transfer(payer, to, SOL)], [payer]);
    first.chain.execute(decoded(raw));
    const before = {
      payer: lamportsOf(first, payer.publicKey),
      genesis: first.chain.ledger.genesisHash,
      mint: first.mint,
    };
    first.close();

    const second = openWorld({ directory, at: START + 60_000 });
    const connection = second.connection();
    expect(lamportsOf(second, payer.publicKey)).toBe(before.payer);
    expect(lamportsOf(second, to)).toBe(SOL);
    expect(second.chain.ledger.genesisHash).toBe(before.genesis);
    expect(second.mint).toEqual(before.mint);
    expect(second.server.publicKey).toEqual(first.server.publicKey);
    expect((await connection.getTokenAccountBalance(second.tokenAccount(payer.publicKey))).value.amount).toBe("12");
    expect((await connection.getSignaturesForAddress(to)).map((one) => one.signature)).toEqual([
      decoded(raw).signature,
    ]);
    const call = new TransactionInstruction({ programId: program, keys: [], data: Buffer.alloc(0) });
    expect(execute(second, [call], [payer])).toMatchObject({ meta: { err: { InstructionError: [0, { Custom: 7 }] } } });
    second.close();
  });

  test("a program that was closed can no longer be called, and does not keep the chain from opening", () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    const payer = first.wallet();
    const program = deploy(first, payer, programThatReturns(0));
    first.pass(1);
    closeProgram(first, payer, program);
    first.close();
    const second = openWorld({ directory, at: START + 60_000 });
    const call = new TransactionInstruction({ programId: program, keys: [], data: Buffer.alloc(0) });
    const err = { InstructionError: [0, "UnsupportedProgramId"] };
    expect(execute(second, [call], [payer])).toMatchObject({ meta: { err } });
    second.close();
  });

  test("a blockhash of before is as good as it was, and a transaction of before is not executed again", () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    const payer = first.wallet();
    const to = someone();
    const done = signed(first, [transfer(payer, to, SOL)], [payer]);
    const open = signed(first, [transfer(payer, to, 2n * SOL)], [payer]);
    const stale = signed(first, [transfer(payer, to, 3n * SOL)], [payer]);
    first.chain.execute(decoded(done));
    first.close();

    const second = openWorld({ directory, at: START + 20_000 });
    expect(second.chain.execute(decoded(done))).toEqual({ kind: "refused", error: "AlreadyProcessed" });
    expect(second.chain.execute(decoded(open)).kind).toBe("landed");
    second.close();

    const third = openWorld({ directory, at: START + 3_600_000 });
    expect(third.chain.execute(decoded(stale))).toEqual({ kind: "refused", error: "BlockhashNotFound" });
    expect(third.chain.execute(decoded(done))).toEqual({ kind: "refused", error: "AlreadyProcessed" });
    expect(lamportsOf(third, to)).toBe(3n * SOL);
    third.close();
  });

  test("the time that has gone by has gone by on the chain, and everything is final", async () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    const slot = first.chain.slot("processed");
    const signature = first.fund(someone(), { lamports: SOL });
    first.close();
    const second = openWorld({ directory, at: START + 86_400_000 });
    expect(second.chain.slot("processed")).toBeGreaterThanOrEqual(slot + 215_900);
    expect(second.chain.slot("processed")).toBeLessThan(slot + 216_100);
    const deep = { searchTransactionHistory: true };
    expect((await second.connection().getSignatureStatuses([signature], deep)).value[0]?.confirmationStatus).toBe(
      "finalized",
    );
    second.close();
  });

  test("at the very same time everything is final all the same: what was before is not known any more", async () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    // The last slot that the disk knows of: the restart cannot begin beyond it by itself.
    first.pass(first.chain.ledger.mark.slot - first.chain.slot("processed"));
    const signature = first.fund(someone(), { lamports: SOL });
    first.close();
    const second = openWorld({ directory });
    second.setTime(START);
    const status = (await second.connection().getSignatureStatuses([signature])).value[0];
    expect(status?.confirmationStatus).toBe("finalized");
    second.close();
  });

  test("no slot comes twice, though the clock was set back and nothing had been sent", () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    first.pass(5000);
    const told = first.chain.slot("processed");
    first.close();
    const second = openWorld({ directory, at: START - 86_400_000 });
    expect(second.chain.slot("processed")).toBeGreaterThanOrEqual(told);
    expect(second.chain.slot("processed")).toBeLessThan(told + 50);
    second.close();
  });
});

describe("a ledger", () => {
  test("is used by one process at a time", () => {
    const directory = temporaryFolder();
    const first = openWorld({ directory });
    expect(codeOf(() => openWorld({ directory }))).toBe("ledger_in_use");
    first.close();
    expect(codeOf(() => openWorld({ directory }))).toBe("none");
  });

  test("of another format is not touched", () => {
    const directory = temporaryFolder();
    openWorld({ directory }).close();
    const file = join(directory, "ledger.sqlite");
    const database = new Database(file);
    database.run("pragma user_version = 999");
    database.close();
    expect(() => openWorld({ directory })).toThrow(/has format 999, and this program reads format 1/);
    expect(codeOf(() => openWorld({ directory }))).toBe("ledger_format");
  });

  test("that is no database is named, with advice", () => {
    const directory = temporaryFolder();
    writeFileSync(
      join(directory, "ledger.sqlite"),
      "not a database at all, but long enough to be looked at".repeat(20),
    );
    expect(() => openWorld({ directory })).toThrow(/Could not open .*ledger\.sqlite.*restore it from a backup/);
    expect(codeOf(() => openWorld({ directory }))).toBe("ledger_unreadable");
  });

  test("does not go with the faucet key of another", () => {
    const [one, other] = [temporaryFolder(), temporaryFolder()];
    for (const directory of [one, other]) openWorld({ directory }).close();
    copyFileSync(join(other, "faucet.json"), join(one, "faucet.json"));
    expect(codeOf(() => openWorld({ directory: one }))).toBe("wrong_faucet");
  });

  test("keeps its keys for its owner alone, in the form of the Solana tools", async () => {
    const directory = join(temporaryFolder(), "deep", "down");
    const world = openWorld({ directory });
    for (const name of ["server.json", "faucet.json"]) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
      expect(await Bun.file(join(directory, name)).json()).toHaveLength(64);
    }
    expect(await Bun.file(join(directory, "server.json")).json()).toEqual([...world.server.secretKey]);
    world.close();
  });

  test("complains of a key file that cannot be read, and leaves it as it is", async () => {
    const directory = temporaryFolder();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "faucet.json"), "[1,2");
    expect(codeOf(() => openWorld({ directory }))).toBe("keys_unreadable");
    expect(await Bun.file(join(directory, "faucet.json")).text()).toBe("[1,2");
  });

  test("forgets old transactions beyond what it keeps, but none that could be sent again", () => {
    const world = openWorld({ keep: 5 });
    const payer = world.wallet();
    const sent = Array.from({ length: 10 }, (_, index) => {
      const raw = decoded(signed(world, [transfer(payer, someone(), SOL / 10n + BigInt(index))], [payer]));
      expect(world.chain.execute(raw).kind).toBe("landed");
      return raw;
    });
    const known = () => sent.filter(({ signature }) => world.chain.ledger.queries.has(signature)).length;
    expect(known()).toBe(10);
    world.pass(BLOCKHASH_SLOTS + 2);
    execute(world, [transfer(payer, someone(), SOL)], [payer]);
    expect(known()).toBe(4);
    const history = { limit: 100, upToSlot: Number.MAX_SAFE_INTEGER, before: null, until: null };
    expect(world.chain.ledger.queries.signatures(payer.publicKey.toBytes(), history)).toHaveLength(5);
    expect(world.chain.execute(sent[0]!)).toEqual({ kind: "refused", error: "BlockhashNotFound" });
    world.close();
  });
});

describe("a transaction that cannot be stored", () => {
  test("has not happened, and the chain goes on when there is room again", () => {
    const directory = temporaryFolder();
    const world = openWorld({ directory });
    const payer = world.wallet();
    const to = someone();
    const raw = decoded(signed(world, [transfer(payer, to, SOL)], [payer]));
    const before = lamportsOf(world, payer.publicKey);
    // The disk is full for this table alone, as far as SQLite can tell.
    const elsewhere = new Database(join(directory, "ledger.sqlite"));
    elsewhere.run("create trigger full before insert on transactions begin select raise(abort, 'disk is full'); end");
    expect(() => world.chain.execute(raw)).toThrow("could not store the transaction: disk is full");
    expect(lamportsOf(world, to)).toBe(0n);
    expect(lamportsOf(world, payer.publicKey)).toBe(before);
    elsewhere.run("drop trigger full");
    elsewhere.close();
    expect(world.chain.execute(raw).kind).toBe("landed");
    expect(lamportsOf(world, to)).toBe(SOL);
    world.close();
  });
});
