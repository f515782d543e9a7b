/**
 * What the generated message types (`generated/`) are built from: proto3 over protobufjs's bare Reader and Writer.
 *
 * protobufjs on its own would give us loose types (`number | Long`, everything optional) and code made at run time with
 * `new Function`. Generated code over these few functions gives exact types and 64-bit integers as `bigint`.
 */
import Long from "long";
import { configure, Reader, util, Writer } from "protobufjs/minimal";

export type { Reader, Writer };

// protobufjs looks for `long` by itself, but falls back to lossy numbers in silence where a bundler hid it.
util.Long = Long;
configure();

/** A message as a sender may write it: what is left out has its proto3 default. */
export type DeepPartial<T> = T extends string | number | bigint | boolean | Uint8Array | undefined
  ? T
  : T extends { readonly case: string; readonly value: unknown } // a oneof: one case, whole, its value partial
    ? { readonly case: T["case"]; readonly value: DeepPartial<T["value"]> }
    : T extends readonly (infer Item)[]
      ? readonly DeepPartial<Item>[]
      : { readonly [Key in keyof T]?: DeepPartial<T[Key]> | undefined };

/** A message while it is being read. */
export type Mutable<T> = {
  -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[]
    ? Item[]
    : string extends keyof T[Key]
      ? { -readonly [Entry in keyof T[Key]]: T[Key][Entry] }
      : T[Key];
};

/** Bytes that are not the message they claim to be; gRPC answers INTERNAL to whoever sent them. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** The part of a message type that differs from message to message. */
export interface MessageParts<T> {
  /** A whole message: every field present. */
  create(partial: DeepPartial<T>): T;
  write(message: DeepPartial<T>, writer: Writer): void;
  /** Reads the one field that `tag` opens; false if the message has no such field. */
  readField(tag: number, reader: Reader, message: Mutable<T>): boolean;
}

export interface MessageType<T> {
  /** Full protobuf name, for example `cyxwiz.protocol.JobConfig`. */
  readonly typeName: string;
  /** A whole message: what `partial` leaves out has its proto3 default. Copies, so the result shares nothing. */
  create(partial?: DeepPartial<T>): T;
  /** @throws RangeError for an integer its field cannot hold. */
  encode(message: DeepPartial<T>): Uint8Array;
  /** Skips unknown fields and keeps unknown enum numbers. @throws DecodeError for anything but a valid message. */
  decode(bytes: Uint8Array): T;
  /** For generated code. */
  readonly parts: MessageParts<T>;
}

