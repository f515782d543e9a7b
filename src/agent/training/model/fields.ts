import { shown, TrainingError } from "../errors.ts";

/**
 * Reads one JSON object field by field. Every refusal names the field's full path, the value found and what is
 * allowed; fields nobody asked for are reported as warnings, because they are most often misspelt ones.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  constructor(
    readonly path: string,
    value: unknown,
    allowed: string,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw refusal(path, value, allowed);
    this.#values = value as Readonly<Record<string, unknown>>;
  }

  /** The value under the first of `names` that is present (JSON null counts as absent), with the name it was found under. */
  raw(...names: readonly string[]): { readonly name: string; readonly value: unknown } | undefined {
    for (const name of names) this.#read.add(name);
    for (const name of names) {
      const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
      if (value !== undefined && value !== null) return { name, value };
    }
    return undefined;
  }

  whole(names: readonly string[], min: number, max: number): number | undefined {
    const found = this.raw(...names);
    if (found === undefined) return undefined;
    const { name, value } = found;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw refusal(`${this.path}.${name}`, value, `a whole number from ${min} to ${max}`);
    }
    return value;
  }

  real(names: readonly string[], range: Range): number | undefined {
    const found = this.raw(...names);
    if (found === undefined) return undefined;
    const { name, value } = found;
    if (typeof value !== "number" || !within(value, range)) {
      throw refusal(`${this.path}.${name}`, value, describeRange(range));
    }
    return value;
  }

  flag(names: readonly string[]): boolean | undefined {
    const found = this.raw(...names);
    if (found === undefined) return undefined;
    if (typeof found.value !== "boolean") throw refusal(`${this.path}.${found.name}`, found.value, "true or false");
    return found.value;
  }

  text(names: readonly string[], maxLength: number): string | undefined {
    const found = this.raw(...names);
    if (found === undefined) return undefined;
    if (typeof found.value !== "string" || found.value.length > maxLength) {
      throw refusal(`${this.path}.${found.name}`, found.value, `a text of at most ${maxLength} characters`);
    }
    return found.value;
  }

  /** One warning per field that was present and never asked for. */
  leftovers(): string[] {
    return Object.keys(this.#values)
      .filter((name) => !this.#read.has(name))
      .slice(0, 20)
      .map((name) => `${this.path}.${shown(name).slice(1, -1)} is not a field of the format and has no effect`);
  }
}

/** An interval of real numbers. */
export interface Range {
  readonly min: number;
  readonly minOpen?: boolean;
  readonly max: number;
  readonly maxOpen?: boolean;
}

export function within(value: number, range: Range): boolean {
  const aboveMin = range.minOpen ? value > range.min : value >= range.min;
  const belowMax = range.maxOpen ? value < range.max : value <= range.max;
  return aboveMin && belowMax; // false for NaN
}

export function describeRange(range: Range): string {
  const from = range.minOpen ? `above ${range.min}` : `from ${range.min}`;
  const to = range.maxOpen ? `below ${range.max}` : `up to ${range.max}`;
  return `a number ${from} ${range.minOpen || range.maxOpen ? "and " : ""}${to}`;
}

export function refusal(path: string, value: unknown, allowed: string): TrainingError {
  return new TrainingError("invalid_model", `${path}: ${shown(value)} is not allowed; use ${allowed}`);
}

/** Names match whatever their case and separators: "LeakyReLU", "leaky_relu" and "leaky-relu" are one. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, "");
}

/** Looks a name up in a table of folded spellings. */
export function oneOf<T extends string>(path: string, value: unknown, spellings: Readonly<Record<string, T>>): T {
  const found = typeof value === "string" ? lookUp(spellings, value) : undefined;
  if (found === undefined) throw refusal(path, value, listed(Object.values(spellings)));
  return found;
}

export function lookUp<T>(spellings: Readonly<Record<string, T>>, name: string): T | undefined {
  const folded = foldName(name);
  return Object.hasOwn(spellings, folded) ? spellings[folded] : undefined;
}

/** `one of a, b or c`, each once. */
export function listed(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  const last = distinct.pop() ?? "";
  return distinct.length === 0 ? last : `${distinct.join(", ")} or ${last}`;
}
