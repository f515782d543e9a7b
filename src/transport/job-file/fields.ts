/** How each field of a job file becomes a field of `JobConfig`. */

import { closest } from "../../domain/closest.ts";
import { type DeepPartial, DeviceType, type JobConfig, JobPriority, JobType } from "../grpc/protocol.ts";

/** What is wrong with a value; the reader adds the field's name. */
export class FieldFault extends Error {}

type Writable = { -readonly [Name in keyof JobConfig]?: DeepPartial<JobConfig>[Name] };

export interface Field {
  readonly name: keyof JobConfig;
  /** As in the .proto file, which is how job files spell it. */
  readonly wireName: string;
  /** Puts the value into `config`. @throws FieldFault */
  readonly read: (value: unknown, config: Writable) => void;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function field<Name extends keyof JobConfig>(name: Name, read: (value: unknown) => JobConfig[Name]): Field {
  return {
    name,
    wireName: snake(name),
    read(value, config) {
      const assign: { [Key in Name]?: JobConfig[Key] } = config as { [Key in Name]?: JobConfig[Key] };
      assign[name] = read(value);
    },
  };
}

/** As much of a wrong value as a message should carry. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const fault = (value: unknown, wanted: string): FieldFault => new FieldFault(`${shown(value)} is not ${wanted}`);

function text(value: unknown): string {
  if (typeof value !== "string") throw fault(value, "text in double quotes");
  return value;
}

const whole =
  (max: number) =>
  (value: unknown): number => {
    const given = typeof value === "string" && /^\d{1,20}$/.test(value) ? Number(value) : value;
    if (typeof given !== "number" || !Number.isSafeInteger(given) || given < 0 || given > max) {
      throw fault(value, `a whole number from 0 to ${max}`);
    }
    return given;
  };

const int32 = whole(2 ** 31 - 1);

/** JSON numbers are exact to 2^53; larger ones may be written as text, as protobuf's own JSON does. */
function int64(value: unknown): bigint {
  if (typeof value === "string" && /^\d{1,19}$/.test(value) && BigInt(value) < 2n ** 63n) return BigInt(value);
  return BigInt(whole(Number.MAX_SAFE_INTEGER)(value));
}

function double(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw fault(value, "a number");
  return value;
}

/** "training", "JOB_TYPE_TRAINING", "Job-Type-Training" and 1 are the same. */
function choice<Value extends number>(
  names: Readonly<Record<string, Value>>,
  prefix: string,
  aliases: Readonly<Record<string, Value>> = {},
) {
  const friendly = new Map(
    Object.entries(names).map(([name, value]) => [name.slice(prefix.length).toLowerCase(), value]),
  );
  const offered = [...new Set([...Object.keys(aliases), ...friendly.keys()])].filter((name) => name !== "unknown");
  return (value: unknown): Value => {
    if (typeof value === "number") {
      const known = [...friendly.values()].find((candidate) => candidate === value);
      if (known !== undefined) return known;
    }
    const list = `one of ${offered.join(", ")}`;
    if (typeof value !== "string") throw fault(value, list);
    const plain = value.trim().toLowerCase().replaceAll("-", "_");
    const short = plain.startsWith(prefix.toLowerCase()) ? plain.slice(prefix.length) : plain;
    const known = friendly.get(short) ?? (Object.hasOwn(aliases, short) ? aliases[short] : undefined);
    if (known !== undefined) return known;
    const near = closest(short, offered);
    throw new FieldFault(
      `${shown(value)} is not ${list}${near === null ? "" : `; did you mean ${JSON.stringify(near)}?`}`,
    );
  };
}

export const jobTypes = choice(JobType, "JOB_TYPE_");

/** A model is easier to write as JSON inside JSON than as text; the wire carries it as text. */
function model(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault(value, "an object or text");
  return JSON.stringify(value);
}

function hyperparameters(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw fault(value, "an object of names and values");
  return Object.fromEntries(
    Object.entries(value).map(([name, item]: [string, unknown]) => {
      if (typeof item === "string") return [name, item];
      if (typeof item === "number" || typeof item === "boolean") return [name, String(item)];
      throw new FieldFault(`${JSON.stringify(name)}: ${shown(item)} is not text, a number, true or false`);
    }),
  );
}

export const fields: readonly Field[] = [
  field("jobId", text),
  field("jobType", jobTypes),
  field("priority", choice(JobPriority, "PRIORITY_")),
  field("modelDefinition", model),
  field("hyperparameters", hyperparameters),
  field("datasetUri", text),
  field("batchSize", int32),
  field("epochs", int32),
  field("requiredDevice", choice(DeviceType, "DEVICE_", { any: DeviceType.DEVICE_UNKNOWN })),
  field("estimatedMemory", int64),
  field("estimatedDuration", int64),
  field("paymentAmount", double),
  field("paymentAddress", text),
  field("escrowTxHash", text),
  field("reservationDurationMinutes", int32),
];