export function messageType<T>(typeName: string, parts: MessageParts<T>): MessageType<T> {
  return {
    typeName,
    parts,
    create: (partial) => parts.create(partial ?? ({} as DeepPartial<T>)),
    encode(message) {
      const writer = Writer.create();
      parts.write(message, writer);
      return writer.finish();
    },
    decode(bytes) {
      try {
        return readFields(new Reader(bytes), parts, undefined);
      } catch (cause) {
        throw new DecodeError(`not a valid ${typeName}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    },
  };
}

/** Reads fields up to `reader.len` into `into`, or into a new message. */
function readFields<T>(reader: Reader, parts: MessageParts<T>, into: T | undefined): T {
  const message = into ?? parts.create({} as DeepPartial<T>);
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (!parts.readField(tag, reader, message as Mutable<T>)) reader.skipType(tag & 7, 0, tag >>> 3);
  }
  return message;
}

/**
 * Runs `read` with the reader's end moved to the end of the length-delimited value that starts here, so that nothing
 * inside can reach beyond it however it lies about its own lengths.
 */
function delimited<R>(reader: Reader, read: () => R): R {
  const outer = reader.len;
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > outer) throw new RangeError(`a value of ${length} bytes where ${outer - reader.pos} are left`);
  reader.len = end;
  const result = read();
  if (reader.pos !== end) throw new RangeError("a value runs over its own end");
  reader.len = outer;
  return result;
}

/**
 * A nested message. If its field came before, the two are merged, as protobuf asks. No depth limit is needed: the
 * generator refuses recursive message types, so the schema bounds the depth.
 */
export function readMessage<T>(reader: Reader, type: MessageType<T>, before?: T): T {
  return delimited(reader, () => readFields(reader, type.parts, before));
}

export function writeMessage<T>(writer: Writer, tag: number, type: MessageType<T>, message: DeepPartial<T>): void {
  type.parts.write(message, writer.uint32(tag).fork());
  writer.ldelim();
}

/** A packed list of numbers; senders may split one list into several pieces, so it is added to what came before. */
export function readPacked<V>(reader: Reader, list: V[], read: (reader: Reader) => V): void {
  delimited(reader, () => {
    while (reader.pos < reader.len) list.push(read(reader));
  });
}

export function writePacked<V>(
  writer: Writer,
  tag: number,
  list: readonly V[] | undefined,
  write: (writer: Writer, value: V) => void,
): void {
  if (list === undefined || list.length === 0) return;
  writer.uint32(tag).fork();
  for (const value of list) write(writer, value);
  writer.ldelim();
}

/** A map without a prototype: a key such as `__proto__` or `constructor` from the wire is a key like any other. */
export function emptyMap<V>(): Record<string, V> {
  return Object.create(null);
}

export function copyMap<P, V>(
  from: { readonly [key: string]: P | undefined } | undefined,
  copy: (value: P) => V,
): Record<string, V> {
  const map = emptyMap<V>();
  for (const [key, value] of Object.entries(from ?? {})) if (value !== undefined) map[key] = copy(value);
  return map;
}

/** One entry of a map, which travels as a little message: key = 1, value = 2. */
export function readEntry<V>(
  reader: Reader,
  map: Record<string, V>,
  valueTag: number,
  read: (reader: Reader) => V,
  missing: () => V,
): void {
  delimited(reader, () => {
    let key = "";
    let value: V | undefined;
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      if (tag === KEY_TAG) key = reader.stringVerify();
      else if (tag === valueTag) value = read(reader);
      else reader.skipType(tag & 7, 0, tag >>> 3);
    }
    map[key] = value ?? missing();
  });
}

export function writeEntries<P>(
  writer: Writer,
  tag: number,
  map: { readonly [key: string]: P | undefined } | undefined,
  write: (writer: Writer, value: P) => void,
): void {
  if (map === undefined) return;
  for (const [key, value] of Object.entries(map)) {
    if (value === undefined) continue;
    writer.uint32(tag).fork().uint32(KEY_TAG).string(key.toWellFormed());
    write(writer, value);
    writer.ldelim();
  }
}

const KEY_TAG = 10; // field 1, length-delimited

/** Bytes of one's own: a view would keep the whole frame it came in alive. */
export function readBytes(reader: Reader): Uint8Array {
  return new Uint8Array(reader.bytes());
}

/** Protobuf text must be valid UTF-8, which a lone surrogate has no way to be: it is sent as U+FFFD. */
export function writeString(writer: Writer, value: string): void {
  writer.string(value.toWellFormed());
}

export function readInt64(reader: Reader): bigint {
  const { low, high } = bits(reader.int64());
  // Through a double where it is exact (all our times and sizes): twice as fast as shifting big integers.
  if (high >= -0x200000 && high < 0x200000) return BigInt(high * 0x1_0000_0000 + (low >>> 0));
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

export function readUint64(reader: Reader): bigint {
  const { low, high } = bits(reader.uint64());
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** The halves of what protobufjs read. */
function bits<Halves extends { readonly low: number; readonly high: number }>(value: number | Halves): Halves {
  if (typeof value === "number")
    throw new TypeError("protobufjs has lost its `long`: 64-bit integers would be inexact");
  return value;
}

export function writeInt64(writer: Writer, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit an int64`);
  writer.int64(isSafe(value) ? Number(value) : Long.fromBigInt(value));
}

export function writeUint64(writer: Writer, value: bigint): void {
  if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} does not fit a uint64`);
  writer.uint64(isSafe(value) ? Number(value) : Long.fromBigInt(value, true));
}

const isSafe = (value: bigint) => value >= -0x1f_ffff_ffff_ffffn && value <= 0x1f_ffff_ffff_ffffn;

export function writeInt32(writer: Writer, value: number): void {
  if ((value | 0) !== value) throw new RangeError(`${value} does not fit an int32`);
  writer.int32(value);
}

/** proto3 leaves out a double only if all its bits are zero: -0 and NaN are sent. */
export function isZero(value: number): boolean {
  return Object.is(value, 0);
}
