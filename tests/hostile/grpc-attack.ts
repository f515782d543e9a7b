/** Picks an RPC and a way to ill-treat it: the message's fields, its bytes, its frame, or the call around it. */
import { deflateSync, gzipSync } from "node:zlib";
import { damaged, everyRpc, type Known, message, type Rpc } from "./messages.ts";
import { BROKEN_TEXT, type Dice, TEXTS } from "./values.ts";
import { frame, type RawCall, type Wire } from "./wire.ts";

const UNIMPLEMENTED = 12;

/**
 * The RPCs this server serves, by asking it: those of the contract that it does not serve are worth one call each. A service
 * that is added to the server is attacked from then on.
 */
export async function servedRpcs(wire: Wire): Promise<readonly Rpc[]> {
  const served: Rpc[] = [];
  for (const rpc of everyRpc()) {
    const { grpc, message: words } = await wire.send({
      path: rpc.path,
      headers: GRPC,
      chunks: [frame(Buffer.alloc(0))],
      close: "end",
    });
    if (grpc !== UNIMPLEMENTED || !words.startsWith("The server does not implement")) served.push(rpc);
  }
  return served;
}

/** 100 MB of nothing in 100 KB: what decompresses must be bounded too. */
const BOMB = gzipSync(Buffer.alloc(100_000_000));

const GRPC = { "content-type": "application/grpc" } as const;

export interface Attack {
  readonly way: string;
  readonly call: RawCall;
}

export function grpcAttack(rpc: Rpc, dice: Dice, known: Known, authorization: string): Attack {
  const headers = { ...GRPC, authorization };
  const usual = (): Buffer => message(rpc.request, dice, known, 0);
  const call = (chunks: readonly Uint8Array[], more: Readonly<Record<string, string>> = {}): RawCall => ({
    path: rpc.path,
    headers: { ...headers, ...more },
    chunks,
    close: "end",
  });
  const roll = dice.below(100);
  if (roll < 50)
    return { way: "fields", call: call([frame(message(rpc.request, dice, known, dice.pick([0.05, 0.15, 0.5])))]) };
  if (roll < 62) return { way: "bytes", call: call([frame(damaged(message(rpc.request, dice, known, 0.05), dice))]) };
  if (roll < 66) return { way: "noise", call: call([frame(dice.bytes(dice.below(200)))]) };
  if (roll < 82) return { way: "frame", call: badFrame(call, usual(), dice) };
  if (roll < 96) return { way: "headers", call: call([frame(usual())], badHeaders(dice)) };
  return {
    way: "path",
    call: { ...call([frame(usual())]), path: dice.pick(["/", "//", `${rpc.path}/`, `${rpc.path}x`, "/%00/%1b", "*"]) },
  };
}

type Call = (chunks: readonly Uint8Array[], more?: Readonly<Record<string, string>>) => RawCall;

function badFrame(call: Call, usual: Buffer, dice: Dice): RawCall {
  const whole = frame(usual);
  switch (dice.below(12)) {
    case 0:
      return call([frame(usual, { length: usual.length + 1 + dice.below(100) })]);
    case 1:
      return call([frame(usual, { length: dice.below(usual.length + 1) })]);
    case 2:
      return call([frame(usual, { length: 0xffff_ffff })]);
    case 3:
      return call([whole.subarray(0, dice.below(whole.length))]);
    case 4:
      return call([whole, whole]);
    case 5:
      return call([]);
    case 6:
      return call([frame(usual, { flag: 1 })]);
    case 7:
      return call([frame(dice.bytes(50), { flag: 1 })], { "grpc-encoding": dice.pick(["gzip", "deflate"]) });
    case 8:
      return call([frame(BOMB, { flag: 1 })], { "grpc-encoding": "gzip" });
    case 9:
      return call([frame(deflateSync(usual).subarray(0, -3), { flag: 1 })], { "grpc-encoding": "deflate" });
    case 10:
      return call([frame(usual, { flag: 1 })], { "grpc-encoding": "snappy" });
    default:
      return { ...call([whole.subarray(0, dice.below(whole.length))]), close: dice.pick(["open", "reset"] as const) };
  }
}

/** What HTTP allows in a header, or we could not send it. */
const inHeader = (text: string): string => text.replaceAll(/[^ -~]/g, "?").slice(0, 8000);

function badHeaders(dice: Dice): Readonly<Record<string, string>> {
  const text = inHeader(dice.pick(TEXTS));
  switch (dice.below(12)) {
    case 0:
      return {
        "content-type": dice.pick(["application/json", "text/plain", "application/grpc+json", "application/grpc-web"]),
      };
    case 1:
      return { "grpc-timeout": dice.pick(["0n", "-5S", "99999999H", "1", "S", "999999999999999S", "1.5S", text]) };
    case 2:
      return { "grpc-encoding": text };
    case 3:
      // HTTP/2 drops a header that ends in a space, and a call without one is this machine's operator's, who may do it.
      return {
        authorization: dice.pick(["", "Bearer", "Basic YTpi", "Bearer a.b.c", `Bearer ${text}`.trimEnd(), FORGED]),
      };
    case 4:
      return { "idempotency-key": text };
    case 5:
      return { "cyxwiz-attempt": dice.pick(["-1", "1e9", "NaN", "99999999999999999999", "0x10", text]) };
    case 6:
      return { "cyxwiz-slots": dice.pick(["0", "-1", "1e9", "NaN", text]) };
    case 7:
      return { "cyxwiz-assign-endpoint": dice.pick(["unix:/etc/passwd", "[::]:1", "a:99999", "http://x:1", text]) };
    case 8:
      return { "cyxwiz-boot-id": text, "cyxwiz-features": text };
    case 9:
      return { "some-bin": dice.pick(["!!!!", "AAAA", text]) };
    case 10:
      return Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-header-${index}`, "z".repeat(60)]));
    default:
      return { te: "gzip", "x-text": dice.pick(BROKEN_TEXT).toString("latin1") };
  }
}

/** Signed with nothing ("alg": "none"), for another owner. */
const FORGED = `Bearer ${["eyJhbGciOiJub25lIn0", Buffer.from('{"sub":"alice"}').toString("base64url"), ""].join(".")}`;
