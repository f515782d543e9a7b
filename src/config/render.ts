/** Prints the effective configuration as a file: every key, its value, and where the value came from. */
import { stringify } from "smol-toml";
import { allKeys, camel, type NamedKey, sections } from "./keys.ts";
import type { TomlValue } from "./kinds.ts";
import type { LoadedConfig } from "./load.ts";
import { describeOrigin } from "./origin.ts";

/**
 * The effective configuration as TOML, safe to show: secrets are hidden, and lines that hide something, or that have no
 * value, are comments. The text can be used as a configuration file again.
 */
export function renderEffective({ config, origins }: LoadedConfig): string {
  const blocks = Object.keys(sections).map((section) => {
    const values = new Map<string, unknown>(Object.entries(valuesOf(config, section)));
    const lines = allKeys
      .filter((named) => named.section === section)
      .map((named) => {
        const origin = describeOrigin(origins.get(named.name) ?? { from: "default" });
        return renderKey(named, values.get(camel(named.field)), comment(`from ${origin}`));
      });
    return `[${section}]\n${lines.join("\n")}\n`;
  });
  return blocks.join("\n");
}

const valuesOf = (config: LoadedConfig["config"], section: string): object =>
  Object.entries(config).find(([name]) => name === camel(section))?.[1] ?? {};

/** A file name may hold anything, even a line break; a comment must not. */
const comment = (words: string): string => `# ${words.replace(/\p{Cc}/gu, "?")}`;

function renderKey({ field, key }: NamedKey, value: unknown, origin: string): string {
  if (value === undefined) return `# ${field} is not set  ${origin}`;
  const toml = key.kind.toToml(value);
  const shown = typeof toml === "string" && key.kind.hide ? key.kind.hide(toml) : toml;
  const line = `${field} = ${tomlValue(shown)}  ${origin}`;
  return shown === toml ? line : `# ${line}`;
}

/** smol-toml writes documents; a value alone is what stands after the "=" of a one-key document. */
export function tomlValue(value: TomlValue): string {
  if (typeof value !== "object") return stringify({ v: value }).slice("v = ".length).trimEnd();
  const pairs = Object.entries(value).map(([name, text]) => `${tomlValue(name)} = ${tomlValue(text)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}
