/**
 * What PostgreSQL cannot keep. `text` and `jsonb` hold no U+0000, and `jsonb` no lone surrogate, though both are valid in
 * a JavaScript string and in JSON. The transport asks here before a message becomes an event, so that the sender gets an
 * INVALID_ARGUMENT naming the field. Whatever slips through is refused by the database (SQLSTATE 22P05, 22021) and becomes
 * a JournalRejected: never a half-written row.
 */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && text.isWellFormed();
}

/**
 * Looks for text that cannot be stored, in values and in keys.
 * @returns the path of the first offender, such as `metadata.tags[2]`; undefined when all can be stored.
 */
export function findUnstorable(value: unknown, path = ""): string | undefined {
  if (typeof value === "string") return isStorableText(value) ? undefined : path || "(root)";
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = findUnstorable(item, `${path}[${index}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    const found = isStorableText(key) ? findUnstorable(item, at) : at;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same value with U+FFFD in place of what cannot be stored. */
export function makeStorable<T>(value: T): T;
export function makeStorable(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("\u0000", "\uFFFD").toWellFormed();
  if (Array.isArray(value)) return value.map((item) => makeStorable<unknown>(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [makeStorable(key), makeStorable<unknown>(item)]),
  );
}
