/**
 * Reads blocks of headers (HPACK, RFC 7541) as one connection's peer writes them, table and all, for a load generator to which
 * node:http2 is too dear. Texts are of printable ASCII, as gRPC's are.
 */

/** Names of the static table, from number 1 on. Of the values only that of the status matters here. */
const STATIC_NAMES =
  ":authority :method :method :path :path :scheme :scheme :status :status :status :status :status :status :status accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control content-disposition content-encoding content-language content-length content-location content-range content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate".split(
    " ",
  );
/** What an entry takes besides its texts, by the RFC's reckoning. */
const OVERHEAD = 32;
const TABLE_BYTES = 4096;

/** Printable ASCII by the length of its code (RFC 7541, appendix B); codes of a length follow one another from the first on. */
const CODES: readonly (readonly [bits: number, first: number, characters: string])[] = [
  [5, 0x0, "012aceiost"],
  [6, 0x14, " %-./3456789=A_bdfghlmnpru"],
  [7, 0x5c, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, 0xf8, "&*,;XZ"],
  [10, 0x3f8, '!"()?'],
  [11, 0x7fa, "'+|"],
  [12, 0xffa, "#>"],
  [13, 0x1ff9, "$@[]~"],
  [14, 0x3ffc, "^}"],
  [15, 0x7ffc, "<`{"],
];
const LETTERS = new Map(
  CODES.flatMap(([bits, first, characters]) =>
    Array.from(characters, (character, index) => [(1 << bits) | (first + index), character] as const),
  ),
);

interface Field {
  readonly name: string;
  readonly value: string;
}

export class HeaderReader {
  /** The newest first. */
  readonly #table: Field[] = [];
  #size = 0;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  /** Every block has to be read, in order: later ones refer to earlier ones. */
  read(block: Uint8Array): ReadonlyMap<string, string> {
    this.#bytes = block;
    this.#at = 0;
    const fields = new Map<string, string>();
    while (this.#at < block.length) {
      const first = block[this.#at] as number;
      if (first >= 0x80) this.#put(fields, this.#entry(this.#number(7)));
      else if (first >= 0x40) {
        const field = this.#literal(6);
        this.#put(fields, field);
        this.#remember(field);
      } else if (first >= 0x20) this.#evict(this.#number(5));
      else this.#put(fields, this.#literal(4));
    }
    return fields;
  }

  #put(fields: Map<string, string>, { name, value }: Field): void {
    fields.set(name, value);
  }

  #literal(bits: number): Field {
    const index = this.#number(bits);
    const name = index === 0 ? this.#text() : this.#entry(index).name;
    return { name, value: this.#text() };
  }

  #entry(index: number): Field {
    const name = STATIC_NAMES[index - 1];
    if (name !== undefined) return { name, value: "" };
    const field = this.#table[index - 1 - STATIC_NAMES.length];
    if (field === undefined) throw new Error(`the peer refers to header ${index}, which is not in the table`);
    return field;
  }

  #remember(field: Field): void {
    this.#table.unshift(field);
    this.#size += sizeOf(field);
    this.#evict(TABLE_BYTES);
  }

  #evict(limit: number): void {
    while (this.#size > limit) this.#size -= sizeOf(this.#table.pop() as Field);
  }

  #number(bits: number): number {
    const most = (1 << bits) - 1;
    let value = (this.#bytes[this.#at++] as number) & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #text(): string {
    const coded = (this.#bytes[this.#at] as number) >= 0x80;
    const length = this.#number(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return coded ? decoded(bytes) : Buffer.from(bytes).toString("latin1");
  }
}

const sizeOf = ({ name, value }: Field): number => name.length + value.length + OVERHEAD;

function decoded(bytes: Uint8Array): string {
  let text = "";
  let code = 1;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      const letter = LETTERS.get(code);
      if (letter === undefined) continue;
      text += letter;
      code = 1;
    }
  }
  return text;
}
