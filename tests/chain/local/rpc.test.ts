/** The JSON-RPC as bytes see it: official shapes, official error codes, and whatever people send. */

import { afterAll, describe, expect, test } from "bun:test";
import { PublicKey } from "@solana/web3.js";
import { LocalChainError } from "../../../src/chain/local/index.ts";
import { encodeBase58 } from "../../../src/domain/base58.ts";
import { execute, openWorld, SOL, signed, someone, transfer } from "./world.ts";

const world = openWorld();
const rpc = world.serve({ host: "127.0.0.1", port: 0 });
afterAll(() => rpc.stop());
const payer = world.wallet();

const post = (body: string) => fetch(rpc.url, { method: "POST", body });

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
  readonly id?: unknown;
}

async function call(method: string, ...params: unknown[]): Promise<Answer> {
  const response = await post(JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }));
  return (await response.json()) as Answer;
}

const valueIn = async (method: string, ...params: unknown[]) =>
  ((await call(method, ...params)).result as { value: unknown }).value;

const base64 = (raw: Uint8Array): string => Buffer.from(raw).toString("base64");
/** A transfer that nobody has sent yet. */
const fresh = (lamports: bigint | number = SOL / 100n): Uint8Array =>
  signed(world, [transfer(payer, someone(), lamports)], [payer]);

describe("sending", () => {
  test("takes base64 and base58, which is what it means when nothing is said", async () => {
    const [one, other] = [fresh(), fresh()];
    expect((await call("sendTransaction", base64(one), { encoding: "base64" })).result).toBe(
      encodeBase58(one.slice(1, 65)),
    );
    expect((await call("sendTransaction", encodeBase58(other))).result).toBe(encodeBase58(other.slice(1, 65)));
  });

  test("fails in preflight with logs, in the words and with the code of the official node", async () => {
    const answer = await call("sendTransaction", base64(fresh(500n * SOL)), { encoding: "base64" });
    expect(answer.error).toMatchObject({
      code: -32002,
      message: "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1",
      data: { err: { InstructionError: [0, { Custom: 1 }] }, unitsConsumed: 150 },
    });
    expect(answer.error?.data).toHaveProperty("logs.length", 3);
  });

  test("fails in preflight when it was sent before, and without preflight is the same signature again", async () => {
    const raw = base64(fresh());
    const { result } = await call("sendTransaction", raw, { encoding: "base64" });
    const again = await call("sendTransaction", raw, { encoding: "base64" });
    expect(again.error?.message).toBe("Transaction simulation failed: This transaction has already been processed");
    expect((await call("sendTransaction", raw, { encoding: "base64", skipPreflight: true })).result).toBe(result);
  });

  test("of a dead blockhash fails in preflight, and without preflight is answered and never lands", async () => {
    const raw = signed(world, [transfer(payer, someone(), 1_000_000)], [payer], someone().toBase58());
    const answer = await call("sendTransaction", base64(raw), { encoding: "base64" });
    expect(answer.error).toMatchObject({ code: -32002, message: "Transaction simulation failed: Blockhash not found" });
    const { result } = await call("sendTransaction", base64(raw), { encoding: "base64", skipPreflight: true });
    expect(await valueIn("getSignatureStatuses", [result], { searchTransactionHistory: true })).toEqual([null]);
  });

  test("with a wrong signature fails with the code for that", async () => {
    const raw = fresh();
    raw[20]! ^= 1;
    expect((await call("sendTransaction", base64(raw), { encoding: "base64" })).error).toEqual({
      code: -32003,
      message: "Transaction signature verification failure",
    });
  });
});

describe("simulating", () => {
  test("changes nothing and shows the accounts as they would be", async () => {
    const to = someone();
    const raw = base64(signed(world, [transfer(payer, to, SOL)], [payer]));
    const accounts = { encoding: "base64", addresses: [to.toBase58()] };
    const value = await valueIn("simulateTransaction", raw, { encoding: "base64", sigVerify: true, accounts });
    expect(value).toMatchObject({ err: null, unitsConsumed: 150, accounts: [{ lamports: Number(SOL) }] });
    expect(await valueIn("getBalance", to.toBase58(), { commitment: "processed" })).toBe(0);
  });

  test("goes without signatures and with any blockhash, when asked to", async () => {
    const raw = signed(world, [transfer(payer, someone(), SOL)], [payer], someone().toBase58());
    raw.fill(0, 1, 65);
    expect(await valueIn("simulateTransaction", base64(raw), { encoding: "base64" })).toMatchObject({
      err: "BlockhashNotFound",
    });
    const options = { encoding: "base64", replaceRecentBlockhash: true };
    expect(await valueIn("simulateTransaction", base64(raw), options)).toMatchObject({ err: null });
    const both = await call("simulateTransaction", base64(raw), { ...options, sigVerify: true });
    expect(both.error?.code).toBe(-32602);
  });
});

