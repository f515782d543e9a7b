/**
 * The little of the tar format (POSIX ustar) that carries PostgreSQL inside our binary: files with their executable bit, and
 * symbolic links. Written without times or owners, so the same input gives the same bytes.
 */
export interface TarEntry {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly executable: boolean;
  /** The contents of a file, or where a link leads to. */
  readonly body: { readonly file: Uint8Array } | { readonly link: string };
}

const block = 512;

export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    parts.push(header(entry));
    if ("file" in entry.body) parts.push(entry.body.file, new Uint8Array(padding(entry.body.file.length)));
  }
  parts.push(new Uint8Array(2 * block));
  return Buffer.concat(parts);
}

export function* readTar(archive: Uint8Array): Generator<TarEntry> {
  for (let offset = 0; offset + block <= archive.length; ) {
    const head = archive.subarray(offset, offset + block);
    if (head[0] === 0) return;
    const size = Number.parseInt(field(head, 124, 12), 8);
    const executable = (Number.parseInt(field(head, 100, 8), 8) & 0o100) !== 0;
    const path = field(head, 0, 100);
    offset += block;
    if (String.fromCharCode(head[156] ?? 0) === "2") {
      yield { path, executable, body: { link: field(head, 157, 100) } };
    } else {
      yield { path, executable, body: { file: archive.subarray(offset, offset + size) } };
    }
    offset += size + padding(size);
  }
}

const padding = (size: number) => (block - (size % block)) % block;

const field = (head: Uint8Array, start: number, length: number) =>
  new TextDecoder().decode(head.subarray(start, start + length)).replace(/[\0 ].*$/s, "");

function header({ path, executable, body }: TarEntry): Uint8Array {
  const head = Buffer.alloc(block);
  const put = (text: string, start: number, length: number) => {
    if (head.write(text, start, "utf8") > length) throw new Error(`too long for a tar header: ${text}`);
  };
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(path, 0, 100);
  put(octal(executable ? 0o755 : 0o644, 7), 100, 7);
  put(octal(0, 7), 108, 7);
  put(octal(0, 7), 116, 7);
  put(octal("file" in body ? body.file.length : 0, 11), 124, 11);
  put(octal(0, 11), 136, 11);
  put("        ", 148, 8);
  put("link" in body ? "2" : "0", 156, 1);
  if ("link" in body) put(body.link, 157, 100);
  put("ustar\u000000", 257, 8);
  let sum = 0;
  for (const byte of head) sum += byte;
  put(`${octal(sum, 6)}\0 `, 148, 8);
  return head;
}
