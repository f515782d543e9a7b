/** The expressions that create, write and read one field: all of proto3's wire format that we use is in this file. */
import { jsonName } from "./names.ts";
import type { ProtoField } from "./schema.ts";

/** A type of values as the generated code handles it. */
export interface ValueType {
  readonly type: string;
  /** The proto3 default; null for messages, which are absent instead. */
  readonly initial: string | null;
  readonly wire: 0 | 1 | 2;
  /** The condition for sending a value on its own: proto3 leaves defaults out. */
  readonly isSent: (value: string) => string;
  /** A statement that writes tag and value. */
  readonly write: (tag: number, value: string) => string;
  /** A function of writer and value, for packed lists, which have no tags; null where lists are not packed. */
  readonly writePacked: string | null;
  /** An expression that reads from `r`; `before` is the value this field had until now. */
  readonly read: (before: string | null) => string;
  /** A whole value from a partial one. */
  readonly copy: (value: string) => string;
}

const same = (value: string) => value;

function number(type: string, initial: string, method: string, write: string): ValueType {
  return {
    type,
    initial,
    wire: 0,
    isSent: same,
    write: (tag, value) => `${write}(w.uint32(${tag}), ${value});`,
    writePacked: write,
    read: () => method,
    copy: same,
  };
}

const SCALARS: Readonly<Record<string, ValueType>> = {
  int32: number("number", "0", "r.int32()", "writeInt32"),
  int64: number("bigint", "0n", "readInt64(r)", "writeInt64"),
  uint64: number("bigint", "0n", "readUint64(r)", "writeUint64"),
  bool: {
    ...number("boolean", "false", "r.bool()", ""),
    write: (tag, value) => `w.uint32(${tag}).bool(${value});`,
    writePacked: "(w, v) => w.bool(v)",
  },
  double: {
    ...number("number", "0", "r.double()", ""),
    wire: 1,
    isSent: (value) => `${value} !== undefined && !isZero(${value})`,
    write: (tag, value) => `w.uint32(${tag}).double(${value});`,
    writePacked: "(w, v) => w.double(v)",
  },
  string: {
    ...number("string", '""', "r.stringVerify()", "writeString"),
    wire: 2,
    writePacked: null,
  },
  bytes: {
    ...number("Uint8Array", "new Uint8Array()", "readBytes(r)", ""),
    wire: 2,
    isSent: (value) => `${value}?.length`,
    write: (tag, value) => `w.uint32(${tag}).bytes(${value});`,
    writePacked: null,
    copy: (value) => `new Uint8Array(${value})`,
  },
};

const enumeration = (name: string): ValueType => ({
  ...number(name, `0 as ${name}`, `r.int32() as ${name}`, "writeInt32"),
});

const message = (name: string): ValueType => ({
  type: name,
  initial: null,
  wire: 2,
  isSent: (value) => `${value} !== undefined`,
  write: (tag, value) => `writeMessage(w, ${tag}, ${name}, ${value});`,
  writePacked: null,
  read: (before) => (before === null ? `readMessage(r, ${name})` : `readMessage(r, ${name}, ${before})`),
  copy: (value) => `${name}.create(${value})`,
});

export function valueType(field: ProtoField, nameOf: (fullName: string) => string): ValueType {
  const { type } = field;
  if (type.kind !== "scalar") {
    return type.kind === "enum" ? enumeration(nameOf(type.fullName)) : message(nameOf(type.fullName));
  }
  const scalar = SCALARS[type.scalar];
  if (!scalar) throw new Error(`${field.name}: no ${type.scalar} yet, teach it to scripts/generate/fields.ts`);
  return scalar;
}

/** One field of a message that is not part of a oneof. */
export interface FieldCode {
  readonly name: string;
  readonly type: string;
  readonly create: string;
  readonly write: string;
  readonly reads: readonly (readonly [tag: number, statement: string])[];
}

export function fieldCode(field: ProtoField, value: ValueType): FieldCode {
  const name = jsonName(field.name);
  const [from, to] = [`p.${name}`, `m.${name}`];
  const tag = (field.number << 3) | value.wire;
  const listTag = (field.number << 3) | 2;
  if (field.label === "map") {
    const valueTag = (2 << 3) | value.wire;
    const missing = value.initial ?? value.copy("");
    return {
      name,
      type: `Readonly<Record<string, ${value.type}>>`,
      create: `copyMap(${from}, (v) => ${value.copy("v")})`,
      write: `writeEntries(w, ${listTag}, ${to}, (w, v) => { ${value.write(valueTag, "v")} });`,
      reads: [[listTag, `readEntry(r, ${to}, ${valueTag}, (r) => ${value.read(null)}, () => ${missing});`]],
    };
  }
  if (field.label === "repeated") {
    const one = [tag, `${to}.push(${value.read(null)});`] as const;
    const packed = [listTag, `readPacked(r, ${to}, (r) => ${value.read(null)});`] as const;
    return {
      name,
      type: `readonly ${value.type}[]`,
      create: `${from}?.map((v) => ${value.copy("v")}) ?? []`,
      write: value.writePacked
        ? `writePacked(w, ${listTag}, ${to}, ${value.writePacked});`
        : `for (const v of ${to} ?? []) ${value.write(tag, "v")}`,
      // A reader must take number lists packed and unpacked, whichever the sender chose.
      reads: value.writePacked ? [packed, one] : [one],
    };
  }
  const copied = value.copy(from);
  const absent = value.initial ?? "undefined";
  return {
    name,
    type: value.initial === null ? `${value.type} | undefined` : value.type,
    create: copied === from ? `${from} ?? ${absent}` : `${from} === undefined ? ${absent} : ${copied}`,
    write: `if (${value.isSent(to)}) ${value.write(tag, to)}`,
    reads: [[tag, `${to} = ${value.read(to)};`]],
  };
}

/** A oneof is one property: `undefined`, or `{ case, value }` naming which of its fields is set. */
export function oneofCode(
  oneof: string,
  members: readonly { readonly field: ProtoField; readonly value: ValueType }[],
): FieldCode {
  const name = jsonName(oneof);
  const [from, to] = [`p.${name}`, `m.${name}`];
  const cases = members.map(({ field, value }) => ({ field, value, label: JSON.stringify(jsonName(field.name)) }));
  const tagOf = (field: ProtoField, value: ValueType) => (field.number << 3) | value.wire;
  const type = cases.map((c) => `\n    | { readonly case: ${c.label}; readonly value: ${c.value.type} }`).join("");
  const copies = cases.filter((c) => c.value.copy("") !== "");
  const create = copies.map(
    (c) => `\n      ${from}?.case === ${c.label} ? { case: ${c.label}, value: ${c.value.copy(`${from}.value`)} } :`,
  );
  // A set oneof is always sent, default or not: that it is set is what it says.
  const writes = cases.map(
    (c) => `\n      case ${c.label}: ${c.value.write(tagOf(c.field, c.value), `${to}.value`)} break;`,
  );
  return {
    name,
    type: `${type}\n    | undefined`,
    create: `${create.join("")}${create.length > 0 ? "\n      " : ""}${from}`,
    write: `switch (${to}?.case) {${writes.join("")}\n    }`,
    reads: cases.map(({ field, value, label }) => {
      const before = value.initial === null ? `${to}?.case === ${label} ? ${to}.value : undefined` : null;
      return [tagOf(field, value), `${to} = { case: ${label}, value: ${value.read(before)} };`];
    }),
  };
}
