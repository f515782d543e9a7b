/** Reads path and query parameters. Whatever is wrong with one is said with its name, what was sent, and what is allowed. */
import { parseUuid } from "../../domain/ids.ts";
import { invalid } from "../../domain/refusal.ts";
import type { RestContext } from "./deps.ts";
import { invalidWith, ProblemError } from "./problem.ts";

const shown = (value: string): string => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);

/** The `{id}` of the path. */
export function idOf(context: RestContext, what: "job" | "node"): string {
  const given = context.req.param("id") ?? "";
  const id = parseUuid(given);
  if (id === null) {
    const legacy = what === "job" ? "Invalid job ID" : "Invalid node ID";
    throw invalidWith(legacy, "id", `${shown(given)} is not a UUID, such as 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11`);
  }
  return id;
}

export function unknown(what: "job" | "node", id: string): ProblemError {
  const legacyError = what === "job" ? "Job not found" : "Node not found";
  return new ProblemError({ status: 404, code: "not_found", detail: `${what} ${id} not found`, legacyError });
}

/** A parameter given once, or not at all; twice is a mistake that must not be guessed about. */
export function one(context: RestContext, name: string): string | undefined {
  const values = context.req.queries(name);
  if (values === undefined) return undefined;
  if (values.length > 1) throw invalid(name, `was given ${values.length} times; give it once`);
  return values[0];
}

export function wholeNumber(
  context: RestContext,
  name: string,
  { min, max, or }: { readonly min: number; readonly max: number; readonly or: number },
): number {
  const given = one(context, name);
  if (given === undefined) return or;
  const value = Number(given);
  if (!/^-?\d{1,15}$/.test(given) || value < min || value > max) {
    throw invalid(name, `${shown(given)} is not a whole number from ${min} to ${max}`);
  }
  return value;
}

export function choices<Value extends string>(
  context: RestContext,
  name: string,
  allowed: readonly Value[],
): readonly Value[] {
  const given = (context.req.queries(name) ?? []).flatMap((value) => value.split(","));
  const chosen = new Set<Value>();
  for (const value of given) {
    const known = allowed.find((candidate) => candidate === value.trim().toLowerCase());
    if (known === undefined) throw invalid(name, `${shown(value)} is none of ${allowed.join(", ")}`);
    chosen.add(known);
  }
  return [...chosen];
}

export function choice<Value extends string>(
  context: RestContext,
  name: string,
  allowed: readonly Value[],
): Value | undefined {
  const given = one(context, name);
  if (given === undefined) return undefined;
  const known = allowed.find((candidate) => candidate === given.toLowerCase());
  if (known === undefined) throw invalid(name, `${shown(given)} is none of ${allowed.join(", ")}`);
  return known;
}

const MAX_TEXT = 200;

/** Text to compare with a column. PostgreSQL holds neither U+0000 nor half a surrogate pair. */
export function words(context: RestContext, name: string): string | undefined {
  const given = one(context, name);
  if (given === undefined) return undefined;
  if (given === "") throw invalid(name, "is empty; leave it out to have all");
  if (given.length > MAX_TEXT) throw invalid(name, `is longer than ${MAX_TEXT} characters`);
  if (given.includes("\0") || !given.isWellFormed())
    throw invalid(name, "holds a character that no stored text can hold");
  return given;
}

export function uuidParameter(context: RestContext, name: string): string | undefined {
  const given = one(context, name);
  if (given === undefined) return undefined;
  const id = parseUuid(given);
  if (id === null) throw invalid(name, `${shown(given)} is not a UUID`);
  return id;
}

/** RFC 3339, with a zone: a time without one would mean the server's. */
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/;

export function instant(context: RestContext, name: string): Date | undefined {
  const given = one(context, name);
  if (given === undefined) return undefined;
  const date = new Date(given);
  if (!RFC3339.test(given) || Number.isNaN(date.getTime())) {
    throw invalid(name, `${shown(given)} is not a time such as 2026-01-31T12:00:00Z`);
  }
  return date;
}

const FLAGS = ["true", "false"] as const;
export function yesOrNo(context: RestContext, name: string): boolean | undefined {
  const given = choice(context, name, FLAGS);
  return given === undefined ? undefined : given === "true";
}
