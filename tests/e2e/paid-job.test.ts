/**
 * A job that is paid for, as its people see it: the server as a process with its chain, a wallet that knows nothing but the chain's
 * RPC, an engine, and a node that wants to be paid. The server is killed on the way.
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Connection, Keypair, PublicKey, Transaction } from "@solana/web3.js";
import { approveAllowance, associatedTokenAddress } from "../../src/chain/escrow/index.ts";
import { StatusCode } from "../../src/transport/grpc/protocol.ts";
import { TestNodes } from "../support/agents.ts";
import { Engine, smallJob } from "../support/engine.ts";
import { QUICK_TIMES, ServerProcess } from "../support/server-process.ts";
import { freePort, temporaryDirectory, until } from "../support/servers.ts";

setDefaultTimeout(120_000);

const TOKENS = 1_000_000_000_000n;
const TIMES = { heartbeat: 300, firstRetry: 50, slowestRetry: 500 };
const user = Keypair.generate();
const nodeWallet = Keypair.generate().publicKey;
/** web3.js opens its WebSocket on the port behind; nothing here subscribes. */
const rpcPort = await freePort();
const server = await ServerProcess.prepare({
  settings: {
    ...QUICK_TIMES,
    "server.data_dir": temporaryDirectory("paid"),
    "blockchain.paid_jobs": "with_wallet",
    "blockchain.local_rpc_address": `127.0.0.1:${rpcPort}`,
  },
});
await server.start();
const engine = new Engine(server.address);
const nodes = new TestNodes();
const connection = new Connection(`http://127.0.0.1:${rpcPort}`, "confirmed");
afterAll(async () => {
  await nodes.stop();
  engine.close();
  await server.stop();
});

const facts = (await (await fetch(`${server.restUrl}/api/v1/blockchain`)).json()) as Readonly<Record<string, string>>;
const announced = (name: "token_mint" | "authority"): PublicKey => new PublicKey(facts[name] ?? "");
const ask = async (method: string, ...params: unknown[]) => {
  const request = { jsonrpc: "2.0", id: 1, method, params };
  const headers = { "content-type": "application/json" };
  const reply = await fetch(connection.rpcEndpoint, { method: "POST", headers, body: JSON.stringify(request) });
  return ((await reply.json()) as { readonly result: string }).result;
};
const final = (signature: string) =>
  until(`${signature} to be final`, async () => {
    const { value } = await connection.getSignatureStatuses([signature]);
    return value[0]?.confirmationStatus === "finalized";
  });
const balance = async (owner: PublicKey): Promise<bigint> => {
  const account = associatedTokenAddress(owner, announced("token_mint"));
  const found = await connection.getTokenAccountBalance(account).catch(() => null);
  return BigInt(found?.value.amount ?? 0);
};
const payment = async (job: string) =>
  (await (await fetch(`${server.restUrl}/api/v1/jobs/${job}/payment`)).json()) as {
    readonly state: string;
    readonly amount: number;
    readonly node_reward: number;
    readonly platform_fee: number;
    readonly problem: { readonly message: string } | null;
    readonly ledger: readonly { readonly debit: string; readonly credit: string; readonly amount: number }[];
  };

test("a job's price is taken from its wallet, the work is done, and its node is paid; a killed server loses nothing of it", async () => {
  const address = user.publicKey.toBase58();
  await final(await ask("requestAirdrop", address, 1_000_000_000));
  await final(await ask("requestTokens", address, Number(TOKENS)));

  // Not allowed yet: it says so, and waits.
  const job = await engine.submit({ ...smallJob, epochs: 2000, paymentAddress: address });
  await until("the server to say what is missing", async () => (await payment(job)).problem !== null);
  expect((await payment(job)).problem?.message).toContain("has not approved");
  const waiting = await engine.status(job);
  expect(waiting.status).toBe(StatusCode.STATUS_PENDING);
  expect(waiting.error?.message).toContain("has not approved");

  const source = associatedTokenAddress(user.publicKey, announced("token_mint"));
  const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash();
  const transaction = new Transaction({ feePayer: user.publicKey, blockhash, lastValidBlockHeight });
  transaction.add(approveAllowance(user.publicKey, source, announced("authority"), TOKENS)).sign(user);
  await final(await connection.sendRawTransaction(transaction.serialize()));

  await server.kill();
  await server.start();
  await until("the price to be locked", async () => (await payment(job)).state === "locked.idle", 60_000);
  const { amount } = await payment(job);
  expect(await balance(user.publicKey)).toBe(TOKENS - BigInt(amount));

  await nodes.start(1, server.address, TIMES, 1, nodeWallet.toBase58());
  await until(
    "the job to run",
    async () => (await engine.status(job)).status === StatusCode.STATUS_IN_PROGRESS,
    60_000,
  );
  await server.kill();
  await server.start();
  await until(
    "the job to be done",
    async () => (await engine.status(job)).status === StatusCode.STATUS_COMPLETED,
    60_000,
  );
  await until("the node to be paid", async () => (await payment(job)).state === "completed", 60_000);

  const { node_reward, platform_fee, ledger } = await payment(job);
  expect(node_reward + platform_fee).toBe(amount);
  expect(platform_fee).toBe(Math.floor(amount / 10));
  expect(await balance(nodeWallet)).toBe(BigInt(node_reward));
  expect(await balance(user.publicKey)).toBe(TOKENS - BigInt(amount));
  expect(ledger[0]).toMatchObject({ debit: `user:${address}`, credit: `escrow:${job}`, amount });
  const paidOut = ledger.slice(1).reduce((sum, one) => sum + one.amount, 0);
  expect(paidOut).toBe(amount);
});

