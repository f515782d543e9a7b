/** Settings that say something for each of several names: a TOML table, or `name=value,name=value` in text. */
import { accept, decimal, type Kind, refuse, type TomlValue } from "./kinds.ts";

type Scalar = Extract<TomlValue, string | number | boolean>;

/** Names to values of `entry`, whose look is `shape`, like "host:port". */
export function table<T>(entry: Kind<T>, shape: string): Kind<ReadonlyMap<string, T>> {
  const toml = /^\d/.test(shape) ? shape : `"${shape}"`;
  return {
    allowed: `a table of "name" = ${toml} (as text: name=${shape},name=${shape})`,
    parse(raw, textual, around) {
      const pairs = textual ? textPairs(String(raw)) : tablePairs(raw);
      if (pairs === null) return refuse(`must be a table of "name" = ${toml}`);
      const found = new Map<string, T>();
      for (const [name, value] of pairs) {
        const parsed = entry.parse(value, textual, around);
        if (!parsed.ok || name === "")
          return refuse(`entry ${JSON.stringify(name)}: ${parsed.ok ? "needs a name" : parsed.reason}`);
        found.set(name, parsed.value);
      }
      return accept(found);
    },
    toToml: (values) => Object.fromEntries([...values].map(([name, value]) => [name, entry.toToml(value) as Scalar])),
  };
}

/** Names to weights above 0. */
export const weightTable = (): Kind<ReadonlyMap<string, number>> => table(decimal({ min: 0.001, max: 1000 }, 3), "2.5");

function textPairs(written: string): [string, unknown][] {
  const items = written.split(",").map((item) => item.trim());
  return items
    .filter((item) => item !== "")
    .map((item) => {
      const at = item.lastIndexOf("=");
      return at < 0 ? [item, ""] : [item.slice(0, at).trim(), item.slice(at + 1).trim()];
    });
}

const tablePairs = (raw: unknown): [string, unknown][] | null =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw) && !(raw instanceof Date) ? Object.entries(raw) : null;
