/**
 * Reads what clang writes for `-target bpf`: a relocatable ELF64 object, little-endian. Layout: the System V ABI (gABI),
 * chapters 4 and 5; relocation kinds: LLVM's docs/BPF "Relocation Records".
 */

const ET_REL = 1;
const EM_BPF = 247;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_REL = 9;
const SHF_WRITE = 1n;
const SHF_ALLOC = 2n;
const SHF_EXECINSTR = 4n;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const RELOCATION_SIZE = 16;
const STT_SECTION = 3;

export interface Section {
  readonly name: string;
  readonly bytes: Buffer;
  readonly align: number;
  /** Becomes part of the program's memory. */
  readonly loaded: boolean;
  readonly executable: boolean;
  readonly writable: boolean;
}

export interface Symbol {
  readonly name: string;
  /** Where it is defined; undefined for what the object only refers to. */
  readonly section: Section | undefined;
  /** Offset in its section. */
  readonly offset: number;
  readonly isSection: boolean;
}

export interface Relocation {
  readonly within: Section;
  readonly offset: number;
  readonly kind: number;
  readonly symbol: Symbol;
}

export interface ObjectFile {
  readonly sections: readonly Section[];
  readonly symbols: readonly Symbol[];
  readonly relocations: readonly Relocation[];
}

/** @throws Error when `file` is not such an object */
export function readObjectFile(file: Buffer): ObjectFile {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error("not a little-endian ELF64 file: hand in what clang -c -target bpf wrote");
  }
  if (file.readUInt16LE(16) !== ET_REL || file.readUInt16LE(18) !== EM_BPF) {
    throw new Error("not a relocatable BPF object: compile with -c -target bpf");
  }
  const headers = readHeaders(file);
  const sections = headers.map((header) => sectionOf(file, header, headers[file.readUInt16LE(62)]));
  const symbols = readSymbols(file, headers, sections);
  const relocations = headers.flatMap((header) => readRelocations(file, header, sections, symbols));
  return { sections, symbols, relocations };
}

interface Header {
  readonly nameAt: number;
  readonly type: number;
  readonly flags: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
}

function readHeaders(file: Buffer): Header[] {
  const table = Number(file.readBigUInt64LE(40));
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = table + index * SECTION_HEADER_SIZE;
    return {
      nameAt: file.readUInt32LE(at),
      type: file.readUInt32LE(at + 4),
      flags: file.readBigUInt64LE(at + 8),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
      info: file.readUInt32LE(at + 44),
      align: Math.max(1, Number(file.readBigUInt64LE(at + 48))),
    };
  });
}

function sectionOf(file: Buffer, header: Header, names: Header | undefined): Section {
  const has = (flag: bigint): boolean => (header.flags & flag) !== 0n;
  return {
    name: textAt(file, (names?.offset ?? 0) + header.nameAt),
    bytes: header.type === SHT_NOBITS ? Buffer.alloc(header.size) : Buffer.from(contentOf(file, header)),
    align: header.align,
    loaded: has(SHF_ALLOC),
    executable: has(SHF_EXECINSTR),
    writable: has(SHF_WRITE),
  };
}

function readSymbols(file: Buffer, headers: readonly Header[], sections: readonly Section[]): Symbol[] {
  const table = headers.find(({ type }) => type === SHT_SYMTAB);
  const names = headers[table?.link ?? -1];
  if (table === undefined || names === undefined) throw new Error("the object has no symbols: do not strip it");
  const content = contentOf(file, table);
  return Array.from({ length: content.length / SYMBOL_SIZE }, (_, index) => {
    const at = index * SYMBOL_SIZE;
    const definedIn = content.readUInt16LE(at + 6);
    return {
      name: textAt(file, names.offset + content.readUInt32LE(at)),
      section: definedIn === 0 ? undefined : sections[definedIn],
      offset: Number(content.readBigUInt64LE(at + 8)),
      isSection: ((content[at + 4] ?? 0) & 15) === STT_SECTION,
    };
  });
}

function readRelocations(
  file: Buffer,
  header: Header,
  sections: readonly Section[],
  symbols: readonly Symbol[],
): Relocation[] {
  const within = sections[header.info];
  if (header.type !== SHT_REL || within === undefined) return [];
  const content = contentOf(file, header);
  return Array.from({ length: content.length / RELOCATION_SIZE }, (_, index) => {
    const at = index * RELOCATION_SIZE;
    const symbol = symbols[content.readUInt32LE(at + 12)];
    if (symbol === undefined) throw new Error(`relocation ${index} of ${within.name} names no symbol`);
    return { within, offset: Number(content.readBigUInt64LE(at)), kind: content.readUInt32LE(at + 8), symbol };
  });
}

const contentOf = (file: Buffer, { offset, size }: Header): Buffer => file.subarray(offset, offset + size);
const textAt = (file: Buffer, at: number): string => file.toString("latin1", at, file.indexOf(0, at));
