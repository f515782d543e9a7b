/** Stock web3.js against the chain: from another program over sockets, and from within. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { SystemProgram, Transaction } from "@solana/web3.js";
import { startChain } from "./processes.ts";
import { openWorld, SOL, someone, temporaryFolder } from "./world.ts";

test("a program under Node uses the chain over HTTP and WebSocket as it would a cluster", async () => {
  const chain = await startChain(temporaryFolder());
  // Where there is no Node the same program runs under Bun: still another process, and web3.js's own sockets.
  const runtime = Bun.which("node") ?? process.execPath;
  const client = Bun.spawn([runtime, join(import.meta.dir, "client.mjs"), chain.url], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, problems] = await Promise.all([client.stdout.text(), client.stderr.text()]);
  expect(problems).toBe("");
  expect(JSON.parse(out)).toEqual({
    airdrop: null,
    balance: 5e9,
    finalized: null,
    fee: 5000,
    parsed: 3,
    heard: { account: [1e9], logs: [true] },
    preflight: ["SendTransactionError", true, 3],
    onChain: true,
    versioned: null,
    loaded: true,
    version: -32015,
    to: 1e9 + 7,
  });
  await chain.kill("SIGTERM");
}, 60_000);

test("a Connection within the process needs no socket", async () => {
  const world = openWorld();
  const payer = world.wallet(SOL);
  const connection = world.connection("processed");
  const to = someone();
  const transaction = new Transaction({ feePayer: payer.publicKey, ...(await connection.getLatestBlockhash()) });
  transaction.add(SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: to, lamports: 1_000_000 }));
  transaction.sign(payer);
  const signature = await connection.sendRawTransaction(transaction.serialize());
  expect((await connection.getSignatureStatus(signature)).value).toMatchObject({ err: null });
  expect(await connection.getBalance(to)).toBe(1_000_000);
  expect(await connection.getFeeForMessage(transaction.compileMessage())).toMatchObject({ value: 5000 });
  expect((await connection.getParsedAccountInfo(world.mint)).value?.data).toMatchObject({ program: "spl-token" });
  expect((await connection.getMultipleAccountsInfo([to, someone()])).map((one) => one?.lamports)).toEqual([
    1_000_000,
    undefined,
  ]);
  expect((await connection.getEpochInfo()).slotsInEpoch).toBe(432_000);
  expect(await connection.getBlockTime(await connection.getSlot())).toBeGreaterThan(1_700_000_000);
  expect(await connection.getGenesisHash()).toBe(world.chain.ledger.genesisHash);
  expect((await connection.getVersion())["solana-core"]).toMatch(/^\d+\.\d+\.\d+/);
  expect((await connection.getTokenSupply(world.mint)).value).toEqual({
    amount: "0",
    decimals: 9,
    uiAmount: 0,
    uiAmountString: "0",
  });
});
