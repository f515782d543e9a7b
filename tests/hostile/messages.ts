/**
 * Requests from the .proto files, so that a new RPC is attacked without anybody remembering it: every method of every
 * service, with messages that would pass and one thing about them that would not.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import Long from "long";
import protobuf from "protobufjs";
import { BROKEN_TEXT, type Dice, DOUBLES, ENUM_NUMBERS, HUGE_TEXT, INT32, INT64, TEXTS } from "./values.ts";

const root = join(import.meta.dir, "../../proto");

export interface Rpc {
  /** "/package.Service/Method" */
  readonly path: string;
  readonly request: protobuf.Type;
  /** It may go on for as long as there is something to tell. */
  readonly streams: boolean;
}

export function everyRpc(): readonly Rpc[] {
  const proto = new protobuf.Root();
  proto.resolvePath = (_origin, target) => join(root, target);
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".proto"));
  proto.loadSync(files, { keepCase: true }).resolveAll();
  return servicesOf(proto).flatMap((service) =>
    service.methodsArray.map((method) => ({
      path: `/${service.fullName.slice(1)}/${method.name}`,
      request: resolvedRequestOf(method),
      streams: method.responseStream === true,
    })),
  );
}

function resolvedRequestOf(method: protobuf.Method): protobuf.Type {
  method.resolve();
  if (!method.resolvedRequestType) throw new Error(`${method.fullName} has no request type`);
  return method.resolvedRequestType;
}

function servicesOf(namespace: protobuf.NamespaceBase): protobuf.Service[] {
  return namespace.nestedArray.flatMap((each) => {
    if (each instanceof protobuf.Service) return [each];
    return each instanceof protobuf.Namespace ? servicesOf(each) : [];
  });
}

/** Ids that exist, so that calls get past the first check. */
export interface Known {
  readonly jobs: string[];
  readonly nodes: string[];
}

/** What most fields must be for a request to be taken; a field not named here is left out of it. */
const usual: Readonly<Record<string, (known: Known, dice: Dice) => unknown>> = {
  job_id: ({ jobs }, dice) => dice.pick([...jobs, crypto.randomUUID()]),
  node_id: ({ nodes }, dice) => dice.pick([...nodes, crypto.randomUUID()]),
  active_jobs: ({ jobs }, dice) => [dice.pick(jobs)],
  job_type: () => 1,
  model_definition: () => '{"layers":[]}',
  dataset_uri: () => "builtin:iris",
  hyperparameters: () => ({ learning_rate: "0.1" }),
  epochs: () => 3,
  batch_size: () => 32,
  estimated_duration: () => 60,
  ip_address: () => "127.0.0.1",
  port: () => 9,
  cpu_cores: () => 8,
  ram_total: () => 16 * 2 ** 30,
  progress: () => 0.5,
  reason: () => "because",
};

/** A message of this type, encoded. `wild`: of 1, how often a field is filled with what does not belong there. */
export function message(type: protobuf.Type, dice: Dice, known: Known, wild: number): Buffer {
  const parts = type.fieldsArray.map((field) => {
    field.resolve();
    if (dice.chance(wild)) return wildField(field, dice, known);
    const value = usual[field.name]?.(known, dice);
    if (value !== undefined) return type.encode(type.fromObject({ [field.name]: value })).finish();
    const nested = field.resolvedType instanceof protobuf.Type && !field.map && !field.repeated && !field.partOf;
    return nested ? delimited(field.id, message(field.resolvedType as protobuf.Type, dice, known, wild)) : NOTHING;
  });
  return Buffer.concat(parts);
}

const NOTHING = Buffer.alloc(0);

/** A field as it should be typed, with an unlikely value; or as another type; or often; or not at all. */
function wildField(field: protobuf.Field, dice: Dice, known: Known): Buffer {
  const way = dice.below(10);
  if (way === 0) return NOTHING;
  if (way === 1) return otherWireType(field.id, dice);
  if (way === 2 && (field.repeated || field.map)) {
    return Buffer.concat(Array.from({ length: dice.pick([300, 1500, 12_000]) }, () => wildValue(field, dice, known)));
  }
  return wildValue(field, dice, known);
}

function wildValue(field: protobuf.Field, dice: Dice, known: Known): Buffer {
  const { id } = field;
  const writer = protobuf.Writer.create();
  if (field.map) {
    const value = protobuf.Writer.create();
    if (field.type === "double") value.uint32(17).double(dice.pick(DOUBLES));
    else value.uint32(18).bytes(text(dice));
    return delimited(id, Buffer.concat([delimited(1, text(dice)), value.finish()]));
  }
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Enum) return built(writer.uint32(id << 3).int32(dice.pick(ENUM_NUMBERS)));
  if (resolvedType instanceof protobuf.Type) {
    return delimited(id, dice.chance(0.3) ? dice.bytes(dice.below(40)) : message(resolvedType, dice, known, 0.3));
  }
  switch (field.type) {
    case "double":
      return built(writer.uint32((id << 3) | 1).double(dice.pick(DOUBLES)));
    case "float":
      return built(writer.uint32((id << 3) | 5).float(dice.pick(DOUBLES)));
    case "string":
      return delimited(id, text(dice));
    case "bytes":
      return delimited(id, dice.bytes(dice.pick([0, 1, 31, 32, 33, 5000])));
    case "int32":
      return built(writer.uint32(id << 3).int32(dice.pick(INT32)));
    default: // int64, uint64, uint32, bool: a varint holds whatever we like
      return built(writer.uint32(id << 3).int64(Long.fromBigInt(dice.pick(INT64))));
  }
}

function text(dice: Dice): Buffer {
  if (dice.chance(0.002)) return Buffer.from(HUGE_TEXT);
  return dice.chance(0.1) ? dice.pick(BROKEN_TEXT) : Buffer.from(dice.pick(TEXTS));
}

/** The field's number with a wire type that is not its own, or that does not exist. */
function otherWireType(id: number, dice: Dice): Buffer {
  const tag = protobuf.Writer.create().uint32(((id << 3) | dice.below(8)) >>> 0);
  return Buffer.concat([built(tag), dice.bytes(dice.below(12))]);
}

const built = (writer: protobuf.Writer): Buffer => Buffer.from(writer.finish());

const delimited = (id: number, value: Uint8Array): Buffer =>
  built(
    protobuf.Writer.create()
      .uint32((id << 3) | 2)
      .bytes(value),
  );

/** The same bytes, damaged. */
export function damaged(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.below(bytes.length + 1);
  switch (dice.below(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.below(16)), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes, bytes]);
    case 3: {
      const flipped = Buffer.from(bytes);
      for (let flips = 1 + dice.below(8); flips > 0 && flipped.length > 0; flips--) {
        const where = dice.below(flipped.length);
        flipped[where] = (flipped[where] ?? 0) ^ (1 << dice.below(8));
      }
      return flipped;
    }
    default:
      return Buffer.concat([bytes, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])]);
  }
}
