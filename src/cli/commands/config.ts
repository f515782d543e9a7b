import { allKeys, describeOrigin, type LoadedConfig, renderEffective } from "../../config/index.ts";
import { closest } from "../../domain/closest.ts";
import type { Command, Invocation } from "../command.ts";
import { UsageError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { reportFailure } from "../report.ts";
import { safe, safeJson, safeLines } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";

const actions = ["check", "show", "path"] as const;

export const command: Command = {
  usage: "<check | show | path>",
  about:
    "The configuration as it takes effect: defaults, then the file, then CYXWIZ_SECTION__KEY variables, then --section.key flags.\n" +
    "check reports everything that is wrong with it and ends with 2 if anything is; if nothing is, it prints it, each value with where it came from and secrets hidden. show only prints it. path names the file.",
  options: [],
  operands: ["check, show or path"],
  examples: [
    ["config check --config=/etc/cyxwiz.toml", "find the mistakes before the server does"],
    ["config show > config.toml", "a file to start from"],
  ],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const [action = ""] = invocation.operands;
    if (action === "check") return check(invocation);
    if (action === "show") return show(invocation);
    if (action === "path") return path(invocation);
    const near = closest(action, actions);
    throw new UsageError(
      `cyxwiz config does not know ${JSON.stringify(action)}${near === null ? "" : `; did you mean ${near}?`}`,
      "It takes check, show or path.",
    );
  },
  onConfigError(error, world, json) {
    if (!json) return reportFailure(error, world);
    world.stdout.write(`${safeJson({ ok: false, problems: error.problems }, 2)}\n`);
    return Exit.usage;
  },
};

/** The verdict goes to standard error, so that standard output is a configuration file. */
function check({ world, json, load }: Invocation) {
  const loaded = load();
  const { file, warnings } = loaded;
  if (json) {
    world.stdout.write(`${safeJson({ ok: true, warnings, ...asData(loaded) }, 2)}\n`);
    return Exit.ok;
  }
  const style = styleFor(world.stderr, world.environment);
  for (const warning of warnings) world.stderr.write(`${style.bold("warning:")} ${safe(warning)}\n`);
  const source = file === null ? "The configuration is valid (there is no config.toml)." : `${safe(file)} is valid.`;
  world.stderr.write(`${source}\n`);
  world.stdout.write(safeLines(renderEffective(loaded)));
  return Exit.ok;
}

function show({ world, json, load }: Invocation) {
  const loaded = load();
  world.stdout.write(json ? `${safeJson(asData(loaded), 2)}\n` : safeLines(renderEffective(loaded)));
  return Exit.ok;
}

/** Every key with its value and origin; what is not set is null, and secrets are hidden as in the text. */
function asData({ config, origins, file }: LoadedConfig) {
  const values = new Map<string, unknown>();
  for (const [section, content] of Object.entries(config)) {
    for (const [field, value] of Object.entries(content)) values.set(`${section}.${field}`, value);
  }
  const entries = allKeys.map(({ name, section, field, key }) => {
    const value = values.get(`${camelCase(section)}.${camelCase(field)}`);
    const plain = value === undefined ? null : key.kind.toToml(value);
    const shown = typeof plain === "string" && key.kind.hide ? key.kind.hide(plain) : plain;
    return [name, { value: shown, from: describeOrigin(origins.get(name) ?? { from: "default" }) }] as const;
  });
  return { file, settings: Object.fromEntries(entries) };
}

function path({ world, json, load }: Invocation) {
  const { file } = load();
  if (json) world.stdout.write(`${safeJson({ file }, 2)}\n`);
  else if (file !== null) world.stdout.write(`${safe(file)}\n`);
  else
    world.stderr.write(
      "There is no file: config.toml is not there, and neither --config nor CYXWIZ_CONFIG names one.\n",
    );
  return Exit.ok;
}

/** The configuration's own spelling of a name in code. */
const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
