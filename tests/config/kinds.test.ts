import { describe, expect, test } from "bun:test";
import { formatAddress, parseAddress } from "../../src/config/index.ts";
import { choice, decimal, flag, type Kind, path, text, whole } from "../../src/config/kinds.ts";
import { addressTable, callAddress, hideUrlSecrets, publicKey, url } from "../../src/config/network-kinds.ts";

const around = { home: "/home/ada", directory: "/srv/app" };
const read = <T>(kind: Kind<T>, raw: unknown, textual = true): T | string => {
  const parsed = kind.parse(raw, textual, around);
  return parsed.ok ? parsed.value : `refused: ${parsed.reason}`;
};
const isRefused = (value: unknown): boolean => typeof value === "string" && value.startsWith("refused: ");

describe("numbers", () => {
  const kind = whole({ min: 0, max: 100_000 });
  test.each(["0", "100000", "1_000", " 7 ", "+5", "1e3"])("%j is a whole number", (raw) =>
    expect(isRefused(read(kind, raw))).toBe(false),
  );
  test.each([
    "",
    " ",
    "-1",
    "100001",
    "1.5",
    "0x10",
    "1e9",
    "NaN",
    "Infinity",
    "five",
    "1,000",
    "9007199254740993",
    "5 5",
  ])("%j is not", (raw) => expect(isRefused(read(kind, raw))).toBe(true));
  test.each([null, undefined, true, [], {}, 1.5, Number.NaN, "5", 5n, new Date(0)].map((raw) => ({ raw })))(
    "%p in a file is not",
    ({ raw }) => expect(isRefused(read(kind, raw, false))).toBe(true),
  );

  test("decimals are limited", () => {
    const fee = decimal({ min: 0, max: 100 }, 2);
    expect(read(fee, "2.25")).toBe(2.25);
    expect(read(fee, 10, false)).toBe(10);
    for (const raw of ["2.255", "-0.01", "100.01", "x"]) expect(isRefused(read(fee, raw))).toBe(true);
  });
});

test("true and false come in the usual words, and in a file only as themselves", () => {
  for (const word of ["true", "YES", "on", "1"]) expect(read(flag(), word)).toBe(true);
  for (const word of ["false", "no", "Off", "0"]) expect(read(flag(), word)).toBe(false);
  for (const word of ["", "maybe", "2"]) expect(isRefused(read(flag(), word))).toBe(true);
  expect(read(flag(), "true", false)).toBe("refused: must be true or false, written without quotes");
});

test("choices and text", () => {
  expect(read(choice(["json", "pretty"]), " JSON ")).toBe("json");
  expect(isRefused(read(choice(["json"]), 3, false))).toBe(true);
  for (const raw of ["", "  ", 5, null]) expect(isRefused(read(text(), raw))).toBe(true);
});

describe("paths", () => {
  test.each([
    ["~", "/home/ada"],
    ["~/k/id.json", "/home/ada/k/id.json"],
    ["data", "/srv/app/data"],
    ["./a/../b", "/srv/app/b"],
    ["/abs", "/abs"],
  ])("%s", (raw, expected) => expect(read(path(), raw)).toBe(expected));
  test.each(["", " ", "~bob/x", "a\0b", 5])("%j is refused", (raw) => expect(isRefused(read(path(), raw))).toBe(true));
});

