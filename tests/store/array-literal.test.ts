/** What the journal sends as an array is what PostgreSQL reads, whatever texts hold. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { arrayLiteral, joinedJson, jsonItems } from "../../src/store/projections/columns.ts";
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
