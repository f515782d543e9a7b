/** What no answer may be, whatever was asked. Each rule returns the words of the fault, or null. */
import type { RestReply } from "./rest-attack.ts";
import type { RawReply } from "./wire.ts";

/** gRPC's words for "it was the server": UNKNOWN, INTERNAL, DATA_LOSS. */
const OURS: ReadonlySet<number> = new Set([2, 13, 15]);
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;

/** Refused before there is a message whose field could be named. */
const WHOLE_REQUEST =
  /^(the request's bytes are|the request's bytes do|grpc-timeout:|there is no request message|there is more than one request message)/;

/** Signs of our inside. None of them is among the values we send. */
const INSIDE =
  /\n\s+at |\bat \S+ \(|node_modules|\.tsx?:\d|\bselect .+ from "|insert into "|violates|syntax error at|duplicate key|pg_\w+\(\)|\b(Type|Range|Syntax|Reference)Error\b|\bECONN[A-Z]+|internal error; the server's log/;

/** @param secret stands in all that belongs to somebody else */
export function judgeGrpc(reply: RawReply, secret: string): string | null {
  if (reply.grpc !== null && OURS.has(reply.grpc)) return `status ${reply.grpc} for the caller's mistake`;
  if (reply.http !== null && reply.http >= 500) return `HTTP ${reply.http}`;
  if (reply.grpc === INVALID_ARGUMENT && !reply.trailers["cyxwiz-field"] && !WHOLE_REQUEST.test(reply.message))
    return "INVALID_ARGUMENT without a field";
  if (reply.grpc === RESOURCE_EXHAUSTED && reply.trailers["grpc-retry-pushback-ms"] === undefined)
    return "RESOURCE_EXHAUSTED without a hint when to come again";
  return judgeText(reply.everything, secret);
}

export function judgeRest({ status, text }: RestReply, secret: string): string | null {
  if (status !== null && status >= 500 && status !== 501 && status !== 505) return `HTTP ${status}`;
  const [head = "", body = ""] = split(text);
  const problem = /^content-type: application\/problem\+json/im.test(head);
  if (status === 400 && problem && body !== "" && !/"field":/.test(body)) return "400 without a field";
  if (status === 429 && !/^retry-after: \d+/im.test(head)) return "429 without Retry-After";
  // A header that the caller wrote would show a second line of its own.
  if (/^x-forged:/im.test(head)) return "a header of the caller's making";
  return judgeText(text, secret);
}

function split(text: string): string[] {
  const at = text.indexOf("\r\n\r\n");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 4)];
}

function judgeText(text: string, secret: string): string | null {
  if (text.includes(secret)) return "another owner's data";
  const inside = INSIDE.exec(text);
  return inside ? `tells of the inside: ${JSON.stringify(inside[0].slice(0, 80))}` : null;
}

/** One line of the log: JSON, whole, and nothing in it that a terminal would act on. */
export function judgeLog(line: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/.test(line)) return "a raw control character";
  try {
    const { level } = JSON.parse(line) as { level?: unknown };
    return level === "error" ? "an error of the server's own" : null;
  } catch {
    return "no JSON";
  }
}