describe("addresses", () => {
  test.each([
    ["127.0.0.1:50051", "127.0.0.1", 50051],
    ["[::]:50051", "::", 50051],
    ["[::1]:0", "::1", 0],
    ["[fe80::1%eth0]:9", "fe80::1%eth0", 9],
    ["[::ffff:1.2.3.4]:9", "::ffff:1.2.3.4", 9],
    ["node-1.example.org:65535", "node-1.example.org", 65535],
    ["localhost:80", "localhost", 80],
    ["1node:80", "1node", 80],
  ])("%s", (written, host, port) => {
    expect(parseAddress(written)).toEqual({ ok: true, value: { host, port } });
    expect(formatAddress({ host, port })).toBe(written);
  });
  test.each([
    "",
    ":",
    ":80",
    "host",
    "host:",
    "host:x",
    "host:65536",
    "host:-1",
    "host:1.5",
    "host:80:90",
    "::1:80",
    "::",
    "[::1]",
    "[::1]80",
    "[]:80",
    "[host]:80",
    "http://host:80",
    "256.1.1.1:80",
    "1.2.3:80",
    "1.2.3.4.5:80",
    "1.2.3.4.:80",
    "ho st:80",
    "-h:80",
    "h/x:80",
    "u@h:80",
  ])("%j is refused", (written) => expect(parseAddress(written).ok).toBe(false));

  test("a bare IPv6 address is told about brackets", () => {
    expect(parseAddress("::1:50051")).toEqual({
      ok: false,
      reason: "must put an IPv6 address in brackets, like [::1]:50051",
    });
  });

  test("an address to call needs a port", () => expect(isRefused(read(callAddress(), "h:0"))).toBe(true));

  test("tables come as TOML tables and as text", () => {
    const expected = new Map([
      ["a", { host: "h", port: 1 }],
      ["b", { host: "::1", port: 2 }],
    ]);
    expect(read(addressTable(), " a=h:1, b=[::1]:2, ")).toEqual(expected);
    expect(read(addressTable(), { a: "h:1", b: "[::1]:2" }, false)).toEqual(expected);
    expect(read(addressTable(), "")).toEqual(new Map());
    for (const raw of ["a", "a=", "=h:1", "a=h:0"]) expect(isRefused(read(addressTable(), raw))).toBe(true);
    for (const raw of [[], 3, "a=h:1", null, { a: 3 }]) expect(isRefused(read(addressTable(), raw, false))).toBe(true);
  });
});

describe("URLs", () => {
  const kind = url(["postgres", "postgresql"]);
  test.each(["postgres://h/d", "postgresql://u:p%23@[::1]:5432/d?sslmode=require", "POSTGRES://h"])("%s", (raw) =>
    expect(isRefused(read(kind, raw))).toBe(false),
  );
  test.each([
    "",
    "h/d",
    "mysql://h/d",
    "postgres:h",
    "postgres://u:a/b@h/d",
    "postgres://u:a#b@h/d",
    "postgres://h:99999/d",
    5,
  ])("%j is refused", (raw) => expect(isRefused(read(kind, raw))).toBe(true));

  test.each([
    ["postgres://u:p@h/d", "postgres://u:***@h/d"],
    ["postgres://u:p@ss/w#rd@h/d", "postgres://u:***@h/d"],
    ["postgres:/u:pw@h/d", "postgres:/u:***@h/d"],
    ["u:pw@h/d", "u:***@h/d"],
    ["redis://:pw@h", "redis://:***@h"],
    ["postgres://h/d?user=u&password=pw&sslmode=x", "postgres://h/d?user=u&password=***&sslmode=x"],
    ["https://rpc.example/?api-key=abc#x", "https://rpc.example/?api-key=***#x"],
    ["https://rpc.example/v2/0123456789abcdef0123456789abcdef", "https://rpc.example/v2/***"],
    ["https://rpc.example/0123456789abcdef0123456789abcdef/", "https://rpc.example/***/"],
    ["https://a-rather-long-host-name-without-any-dots/x", "https://a-rather-long-host-name-without-any-dots/x"],
    ["postgres://localhost/a_database_with_a_long_name", "postgres://localhost/a_database_with_a_long_name"],
    ["redis://localhost:6379", "redis://localhost:6379"],
  ])("%s is shown as %s", (given, shown) => expect(hideUrlSecrets(given)).toBe(shown));
});

describe("Solana addresses", () => {
  test.each([
    "DefY4GG33pAgBJqwPKDSKbPbCKmoCcN8oymvHhzsp2dA",
    "11111111111111111111111111111111",
    "So11111111111111111111111111111111111111112",
  ])("%s", (raw) => expect(read(publicKey(), raw)).toBe(raw));
  test.each([
    "",
    "1111111111111111111111111111111",
    "DefY4GG33pAgBJqwPKDSKbPbCKmoCcN8oymvHhzsp2d0",
    "z".repeat(44),
    "1".repeat(100_000),
    5,
  ])("%p is refused", (raw) => expect(isRefused(read(publicKey(), raw))).toBe(true));
});