describe("statuses", () => {
  test("of old transactions are told only to those who ask for the history", async () => {
    const signature = world.fund(someone(), { lamports: 1_000_000n });
    world.pass(301);
    expect(await valueIn("getSignatureStatuses", [signature])).toEqual([null]);
    expect(await valueIn("getSignatureStatuses", [signature], { searchTransactionHistory: true })).toMatchObject([
      { confirmationStatus: "finalized", err: null, status: { Ok: null } },
    ]);
  });
});

describe("accounts", () => {
  test("are shown in every encoding, with u64 to the last digit", async () => {
    const mint = world.mint.toBase58();
    const text = await (
      await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "getAccountInfo", params: [mint] }))
    ).text();
    expect(text).toContain('"rentEpoch":18446744073709551615');
    const data = async (options: object) =>
      ((await valueIn("getAccountInfo", mint, options)) as { data: unknown }).data;
    const [plain] = (await data({ encoding: "base64" })) as [string];
    const bytes = Buffer.from(plain, "base64");
    expect(bytes).toHaveLength(82);
    expect(await data({ encoding: "base58" })).toEqual([encodeBase58(bytes), "base58"]);
    const [packed] = (await data({ encoding: "base64+zstd" })) as [string];
    expect(Bun.zstdDecompressSync(Buffer.from(packed, "base64"))).toEqual(bytes);
    expect(await data({ encoding: "base64", dataSlice: { offset: 44, length: 1 } })).toEqual(["CQ==", "base64"]);
    expect(await data({ encoding: "jsonParsed" })).toMatchObject({
      program: "spl-token",
      parsed: { type: "mint", info: { decimals: 9, mintAuthority: world.faucet.publicKey.toBase58() } },
    });
  });

  test("of a program are found by size and content", async () => {
    const holder = someone();
    world.fund(holder, { tokens: 1n });
    world.fund(someone(), { tokens: 2n });
    world.pass(2);
    const token = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
    const count = async (filters: unknown[]) =>
      ((await call("getProgramAccounts", token, { filters })).result as unknown[]).length;
    expect(await count([{ dataSize: 82 }])).toBe(1);
    expect(await count([{ dataSize: 165 }])).toBe(2);
    const memcmp = { offset: 32, bytes: holder.toBase58() };
    expect(await count([{ dataSize: 165 }, { memcmp }])).toBe(1);
    expect(await count([{ memcmp: { offset: 32, bytes: base64(holder.toBytes()), encoding: "base64" } }])).toBe(1);
    expect(await count([{ memcmp: { ...memcmp, offset: 33 } }])).toBe(0);
    expect(await call("getProgramAccounts", token, { filters: [{ size: 1 }] })).toMatchObject({
      error: { code: -32602 },
    });
  });
});

