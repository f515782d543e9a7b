/** Random messages of any type, from a seed, and a form in which ours and protobufjs's can be compared. */
import Long from "long";
import protobuf from "protobufjs";
import { jsonName } from "../../../scripts/generate/names.ts";

export type Random = () => number;

/** mulberry32: small, fast, and the same everywhere for the same seed. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!;

const SCALARS: Record<string, (random: Random) => unknown> = {
  int32: (random) => pick(random, [0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31), Math.floor(random() * 2 ** 31)]),
  int64: (random) => {
    const value = BigInt(Math.floor(random() * 2 ** 32)) * BigInt(Math.floor(random() * 2 ** 32));
    return pick(random, [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 53n) - 1n, value / 2n]);
  },
  uint64: (random) =>
    pick(random, [0n, 1n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 53n + 1n, BigInt(Math.floor(random() * 2 ** 32))]),
  bool: (random) => random() < 0.5,
  double: (random) => pick(random, [0, -0, 1.5, -1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, random()]),
  string: (random) =>
    pick(random, [
      "",
      "a",
      "zażółć",
      "日本語",
      "🛰️ orbit",
      "\u0000",
      "constructor",
      "x".repeat(Math.floor(random() * 300)),
    ]),
  bytes: (random) => Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)),
};

/** A message as our code holds it, with fields left out at random. */
export function randomMessage(type: protobuf.Type, random: Random): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    if (field.partOf || random() < 0.25) continue;
    message[jsonName(field.name)] = randomField(field, random);
  }
  for (const oneof of type.oneofsArray) {
    if (random() < 0.1) continue;
    const field = pick(random, oneof.fieldsArray);
    message[jsonName(oneof.name)] = { case: jsonName(field.name), value: randomValue(field, random) };
  }
  return message;
}

function randomField(field: protobuf.Field, random: Random): unknown {
  const count = Math.floor(random() * 4);
  if (field.map) {
    const keys = Array.from({ length: count }, () => String(SCALARS.string!(random)));
    return Object.fromEntries(keys.map((key) => [key, randomValue(field, random)]));
  }
  if (field.repeated) return Array.from({ length: count }, () => randomValue(field, random));
  return randomValue(field, random);
}

function randomValue(field: protobuf.Field, random: Random): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return randomMessage(type, random);
  if (type instanceof protobuf.Enum) return pick(random, [...Object.values(type.values), 77, -5]); // and unknown numbers
  return SCALARS[field.type]!(random);
}

/** Every value as text, so that -0, NaN, bigints and bytes compare exactly; fields by their names in the proto file. */
export type Plain = { readonly [name: string]: unknown };

export function plainOfOurs(type: protobuf.Type, message: Readonly<Record<string, unknown>>): Plain {
  const plain: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const oneof =
      field.partOf && (message[jsonName(field.partOf.name)] as { case: string; value: unknown } | undefined);
    if (field.partOf && oneof?.case !== jsonName(field.name)) continue;
    const value = oneof ? oneof.value : message[jsonName(field.name)];
    if (value !== undefined) plain[field.name] = plainValue(field, value, plainOfOurs);
  }
  return plain;
}

export function plainOfTheirs(type: protobuf.Type, message: Readonly<Record<string, unknown>>): Plain {
  const plain: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const absent = field.partOf || (field.resolvedType instanceof protobuf.Type && !field.map && !field.repeated);
    if (absent && (!Object.hasOwn(message, field.name) || message[field.name] === null)) continue;
    plain[field.name] = plainValue(field, message[field.name], plainOfTheirs);
  }
  return plain;
}

type PlainOf = (type: protobuf.Type, message: Readonly<Record<string, unknown>>) => Plain;

function plainValue(field: protobuf.Field, value: unknown, plainOf: PlainOf): unknown {
  const one = (each: unknown) => {
    if (field.resolvedType instanceof protobuf.Type)
      return plainOf(field.resolvedType, each as Record<string, unknown>);
    if (field.type === "bytes") return Buffer.from(each as Uint8Array).toString("hex"); // an unset one is [] in protobufjs
    return Object.is(each, -0) ? "-0" : String(each);
  };
  if (field.repeated) return (value as unknown[]).map(one);
  if (field.map) return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, one(each)]));
  return one(value);
}

/** Our message in the form that protobufjs's `fromObject` takes. */
export function forTheirs(type: protobuf.Type, message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const one = (field: protobuf.Field, value: unknown) => {
    if (field.resolvedType instanceof protobuf.Type) return forTheirs(field.resolvedType, value as Plain);
    return typeof value === "bigint" ? Long.fromString(String(value), field.type === "uint64") : value;
  };
  for (const field of type.fieldsArray) {
    const oneof =
      field.partOf && (message[jsonName(field.partOf.name)] as { case: string; value: unknown } | undefined);
    if (field.partOf && oneof?.case !== jsonName(field.name)) continue;
    const value = oneof ? oneof.value : message[jsonName(field.name)];
    if (value === undefined) continue;
    if (Array.isArray(value)) result[field.name] = value.map((each) => one(field, each));
    else if (field.map) {
      const entries = Object.entries(value as object).map(([key, each]) => [key, one(field, each)]);
      result[field.name] = Object.fromEntries(entries);
    } else result[field.name] = one(field, value);
  }
  return result;
}
