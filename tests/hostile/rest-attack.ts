/** Requests from the server's own OpenAPI document, ill-treated, over a bare socket: nothing on our side corrects them. */
import { connect } from "node:net";
import type { Known } from "./messages.ts";
import { BROKEN_TEXT, type Dice, TEXTS } from "./values.ts";

export interface OpenApiRoute {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  /** Names of the body's fields; empty where it takes none. */
  readonly fields: readonly string[];
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: { readonly $ref?: string } }>>;
  };
}

export async function everyRoute(restUrl: string): Promise<readonly OpenApiRoute[]> {
  const document = (await (await fetch(`${restUrl}/api/openapi.json`)).json()) as Document;
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const reference = operation.requestBody?.content["application/json"]?.schema?.$ref ?? "";
      const schema = document.components.schemas[reference.slice(reference.lastIndexOf("/") + 1)];
      return {
        method: method.toUpperCase(),
        path,
        query: (operation.parameters ?? []).filter((each) => each.in === "query").map(({ name }) => name),
        fields: Object.keys(schema?.properties ?? {}),
      };
    }),
  );
}

export interface RestAttack {
  readonly way: string;
  readonly request: Buffer;
  /** The first line, for people. */
  readonly line: string;
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"];
const SEGMENTS = [
  "..",
  "%2e%2e",
  "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
  "%00",
  "%1b%5b2J",
  "%ff",
  "%",
  "%zz",
  "a%0d%0aX-Forged:%201",
  "%27%3b%20drop%20table%20jobs%3b--",
  "x".repeat(5000),
  "{id}",
  "*",
  ";",
  "%F0%9F%92%A5",
];

export function restAttack(route: OpenApiRoute, dice: Dice, known: Known, authorization: string | null): RestAttack {
  const id = route.path.includes("/nodes/") ? dice.pick(known.nodes) : dice.pick(known.jobs);
  let path = route.path.replace(/\{\w+\}/, () =>
    dice.chance(0.4) ? dice.pick(SEGMENTS) : dice.pick([id, crypto.randomUUID()]),
  );
  if (dice.chance(0.08)) path += `/${dice.pick(SEGMENTS)}`;
  const query = route.query.filter(() => dice.chance(0.5)).map((name) => `${name}=${queryValue(dice)}`);
  if (query.length > 0) path += `?${query.join("&")}`;
  const method = dice.chance(0.15) ? dice.pick(METHODS) : route.method;
  const headers: Record<string, string> = {
    Host: dice.chance(0.03) ? dice.pick(["", "a b", "evil/../x", "x".repeat(300)]) : "127.0.0.1",
  };
  if (authorization !== null) headers.Authorization = authorization;
  if (dice.chance(0.1)) Object.assign(headers, oddHeaders(dice));
  const body = route.method === "POST" || dice.chance(0.1) ? bodyOf(route, dice) : null;
  if (body !== null) {
    headers["Content-Type"] = dice.chance(0.85)
      ? "application/json"
      : dice.pick(["text/plain", "multipart/form-data", "", "application/json; charset=utf-16"]);
    headers["Content-Length"] = dice.chance(0.92)
      ? String(body.length)
      : dice.pick(["0", "-1", "abc", "99999999999", String(body.length + 10), String(Math.max(0, body.length - 3))]);
  }
  headers.Connection = "close";
  const line = `${method} ${path} HTTP/1.1`;
  const head = [line, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
  return {
    way: body === null ? "request" : "body",
    request: Buffer.concat([Buffer.from(head, "latin1"), body ?? Buffer.alloc(0)]),
    line: line.slice(0, 200),
  };
}

const queryValue = (dice: Dice): string =>
  dice.chance(0.3)
    ? dice.pick(["1", "100", "true", "running", "2026-01-01T00:00:00Z", "0"])
    : dice.chance(0.3)
      ? dice.pick(SEGMENTS)
      : encodeURIComponent(dice.pick(TEXTS).slice(0, 2000).toWellFormed());

function oddHeaders(dice: Dice): Record<string, string> {
  return dice.pick<Record<string, string>>([
    { "X-Request-Id": "a\u001b[31mb" },
    { "X-Request-Id": "x".repeat(5000) },
    { "Last-Event-ID": dice.pick(["-1", "1e3", "99999999999999999999", "'; --"]) },
    { "Transfer-Encoding": "chunked" },
    { "Content-Encoding": "gzip" },
    { Expect: "100-continue" },
    { Origin: "http://evil.example" },
    { Range: "bytes=0-99999999999" },
    { Upgrade: "websocket" },
  ]);
}

function bodyOf(route: OpenApiRoute, dice: Dice): Buffer {
  const value = (): string =>
    dice.pick([
      () => JSON.stringify(dice.pick(TEXTS)),
      () =>
        dice.pick([
          "null",
          "true",
          "-1",
          "0",
          "1e400",
          "-1e400",
          "123456789012345678901234567890",
          "1.5",
          "[]",
          "{}",
          "[[[[]]]]",
          '{"a":1}',
          "NaN",
        ]),
      () => `${"[".repeat(dice.pick([100, 20_000]))}${"]".repeat(100)}`,
      () => `${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`,
      () => '"\\ud800"',
    ])();
  if (dice.chance(0.1)) return Buffer.from(value());
  if (dice.chance(0.05)) return Buffer.concat([Buffer.from('{"reason":"'), dice.pick(BROKEN_TEXT), Buffer.from('"}')]);
  if (dice.chance(0.02)) return Buffer.from(JSON.stringify({ reason: "r".repeat(dice.pick([600, 5_000_000])) }));
  const names = [
    ...route.fields.filter(() => dice.chance(0.6)),
    ...(dice.chance(0.15) ? ["__proto__", "constructor", "x"] : []),
  ];
  const text = `{${names.map((name) => `${JSON.stringify(name)}:${value()}`).join(",")}}`;
  return Buffer.from(dice.chance(0.05) ? text.slice(0, dice.below(text.length)) : text);
}

export interface RestReply {
  /** Null: the server hung up, or said nothing until we did. */
  readonly status: number | null;
  readonly text: string;
}

/** Sends the bytes and takes what comes back until the server closes, or for a moment. Never rejects. */
export function sendRest(restUrl: string, request: Buffer, patience = 2000): Promise<RestReply> {
  const { hostname, port } = new URL(restUrl);
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setTimeout(patience, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      const text = Buffer.concat(received).toString("utf8");
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve({ status: status === undefined ? null : Number(status), text });
    });
  });
}
