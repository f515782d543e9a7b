/** One setting: its kind, its default, and what it means. The sections are tables of these. */
import type { Kind, TomlValue } from "./kinds.ts";

export interface Key<T> {
  readonly kind: Kind<T>;
  /** As it would stand in the file; undefined where leaving the key out means "none". */
  readonly fallback: TomlValue | undefined;
  /** The full name of the key whose value this one takes while it is not set itself. */
  readonly inherits: string | null;
  /** Whole sentences for the documentation. */
  readonly doc: string;
}

/** A setting that always has a value. */
export const key = <T>(kind: Kind<T>, fallback: TomlValue, doc: string): Key<T> => ({
  kind,
  fallback,
  inherits: null,
  doc,
});

/** A setting that may be absent; empty text in the environment or on the command line makes it absent again. */
export const optional = <T>(kind: Kind<T>, doc: string): Key<T | undefined> => ({
  // An absent value never reaches the kind: it is neither parsed nor written.
  kind: { ...kind, toToml: (value) => kind.toToml(value as T) },
  fallback: undefined,
  inherits: null,
  doc,
});

/** A setting that takes another key's value while it is not set. The other key must have the same kind of value. */
export const inherited = <T>(kind: Kind<T>, from: string, doc: string): Key<T> => ({
  kind,
  fallback: undefined,
  inherits: from,
  doc,
});

export interface Section {
  readonly doc: string;
  readonly keys: Readonly<Record<string, Key<unknown>>>;
}
