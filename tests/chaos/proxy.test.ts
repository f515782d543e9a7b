/** The fault tool itself: a proxy that does not do what it says would make every cell above it prove nothing. */
import { afterAll, describe, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { until } from "../support/servers.ts";
import { FaultyProxy } from "./proxy.ts";

const echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
const address = echo.address();
const echoPort = typeof address === "object" && address !== null ? address.port : 0;
const open: { stop(): void }[] = [];
afterAll(() => {
  for (const one of open) one.stop();
  echo.close();
});

async function proxied(): Promise<FaultyProxy> {
  const proxy = await FaultyProxy.start(echoPort);
  open.push(proxy);
  return proxy;
}

interface Caller {
  readonly socket: Socket;
  heard: string;
  closed: boolean;
}

function call(proxy: FaultyProxy): Caller {
  const socket = connect(proxy.port, "127.0.0.1");
  const caller: Caller = { socket, heard: "", closed: false };
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    caller.heard += chunk.toString();
  });
  socket.on("close", () => {
    caller.closed = true;
  });
  open.push({ stop: () => socket.destroy() });
  return caller;
}

async function talking(proxy: FaultyProxy): Promise<Caller> {
  const caller = call(proxy);
  caller.socket.write("a");
  await until("the echo", () => caller.heard === "a");
  return caller;
}

describe("the faulty proxy", () => {
  test("a stall keeps what is said and lets go of it, in order, when it ends", async () => {
    const proxy = await proxied();
    const caller = await talking(proxy);
    proxy.stall();
    const late = call(proxy);
    caller.socket.write("b");
    caller.socket.write("c");
    late.socket.write("z");
    await Bun.sleep(300);
    expect([caller.heard, late.heard]).toEqual(["a", ""]);
    proxy.flow();
    await until("what was said", () => caller.heard === "abc" && late.heard === "z");
    expect(caller.closed).toBe(false);
  });

  test("a half-open connection stays silent for ever and open, and a new one works", async () => {
    const proxy = await proxied();
    const caller = await talking(proxy);
    proxy.deafen();
    caller.socket.write("b");
    const other = await talking(proxy);
    await Bun.sleep(300);
    expect(caller).toMatchObject({ heard: "a", closed: false });
    expect(other.closed).toBe(false);
  });

  test("a cut resets what is there and refuses what comes, until it is mended", async () => {
    const proxy = await proxied();
    const caller = await talking(proxy);
    proxy.cut();
    const refused = call(proxy);
    await until("both to be closed", () => caller.closed && refused.closed);
    expect(proxy.connections).toBe(0);
    proxy.mend();
    await talking(proxy);
  });

  test("answers come late, and in order when the delay ends meanwhile", async () => {
    const proxy = await proxied();
    const caller = await talking(proxy);
    proxy.delayAnswers(400);
    caller.socket.write("b");
    await Bun.sleep(150);
    expect(caller.heard).toBe("a");
    proxy.delayAnswers(0);
    caller.socket.write("c");
    await until("both answers", () => caller.heard.length === 3);
    expect(caller.heard).toBe("abc");
  });
});
