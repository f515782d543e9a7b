/** What the journal sends as an array is what PostgreSQL reads, whatever texts hold. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import {
  arrayLiteral,
  encodeColumn,
  joinedJson,
  jsonItems,
  type SqlType,
} from "../../src/store/projections/columns.ts";
import { seeded } from "../support/seeded.ts";
import { startSharedEmbedded } from "../support/servers.ts";

let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({ connectionString: (await startSharedEmbedded()).url });
  await client.connect();
}, 60_000);

afterAll(() => client.end());

const read = async (texts: readonly (string | null)[]): Promise<unknown> => {
  const { rows } = await client.query("select $1::text[] as texts", [arrayLiteral(texts)]);
  return rows[0]?.texts;
};

test("no text of a user's is changed on its way", async () => {
  const texts = [
    "",
    null,
    "NULL",
    "null",
    'a "quoted" \\ word',
    'line\nbreak "and" \t tab \\n',
    "{1,2}",
    " spaces ",
    "\\\\",
    '"',
    "€ 😀 \u2028",
    JSON.stringify({ text: 'deep "quote" \\ \n', more: [JSON.stringify({ a: "b\\c" })] }),
    '\u007f"\u0001\\',
  ];
  expect(await read(texts)).toEqual(texts);
});

test("nor any other", async () => {
  const random = seeded(3);
  const alphabet = ['"', "\\", ",", "{", "}", "\n", "\t", "\u0001", "n", "u0041", "é", "😀", " ", "NULL"];
  const texts = Array.from({ length: 3000 }, () =>
    Array.from({ length: Math.floor(random() * 8) }, () => alphabet[Math.floor(random() * alphabet.length)]).join(""),
  );
  expect(await read(texts)).toEqual(texts);
});

test("nor any number or truth value", async () => {
  const columns: readonly [SqlType, readonly unknown[], readonly unknown[]][] = [
    ["integer", [0, -0, -2_147_483_648, null, undefined, "12"], ["0", "0", "-2147483648", null, null, "12"]],
    ["bigint", [2n ** 63n - 1n, "-9223372036854775808", 5], ["9223372036854775807", "-9223372036854775808", "5"]],
    ["numeric", [12345678901234567890n, null], ["12345678901234567890", null]],
    [
      "double precision",
      [0.1, 1e-7, 1e300, Number.NaN, -Infinity, null],
      ["0.1", "1e-07", "1e+300", "NaN", "-Infinity", null],
    ],
    ["boolean", [true, false, null], ["true", "false", null]],
    ["smallint", [], []],
  ];
  for (const [type, values, texts] of columns) {
    const query = `select coalesce($1::${type}[]::text[], '{}') as texts`;
    const { rows } = await client.query(query, [encodeColumn(type, values, "a.b")]);
    expect(rows[0]?.texts).toEqual(texts);
  }
  for (const [type, value] of [
    ["integer", 1.5],
    ["integer", "1,2"],
    ["bigint", "1e3"],
    ["double precision", "1"],
    ["boolean", "t}"],
  ] as const) {
    expect(() => encodeColumn(type, [value], "a.b")).toThrow("column a.b");
  }
});

test("nor any JSON, as a column of its own", async () => {
  const values = [
    null,
    {},
    "",
    '"\\',
    "\u001e\u0001\n\t\u007f\u2028",
    { "\u001e": ["€ 😀", '{"a":"b\\\\c"}', null, -1.5e-7, true] },
    [],
    null,
  ];
  const read = async (items: readonly unknown[]) => {
    const joined = joinedJson(items.map((item) => (item === null ? null : JSON.stringify(item))));
    const text = `select coalesce(item::jsonb, '"none"') as item from unnest(${jsonItems(1)}, $2::int[]) as u (item, n)`;
    const { rows } = await client.query(text, [joined, arrayLiteral(items.map(() => "1"))]);
    return rows.map(({ item }) => (item === "none" ? null : item));
  };
  expect(await read(values)).toEqual(values);
  for (const value of values) expect(await read([value])).toEqual([value]);
});
