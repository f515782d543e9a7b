/** Notifications over WebSocket: to whom, when, and what happens to bad requests. */
import { describe, expect, test } from "bun:test";
import type { Faults } from "../../../src/chain/local/index.ts";
import { decoded, openWorld, SOL, signed, someone, transfer, type World } from "./world.ts";

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly method?: string;
  readonly params?: { readonly subscription: number; readonly result: { readonly value: Record<string, unknown> } };
}

/** A connection that keeps what it hears. */
async function listenTo(world: World) {
  const rpc = world.serve({ host: "127.0.0.1", port: 0 });
  const socket = new WebSocket(rpc.wsUrl);
  const heard: Message[] = [];
  const waiting: (() => void)[] = [];
  socket.onmessage = ({ data }) => {
    heard.push(JSON.parse(String(data)) as Message);
    for (const wake of waiting.splice(0)) wake();
  };
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
  const next = async (fits: (message: Message) => boolean): Promise<Message> => {
    for (;;) {
      const found = heard.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  let nextId = 1;
  return {
    heard,
    send: (text: string) => socket.send(text),
    next,
    async call(method: string, ...params: unknown[]): Promise<Message> {
      const id = nextId++;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      return next((message) => message.id === id);
    },
    notified: (subscription: unknown) => next((message) => message.params?.subscription === subscription),
    isNotified: (subscription: unknown) => heard.some((message) => message.params?.subscription === subscription),
    async close() {
      socket.close();
      await rpc.stop();
    },
  };
}

/** A chain, a listener, and a transaction that nobody has sent. */
async function arrange(faults?: Faults) {
  const world = openWorld(faults && { faults });
  const payer = world.wallet();
  const to = someone();
  const transaction = decoded(signed(world, [transfer(payer, to, SOL)], [payer]));
  return { world, to, transaction, client: await listenTo(world) };
}

describe("a signature's subscription", () => {
  test("is told at its commitment, once, whether it came before the transaction or after", async () => {
    const { world, transaction, client } = await arrange();
    const subscribe = async (commitment: string) =>
      (await client.call("signatureSubscribe", transaction.signature, { commitment })).result;
    const early = { confirmed: await subscribe("confirmed"), finalized: await subscribe("finalized") };
    world.chain.execute(transaction);
    const late = await subscribe("finalized");
    world.pass(1);
    expect((await client.notified(early.confirmed)).params?.result.value).toEqual({ err: null });
    expect(client.isNotified(early.finalized) || client.isNotified(late)).toBe(false);
    world.pass(1);
    await Promise.all([client.notified(early.finalized), client.notified(late)]);
    expect(client.heard.filter(({ method }) => method === "signatureNotification")).toHaveLength(3);
    // It has ended with its notification.
    expect((await client.call("signatureUnsubscribe", early.confirmed)).error?.code).toBe(-32602);
    await client.close();
  });

  test("is told of a transaction that landed before anybody listened", async () => {
    const world = openWorld();
    const signature = world.fund(someone(), { lamports: SOL });
    const client = await listenTo(world);
    const { result } = await client.call("signatureSubscribe", signature, { commitment: "finalized" });
    world.pass(1);
    await client.call("getHealth");
    expect(client.isNotified(result)).toBe(false);
    world.pass(1);
    expect((await client.notified(result)).params?.result.value).toEqual({ err: null });
    await client.close();
  });

  test("is not told of what a fault hides until that is over", async () => {
    const { world, transaction, client } = await arrange({ onSend: () => ({ kind: "hide", slots: 10 }) });
    const before = (await client.call("signatureSubscribe", transaction.signature, { commitment: "processed" })).result;
    world.chain.send(transaction, { skipPreflight: false });
    const after = (await client.call("signatureSubscribe", transaction.signature, { commitment: "processed" })).result;
    world.pass(9);
    await client.call("getHealth");
    expect(client.isNotified(before) || client.isNotified(after)).toBe(false);
    world.pass(1);
    await Promise.all([client.notified(before), client.notified(after)]);
    await client.close();
  });
});

describe("accounts and logs", () => {
  test("are told to those who asked for them, and to nobody after they have ended it", async () => {
    const { world, to, transaction, client } = await arrange();
    const options = { commitment: "processed", encoding: "base64" };
    const account = (await client.call("accountSubscribe", to.toBase58(), options)).result;
    const logs = (await client.call("logsSubscribe", { mentions: [to.toBase58()] }, options)).result;
    const all = (await client.call("logsSubscribe", "all", options)).result;
    const other = (await client.call("logsSubscribe", { mentions: [someone().toBase58()] }, options)).result;
    world.chain.execute(transaction);
    expect((await client.notified(account)).params?.result.value).toMatchObject({
      lamports: Number(SOL),
      data: ["", "base64"],
    });
    for (const one of [logs, all]) {
      const { value } = (await client.notified(one)).params!.result;
      expect(value).toMatchObject({ signature: transaction.signature, err: null });
    }
    expect(client.isNotified(other)).toBe(false);
    expect((await client.call("accountUnsubscribe", account)).result).toBe(true);
    const count = client.heard.filter(({ params }) => params?.subscription === account).length;
    world.fund(to, { lamports: SOL });
    world.pass(5);
    await client.call("getHealth");
    expect(client.heard.filter(({ params }) => params?.subscription === account)).toHaveLength(count);
    await client.close();
  });
});

describe("what is no subscription", () => {
  test("is answered as over HTTP, and the connection lives through everything", async () => {
    const { client } = await arrange();
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    for (const text of [
      `{"id":"a","method":${deep}}`,
      `{"id":"b","method":"logsSubscribe","params":[${deep}]}`,
      deep,
      "",
      "{",
      "[]",
      "null",
      '{"method":"signatureSubscribe"}',
      '{"id":[],"method":7}',
      "\u0000",
    ])
      client.send(text);
    expect((await client.call("signatureSubscribe", "abc")).error?.code).toBe(-32602);
    expect((await client.call("logsSubscribe", { mentions: [] })).error?.code).toBe(-32602);
    expect((await client.call("accountSubscribe", someone().toBase58(), { encoding: "base58" })).error?.code).toBe(
      -32602,
    );
    expect((await client.call("blockSubscribe", "all")).error?.code).toBe(-32601);
    expect((await client.call("accountUnsubscribe", 12345)).error?.code).toBe(-32602);
    client.send('{"jsonrpc":"2.0","method":"ping","params":[]}');
    expect((await client.call("getHealth")).result).toBe("ok");
    await client.close();
  });
});
