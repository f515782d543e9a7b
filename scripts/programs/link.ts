/**
 * Makes a Solana program of one object that upstream clang compiled. Debian's linkers know BPF objects only for the Linux
 * kernel, and Solana's own toolchain comes from outside the package registries.
 *
 * The format is sBPF V3: two segments and nothing else (SIMD-0189), read-only data at address 0 and code at 2^32; syscalls are
 * called by hash (SIMD-0178), so there is nothing left to relocate on the chain. Older formats can no longer be deployed once
 * SIMD-0500 is on. Pure: the same object gives the same bytes.
 */
import { type ObjectFile, type Relocation, readObjectFile, type Section } from "./object-file.ts";
import { syscallHash } from "./syscalls.ts";

const CODE_ADDRESS = 2n ** 32n;
const DATA_ADDRESS = 0n;

const R_BPF_64_64 = 1;
const R_BPF_64_ABS64 = 2;
const R_BPF_64_32 = 10;

const OP_CALL = 0x85;
const OP_LOAD_64 = 0x18;
const INSTRUCTION_SIZE = 8;
/** In the register byte of a call: what its immediate means. */
const CALL_SYSCALL = 0x00;
const CALL_RELATIVE = 0x10;

/** @throws Error naming what in the object has no place in a program */
export function link(object: Buffer, entry = "entrypoint"): Buffer {
  const file = readObjectFile(object);
  const loaded = file.sections.filter((section) => section.loaded && section.bytes.length > 0);
  for (const { name, writable } of loaded) {
    if (writable) throw new Error(`section ${name} is writable: a program has no globals, make them const`);
  }
  const code = layOut(loaded.filter(({ executable }) => executable));
  const data = layOut(loaded.filter(({ executable }) => !executable));
  const memory: Memory = { code, data };
  for (const relocation of file.relocations) if (loaded.includes(relocation.within)) relocate(relocation, memory);
  checkInstructions(code.bytes);
  return image(code.bytes, data.bytes, entryOffset(file, code, entry));
}

interface Segment {
  readonly bytes: Buffer;
  readonly offsets: ReadonlyMap<Section, number>;
}

interface Memory {
  readonly code: Segment;
  readonly data: Segment;
}

function layOut(sections: readonly Section[]): Segment {
  const offsets = new Map<Section, number>();
  let size = 0;
  for (const section of sections) {
    size = roundUp(size, section.align);
    offsets.set(section, size);
    size += section.bytes.length;
  }
  const bytes = Buffer.alloc(roundUp(size, INSTRUCTION_SIZE));
  for (const [section, offset] of offsets) section.bytes.copy(bytes, offset);
  return { bytes, offsets };
}

const roundUp = (size: number, to: number): number => Math.ceil(size / to) * to;

function relocate({ within, offset, kind, symbol }: Relocation, { code, data }: Memory): void {
  const home = code.offsets.has(within) ? code : data;
  const at = (home.offsets.get(within) ?? 0) + offset;
  const addressOf = (addend: number): bigint => {
    const section = symbol.section;
    const inCode = section && code.offsets.get(section);
    const inData = section && data.offsets.get(section);
    if (inCode !== undefined) return CODE_ADDRESS + BigInt(inCode + symbol.offset + addend);
    if (inData !== undefined) return DATA_ADDRESS + BigInt(inData + symbol.offset + addend);
    throw new Error(`${symbol.name} is used as data and defined nowhere`);
  };
  if (kind === R_BPF_64_64) {
    // The address is spread over the immediates of the two halves of the instruction.
    const address = addressOf(home.bytes.readUInt32LE(at + 4));
    home.bytes.writeUInt32LE(Number(address & 0xffffffffn), at + 4);
    home.bytes.writeUInt32LE(Number(address >> 32n), at + 12);
  } else if (kind === R_BPF_64_ABS64) {
    home.bytes.writeBigUInt64LE(addressOf(Number(home.bytes.readBigUInt64LE(at))), at);
  } else if (kind === R_BPF_64_32) {
    if (symbol.section === undefined) {
      home.bytes[at + 1] = CALL_SYSCALL;
      home.bytes.writeUInt32LE(syscallHash(symbol.name), at + 4);
      return;
    }
    // Against a section the immediate holds where in it, in instructions and counted from the next one.
    const addend = symbol.isSection ? (home.bytes.readInt32LE(at + 4) + 1) * INSTRUCTION_SIZE : 0;
    const distance = Number(addressOf(addend) - CODE_ADDRESS) - (at + INSTRUCTION_SIZE);
    home.bytes[at + 1] = CALL_RELATIVE;
    home.bytes.writeInt32LE(distance / INSTRUCTION_SIZE, at + 4);
  } else {
    throw new Error(`relocation kind ${kind} of ${within.name} is not known: see LLVM's docs on BPF relocations`);
  }
}

