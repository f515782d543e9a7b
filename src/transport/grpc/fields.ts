/** Checks of single fields from the wire. Every refusal names the field, what it was, and what is allowed. */
import { invalid } from "../../domain/refusal.ts";

/** As much of a hostile value as an error message should carry. */
const shown = (value: unknown): string => JSON.stringify(String(value).slice(0, 60));

export interface TextRule {
  readonly max: number;
  readonly required?: boolean;
}

/** PostgreSQL text and jsonb cannot hold U+0000, and lone surrogates are no text; both come only from broken clients. */
export function text(field: string, value: string, { max, required = false }: TextRule): string {
  if (required && value.trim() === "") throw invalid(field, "is required");
  if (value.length > max) throw invalid(field, `has ${value.length} characters; at most ${max} are allowed`);
  if (value.includes("\u0000")) throw invalid(field, "contains the character U+0000, which cannot be stored");
  if (!value.isWellFormed()) throw invalid(field, "is not well-formed Unicode text");
  return value;
}

export interface NumberRule {
  readonly min: number;
  readonly max: number;
}

export function whole(field: string, value: number | bigint, { min, max }: NumberRule): number {
  if (value < min || value > max)
    throw invalid(field, `${value} is not allowed; use a whole number from ${min} to ${max}`);
  return Number(value);
}

/** 0 is what a client that does not know the field sends, so it stands for `fallback`. */
export const wholeOr = (field: string, value: number | bigint, fallback: number, rule: NumberRule): number =>
  value === 0 || value === 0n ? fallback : whole(field, value, rule);

export function finite(field: string, value: number, { min, max }: NumberRule): number {
  if (!Number.isFinite(value) || value < min || value > max) {
    throw invalid(field, `${value} is not allowed; use a number from ${min} to ${max}`);
  }
  return value;
}

export function oneOf<T>(field: string, value: number, names: readonly (T | undefined)[], allowed: string): T {
  const name = names[value];
  if (name === undefined) throw invalid(field, `${shown(value)} is not allowed; use ${allowed}`);
  return name;
}

/** Numbers a node measured. NaN and infinities cannot be stored as JSON and mean nothing to a watcher, so they are left out. */
export function metrics(
  field: string,
  values: Readonly<Record<string, number>>,
  max = 256,
): Readonly<Record<string, number>> {
  const entries = Object.entries(values);
  if (entries.length > max) throw invalid(field, `has ${entries.length} entries; at most ${max} are allowed`);
  const kept = entries.filter(([, value]) => Number.isFinite(value));
  return Object.fromEntries(kept.map(([name, value]) => [text(`${field} name`, name, { max: 200 }), value]));
}

/** A 64-bit count from the wire that we keep as a number. */
export const count = (field: string, value: bigint): number =>
  whole(field, value, { min: 0, max: Number.MAX_SAFE_INTEGER });