test("on the command line: a wallet is made, filled and opened, and pays for a job", async () => {
  const home = temporaryDirectory("wallet");
  const file = join(home, ".config", "cyxwiz", "wallet.json");
  const cyxwiz = async (...words: string[]) => {
    const flags = [`--server=${server.address}`, `--rest=${new URL(server.restUrl).host}`];
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../src/main.ts"), ...words, ...flags], {
      cwd: home,
      env: { ...process.env, HOME: home },
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err, code };
  };
  await Bun.write(
    join(home, "job.json"),
    JSON.stringify({
      job_type: "training",
      dataset_uri: "builtin:iris",
      epochs: 3,
      model_definition: smallJob.modelDefinition,
    }),
  );

  expect(await cyxwiz("submit", "job.json", "--pay")).toMatchObject({
    code: 2,
    err: expect.stringContaining("no wallet"),
  });
  const made = await cyxwiz("wallet");
  expect(made).toMatchObject({ code: 0, err: expect.stringContaining(`Made a wallet: ${file}`) });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await cyxwiz("wallet", "--allow=many")).toMatchObject({ code: 2, err: expect.stringContaining("--allow") });
  expect(await cyxwiz("wallet", "--allow=1")).toMatchObject({ code: 1, err: expect.stringContaining("--fund") });
  const filled = await cyxwiz("wallet", "--fund", "--allow=0.5", "--json");
  const { address, ...held } = JSON.parse(filled.out) as Readonly<Record<string, string>>;
  expect(held).toMatchObject({ file, tokens: "1000000000000", allowed: "500000000" });

  const { out } = await cyxwiz("submit", "job.json", "--pay");
  const job = out.trim();
  await until("the node to be paid", async () => (await payment(job)).state === "completed", 60_000);
  const { amount, ledger } = await payment(job);
  expect(ledger[0]).toMatchObject({ debit: `user:${address}`, amount });
  const told = await cyxwiz("payment", job);
  expect(told.out).toContain(`price    ${amount / 1e9}`);
  expect(told.out).toContain(`user:${address}`);
  expect(await cyxwiz("payment", job, "--retry")).toMatchObject({
    code: 1,
    err: expect.stringContaining("has not failed"),
  });
  const after = JSON.parse((await cyxwiz("wallet", "--json")).out) as Readonly<Record<string, string>>;
  expect(after).toMatchObject({ tokens: `${1_000_000_000_000 - amount}`, allowed: `${500_000_000 - amount}` });
});

test("the members of a gang are paid alike, and the portion of one without a wallet goes back", async () => {
  const second = Keypair.generate().publicKey;
  await nodes.start(1, server.address, TIMES, 1, second.toBase58());
  await nodes.start(1, server.address, TIMES, 1);
  const before = { user: await balance(user.publicKey), node: await balance(nodeWallet) };
  const job = await engine.submit({
    ...smallJob,
    estimatedDuration: 77n,
    paymentAddress: user.publicKey.toBase58(),
    hyperparameters: { ...smallJob.hyperparameters, "cyxwiz.gang.size": "3" },
  });
  await until("all of the price to be settled", async () => (await payment(job)).state === "refunded", 60_000);
  const { amount, node_reward, platform_fee } = await payment(job);
  const [third, rest] = [Math.floor(amount / 3), Math.ceil(amount / 3)];
  const got = [await balance(second), (await balance(nodeWallet)) - before.node].map(Number);
  expect(got.reduce((sum, one) => sum + one)).toBe(node_reward);
  for (const one of got) expect(Math.abs(one - 0.9 * third)).toBeLessThan(2);
  const refunded = amount - node_reward - platform_fee;
  expect([third, rest]).toContain(refunded);
  expect(await balance(user.publicKey)).toBe(before.user - BigInt(amount - refunded));
});

test("a job without a wallet runs as ever, and has no payment", async () => {
  const job = await engine.submit(smallJob);
  await until(
    "the job to be done",
    async () => (await engine.status(job)).status === StatusCode.STATUS_COMPLETED,
    60_000,
  );
  const reply = await fetch(`${server.restUrl}/api/v1/jobs/${job}/payment`);
  expect(reply.status).toBe(404);
});