/** What the chain's verifier would refuse only at deployment, and what a mistake of this linker would look like. */
function checkInstructions(code: Buffer): void {
  for (let at = 0; at < code.length; at += INSTRUCTION_SIZE) {
    const opcode = code[at] ?? 0;
    const kindOfCall = code[at + 1];
    if (opcode === OP_CALL && kindOfCall === CALL_RELATIVE) {
      const target = at + INSTRUCTION_SIZE * (1 + code.readInt32LE(at + 4));
      if (target < 0 || target >= code.length) throw new Error(`the call at ${at} leads out of the code`);
    }
    const isDivision = opcode === 0x37 || opcode === 0x3f || opcode === 0x97 || opcode === 0x9f;
    if (isDivision && code.readInt16LE(at + 2) !== 0) throw new Error(`signed division at ${at}: sBPF has none`);
    const isAtomic = opcode === 0xdb || opcode === 0xc3;
    if (isAtomic) throw new Error(`atomic instruction at ${at}: compile with -mcpu=v2`);
    if (opcode === OP_LOAD_64) at += INSTRUCTION_SIZE;
  }
}

function entryOffset(file: ObjectFile, code: Segment, entry: string): number {
  const symbol = file.symbols.find(({ name, section }) => name === entry && section !== undefined);
  const base = symbol?.section && code.offsets.get(symbol.section);
  if (symbol === undefined || base === undefined) throw new Error(`the object defines no function ${entry}`);
  return base + symbol.offset;
}

const HEADER_SIZE = 64;
const SEGMENT_HEADER_SIZE = 56;
const PF_EXECUTE = 1;
const PF_READ = 4;

function image(code: Buffer, data: Buffer, entry: number): Buffer {
  const segments = data.length > 0 ? 2 : 1;
  const dataAt = HEADER_SIZE + segments * SEGMENT_HEADER_SIZE;
  const codeAt = dataAt + data.length;
  return Buffer.concat([
    fileHeader(CODE_ADDRESS + BigInt(entry), segments),
    ...(data.length > 0 ? [segmentHeader(PF_READ, dataAt, DATA_ADDRESS, data.length)] : []),
    segmentHeader(PF_EXECUTE, codeAt, CODE_ADDRESS, code.length),
    data,
    code,
  ]);
}

function fileHeader(entry: bigint, segments: number): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian, version 1
  header.writeUInt16LE(3, 16); // ET_DYN
  header.writeUInt16LE(247, 18); // EM_BPF
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(entry, 24);
  header.writeBigUInt64LE(BigInt(HEADER_SIZE), 32);
  header.writeUInt32LE(3, 48); // e_flags: sBPF V3
  header.writeUInt16LE(HEADER_SIZE, 52);
  header.writeUInt16LE(SEGMENT_HEADER_SIZE, 54);
  header.writeUInt16LE(segments, 56);
  header.writeUInt16LE(64, 58);
  return header;
}

function segmentHeader(flags: number, offset: number, address: bigint, size: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_SIZE);
  header.writeUInt32LE(1, 0); // PT_LOAD
  header.writeUInt32LE(flags, 4);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(address, 16);
  header.writeBigUInt64LE(address, 24);
  header.writeBigUInt64LE(BigInt(size), 32);
  header.writeBigUInt64LE(BigInt(size), 40);
  header.writeBigUInt64LE(8n, 48);
  return header;
}
