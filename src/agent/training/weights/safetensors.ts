import { TrainingError } from "../errors.ts";

/**
 * The safetensors format (https://huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the
 * header, then the tensors' raw little-endian numbers back to back. Read by Python, Rust, C++ and more, and safe to
 * open: it holds no code. All machines Bun runs on are little-endian, so arrays are written as they lie in memory.
 */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Names, shapes and metadata of the largest model this engine makes stay far below. */
const maxHeaderBytes = 16 * 1024 * 1024;

/** The file in pieces to be written in order; tensors are not copied. */
export function encodeTensors(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
): readonly Uint8Array[] {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    entries[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  // Padding with blanks keeps the numbers aligned, as the format asks of writers.
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return [header, ...tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/** Throws TrainingError "invalid_weights". The file may come from anyone: every size is checked before it is believed. */
export function decodeTensors(bytes: Uint8Array): TensorFile {
  if (bytes.length < 8) throw damaged("it is shorter than a header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes || 8 + headerBytes > bytes.length)
    throw damaged(`its header claims ${headerBytes} bytes`);
  const header = parseHeader(bytes.subarray(8, 8 + headerBytes));
  const body = bytes.subarray(8 + headerBytes);
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw damaged("its metadata are not texts");
  }
  const tensors = new Map(Object.entries(entries).map(([name, entry]) => [name, readTensor(name, entry, body)]));
  return { metadata: metadata as Record<string, string>, tensors };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isRecord(header)) return header;
  } catch {
    // Falls through to the same refusal.
  }
  throw damaged("its header is not a JSON object");
}

function readTensor(name: string, entry: unknown, body: Uint8Array): Tensor {
  if (!isRecord(entry) || entry.dtype !== "F32")
    throw damaged(`tensor ${JSON.stringify(name).slice(0, 80)} is not F32`);
  const { shape, data_offsets: offsets } = entry;
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
    throw damaged(`tensor ${name} has no shape or place`);
  const [from = 0, to = 0] = offsets;
  const length = shape.reduce((product, size) => product * size, 1);
  if (to > body.length || to - from !== length * 4) throw damaged(`tensor ${name} does not lie where its header says`);
  // Copied, because the body need not be aligned to four bytes. Not by slice(), which is a mere view on a Node Buffer.
  const copy = new Uint8Array(to - from);
  copy.set(body.subarray(from, to));
  const data = new Float32Array(copy.buffer);
  if (!data.every(Number.isFinite)) throw damaged(`tensor ${name} holds numbers that are not finite`);
  return { name, shape, data };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= 8 && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

export function damaged(reason: string): TrainingError {
  return new TrainingError("invalid_weights", `the weights file cannot be used: ${reason}`);
}
