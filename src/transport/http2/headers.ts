/**
 * Headers as HTTP/2 compresses them (HPACK, RFC 7541), for two purposes only: to say something that every peer understands, and
 * to recognise a text in what peers say. Both without the table that the two ends build up as they talk.
 */

/** Literal field, not to be put into the table, its name spelled out. */
const SPELLED_OUT = 0x00;
/** ":status: 200" in the static table. */
const STATUS_200 = 0x88;
/** ":path" in the static table, as the three kinds of literal fields refer to it: for the table, not for it, never for any. */
const PATH_NAMES = [0x44, 0x04, 0x14].map((byte) => Buffer.of(byte));
/** On a length: the text is in Huffman's code. */
const HUFFMAN = 0x80;
/** A length of this or more takes further bytes. */
const LONG = 0x7f;

/** A block with status 200 and these fields, as plain text. */
export function plainBlock(fields: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.of(SPELLED_OUT),
    ...plainText(name),
    ...plainText(value),
  ]);
  return Buffer.concat([Buffer.of(STATUS_200), ...parts]);
}

function plainText(text: string): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < LONG) return [Buffer.of(bytes.length), bytes];
  const length = [LONG];
  let rest = bytes.length - LONG;
  for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  return [Buffer.from(length), bytes];
}

/**
 * Recognises blocks that ask for this path. One that names it in a way nobody uses is not recognised: what follows from
 * it must be harmless, as it is for the gate, which lets such a call pass.
 */
export function pathMatcher(path: string): (block: Buffer) => boolean {
  const ways = spellings(path);
  // gRPC's core spells the name out, most others give its number.
  const names = [...PATH_NAMES, ...spellings(":path")];
  return (block) =>
    ways.some((way) => {
      const at = block.indexOf(way);
      return at > 0 && names.some((name) => block.subarray(Math.max(0, at - name.length), at).equals(name));
    });
}

/** The ways in which a block can hold a short text: plain, or in Huffman's code, each with its length before it. */
export function spellings(text: string): readonly Buffer[] {
  const plain = Buffer.from(text, "latin1");
  const coded = huffman(text);
  return [
    { bytes: plain, mark: 0 },
    { bytes: coded, mark: HUFFMAN },
  ].flatMap(({ bytes, mark }) =>
    bytes === null || bytes.length >= LONG ? [] : [Buffer.concat([Buffer.of(bytes.length | mark), bytes])],
  );
}

/** The code's characters by the length of their code; codes of a length follow one another from the first on. */
const CODES = [
  { bits: 5, first: 0x00, characters: "012aceiost" },
  { bits: 6, first: 0x14, characters: " %-./3456789=A_bdfghlmnpru" },
  { bits: 7, first: 0x5c, characters: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz" },
  { bits: 8, first: 0xf8, characters: "&*,;XZ" },
] as const;

/** Null: a character has a longer code than paths are made of. */
function huffman(text: string): Buffer | null {
  let bits = "";
  for (const character of text) {
    const row = CODES.find(({ characters }) => characters.includes(character));
    if (row === undefined) return null;
    bits += (row.first + row.characters.indexOf(character)).toString(2).padStart(row.bits, "0");
  }
  // The last byte is filled up with ones.
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}
