/** `kill -9` in the middle of a stream of transactions, from source and compiled: what was answered is there. */

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Connection, Keypair, type PublicKey, SystemProgram, Transaction } from "@solana/web3.js";
import { startChain } from "./processes.ts";
import { temporaryFolder } from "./world.ts";

/** Node's and Bun's fetch keep the connection alive; a Connection of web3.js without its WebSocket does all that is needed. */
const connect = (url: string): Connection =>
  new Connection(url, { commitment: "processed", disableRetryOnRateLimit: true });

const keysIn = async (directory: string): Promise<Keypair> =>
  Keypair.fromSecretKey(Uint8Array.from((await Bun.file(join(directory, "server.json")).json()) as number[]));

/** Sends transfers of rising amounts, one after the other, until the chain is gone. */
async function stream(connection: Connection, payer: Keypair, to: PublicKey, onAnswer: (count: number) => void) {
  const { blockhash } = await connection.getLatestBlockhash();
  const answered: { readonly signature: string; readonly lamports: number }[] = [];
  for (let nth = 0; ; nth++) {
    const lamports = 1_000_000 + nth;
    const transaction = new Transaction({ feePayer: payer.publicKey, recentBlockhash: blockhash });
    transaction.add(SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: to, lamports })).sign(payer);
    const raw = transaction.serialize({ verifySignatures: false });
    try {
      answered.push({ signature: await connection.sendRawTransaction(raw, { skipPreflight: true }), lamports });
    } catch {
      return answered;
    }
    onAnswer(answered.length);
  }
}

async function crashAndLook(directory: string, command?: readonly string[]): Promise<void> {
  let chain = await startChain(directory, command);
  const payer = await keysIn(directory);
  const to = Keypair.generate().publicKey;
  let total = 0;
  // Three deaths: the ledger that is opened after one has been through recovery before.
  for (const after of [40, 150, 7]) {
    let death: Promise<void> | undefined;
    const answered = await stream(connect(chain.url), payer, to, (count) => {
      // Not awaited, so that the next transaction is under way when it strikes.
      if (count === after) death = chain.kill("SIGKILL");
    });
    await death;
    chain = await startChain(directory, command);
    const connection = connect(chain.url);
    const signatures = answered.map(({ signature }) => signature);
    const statuses = [];
    for (let from = 0; from < signatures.length; from += 200) {
      const page = await connection.getSignatureStatuses(signatures.slice(from, from + 200), {
        searchTransactionHistory: true,
      });
      statuses.push(...page.value);
    }
    expect(answered.length).toBeGreaterThanOrEqual(after);
    expect(statuses.filter((status) => status?.err !== null)).toEqual([]);
    const sum = total + answered.reduce((all, { lamports }) => all + lamports, 0);
    // The one that was under way may have been stored without its answer getting out.
    const unanswered = 1_000_000 + answered.length;
    total = await connection.getBalance(to);
    expect([sum, sum + unanswered]).toContain(total);
  }
  await chain.kill("SIGTERM");
}

describe("kill -9 in the middle of a stream", () => {
  test("takes back nothing that was answered", async () => {
    await crashAndLook(temporaryFolder());
  }, 60_000);
});

describe("compiled into one program", () => {
  test("the chain runs from there, without a source folder, and survives kill -9 as well", async () => {
    const folder = temporaryFolder();
    const program = join(folder, "chain");
    // The flags of scripts/build.ts that change how the native package is found and loaded.
    const build = ["build", "--compile", "--minify", "--bytecode", "--format=esm", `--outfile=${program}`];
    const child = Bun.spawnSync([process.execPath, ...build, join(import.meta.dir, "chain-process.ts")], {
      cwd: folder,
    });
    expect(child.stderr.toString()).not.toContain("error");
    expect(child.exitCode).toBe(0);
    const directory = join(folder, "data");
    mkdirSync(directory);
    await crashAndLook(directory, [program]);
  }, 120_000);
});
