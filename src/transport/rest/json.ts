/** How values look in JSON answers. */

/** A 64-bit integer as JSON can carry it without rounding: a number when it is one exactly, decimal text otherwise. */
export function wideInteger(value: bigint): number | string {
  const isSafe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return isSafe ? Number(value) : value.toString();
}

export const wideOrNull = (value: bigint | null): number | string | null =>
  value === null ? null : wideInteger(value);

export const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;

/** Epoch milliseconds, as RFC 3339 text. */
export const isoFromMillis = (millis: number | null): string | null =>
  millis === null ? null : new Date(millis).toISOString();

/** "pending" as the original's legacy routes spell it: "Pending". */
export const capitalised = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);