describe("a bad request", () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ["no JSON", "{", -32700, "not JSON"],
    ["nothing", "", -32700, "not JSON"],
    ["no object", "42", -32600, "Invalid request"],
    ["no method", '{"jsonrpc":"2.0","id":1}', -32600, "Invalid request"],
    ["an empty batch", "[]", -32600, "1 to 100"],
    ["an unknown method", '{"id":1,"method":"getCoffee"}', -32601, 'has no "getCoffee"'],
    ["a method of Object", '{"id":1,"method":"constructor"}', -32601, "Method not found"],
    ["params by name", '{"id":1,"method":"getSlot","params":{}}', -32602, "must be a list"],
    [
      "a bad commitment",
      '{"id":1,"method":"getSlot","params":[{"commitment":"maybe"}]}',
      -32602,
      "processed, confirmed",
    ],
    [
      "a slot to come",
      '{"id":1,"method":"getSlot","params":[{"minContextSlot":99999999}]}',
      -32016,
      "Minimum context slot",
    ],
    ["no address", '{"id":1,"method":"getBalance","params":[]}', -32602, "address must be a string"],
    ["a short address", '{"id":1,"method":"getBalance","params":["abc"]}', -32602, "WrongSize"],
    ["an address of wrong letters", '{"id":1,"method":"getBalance","params":["0OIl"]}', -32602, "not base58"],
    ["a long address", `{"id":1,"method":"getBalance","params":["${"1".repeat(200_000)}"]}`, -32602, "not base58"],
    ["a number for a list", '{"id":1,"method":"getSignatureStatuses","params":[1]}', -32602, "must be a list"],
    [
      "lamports by halves",
      `{"id":1,"method":"requestAirdrop","params":["${someone().toBase58()}",0.5]}`,
      -32602,
      "whole number",
    ],
    [
      "no transaction",
      '{"id":1,"method":"sendTransaction","params":["AAAA",{"encoding":"base64"}]}',
      -32602,
      "deserialize",
    ],
    ["no base64", '{"id":1,"method":"sendTransaction","params":["%%%",{"encoding":"base64"}]}', -32602, "not base64"],
    [
      "more than the faucet has",
      `{"id":1,"method":"requestAirdrop","params":["${someone().toBase58()}",9007199254740991]}`,
      -32603,
      "faucet could not pay",
    ],
    [
      "processed history",
      `{"id":1,"method":"getSignaturesForAddress","params":["${someone().toBase58()}",{"commitment":"processed"}]}`,
      -32602,
      "below `confirmed`",
    ],
  ];
  for (const [what, body, code, message] of cases) {
    test(`with ${what} gets code ${code} and says why`, async () => {
      const answer = (await (await post(body)).json()) as Answer;
      expect(answer.error?.code).toBe(code);
      expect(answer.error?.message).toContain(message);
    });
  }

  test("of a size that nobody needs is turned away", async () => {
    const response = await post(`"${"x".repeat(600_000)}"`);
    expect(response.status).toBe(413);
    expect((await call("getHealth")).result).toBe("ok");
  });

  test("nested beyond all measure does no harm", async () => {
    const deep = `{"id":1,"method":"getBalance","params":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    expect(((await (await post(deep)).json()) as Answer).error?.code).toBeLessThan(0);
    expect((await call("getHealth")).result).toBe("ok");
  });
});

describe("a batch", () => {
  test("is answered in order, the bad ones among them too, and notifications not at all", async () => {
    const batch = [
      { jsonrpc: "2.0", id: "a", method: "getHealth" },
      { jsonrpc: "2.0", method: "getHealth" },
      { jsonrpc: "2.0", id: "b", method: "getNothing" },
    ];
    const answers = (await (await post(JSON.stringify(batch))).json()) as Answer[];
    expect(answers.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(answers[1]?.error?.code).toBe(-32601);
  });
});

test("random bytes in place of transactions end in an answer, never in the death of the process", async () => {
  const model = fresh();
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 400; round++) {
    const raw = model.slice(0, random(4) === 0 ? random(model.length) : model.length);
    for (let change = random(6); change >= 0; change--) raw[65 + random(Math.max(1, raw.length - 65))] = random(256);
    for (const [method, options] of [
      ["simulateTransaction", { encoding: "base64", replaceRecentBlockhash: true }],
      ["sendTransaction", { encoding: "base64", skipPreflight: true }],
    ] as const) {
      const { result, error } = await call(method, base64(raw), options);
      expect(result !== undefined || error?.code === -32602).toBe(true);
    }
  }
});

test("addresses other than the loopback are refused, and so is a port that is taken", () => {
  const codeOf = (host: string, port: number): string => {
    try {
      void world.serve({ host, port }).stop();
      return "none";
    } catch (error) {
      return error instanceof LocalChainError ? error.code : String(error);
    }
  };
  expect(codeOf("0.0.0.0", 0)).toBe("not_loopback");
  expect(codeOf("192.168.1.5", 0)).toBe("not_loopback");
  expect(codeOf("127.0.0.1", rpc.port)).toBe("port_in_use");
});

test("a page in a browser may ask", async () => {
  const response = await fetch(rpc.url, { method: "OPTIONS", headers: { origin: "http://wallet.test" } });
  expect(response.status).toBe(204);
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
});

test("a history is read in pages, newest first", async () => {
  const wallet = new PublicKey(someone());
  for (let nth = 1; nth <= 5; nth++) execute(world, [transfer(payer, wallet, nth * 1_000_000)], [payer]);
  world.pass(2);
  const page = async (options: object) => {
    const { result } = await call("getSignaturesForAddress", wallet.toBase58(), options);
    return (result as { signature: string }[]).map(({ signature }) => signature);
  };
  const all = await page({});
  expect(all).toHaveLength(5);
  expect(await page({ limit: 2 })).toEqual(all.slice(0, 2));
  expect(await page({ before: all[1] })).toEqual(all.slice(2));
  expect(await page({ until: all[3] })).toEqual(all.slice(0, 3));
});
