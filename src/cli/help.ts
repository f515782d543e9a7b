/** The help texts, made from what the commands say of themselves. */
import type { Entry } from "./catalogue.ts";
import type { Command } from "./command.ts";
import { wrap } from "./text/safe.ts";
import type { Style } from "./text/style.ts";

/** Beyond this a line is hard to read, however wide the terminal. */
const widest = 100;

const room = (columns: number): number => Math.max(30, Math.min(widest, columns - 1));

/** "name    text" with the text wrapped beside the names. */
function definitions(
  pairs: readonly (readonly [string, string])[],
  columns: number,
  paint: (text: string) => string,
): string {
  const indent = "  ";
  const longest = Math.max(...pairs.map(([name]) => name.length));
  // Where names leave too little room beside them, the text goes below.
  const beside = longest + 4 + 30 <= columns;
  const width = room(columns) - (beside ? longest + 4 : 6);
  return pairs
    .flatMap(([name, text]) => {
      const [first = "", ...rest] = wrap(text, width);
      if (!beside) return [`${indent}${paint(name)}`, ...[first, ...rest].map((line) => `      ${line}`)];
      const hang = " ".repeat(longest + 4);
      return [`${indent}${paint(name.padEnd(longest))}  ${first}`, ...rest.map((line) => hang + line)];
    })
    .join("\n");
}

export function overview(entries: readonly Entry[], columns: number, style: Style): string {
  const bold = style.bold;
  return `${bold("cyxwiz")} runs the CyxWiz Central Server, its compute nodes, and jobs on them.

${bold("Usage:")} cyxwiz <command> [options]

${bold("Commands")}
${definitions(
  entries.map(({ name, summary }) => [name, summary] as const),
  columns,
  style.accent,
)}

${bold("Options of every command")}
${definitions(
  [
    ["--help", "what a command does, and what it takes"],
    ["--config PATH", "the configuration file (default: config.toml, where there is one)"],
    ["--section.key=value", "one setting, for example --server.data_dir=/var/lib/cyxwiz"],
    ["--json", "data instead of text, where the output is data"],
    ["--version", "the version"],
  ],
  columns,
  style.accent,
)}

${bold("Exit codes")}
${definitions(
  [
    ["0", "it worked"],
    ["1", "it did not"],
    ["2", "the command line, the configuration or the job is not valid"],
    ["3", "there is no such job or node"],
    ["4", "the job that was waited for failed or was cancelled"],
    ["5", "no server answers"],
    ["130", "ended by Ctrl-C"],
  ],
  columns,
  style.accent,
)}

Start with \`cyxwiz up\`.
`;
}

export function commandHelp(name: string, command: Command, columns: number, style: Style): string {
  const { bold } = style;
  const options = command.options.map(
    (option) => [`--${option.name}${option.value === undefined ? "" : `=${option.value}`}`, option.doc] as const,
  );
  const common: (readonly [string, string])[] = [
    ...(command.json ? [["--json", "data instead of text"] as const] : []),
    ...(command.readsConfig
      ? [["--config PATH", "the configuration file"] as const, ["--section.key=value", "one setting"] as const]
      : []),
    ["--help", "this text"],
  ];
  const examples = command.examples.flatMap(([typed, does]) => [
    `  ${style.accent(`cyxwiz ${typed}`)}`,
    `      ${does}`,
  ]);
  return [
    `${bold("Usage:")} cyxwiz ${name}${command.usage === "" ? "" : ` ${command.usage}`}`,
    "",
    ...wrap(command.about, room(columns)),
    "",
    bold("Options"),
    definitions([...options, ...common], columns, style.accent),
    ...(examples.length === 0 ? [] : ["", bold("Examples"), ...examples]),
    "",
  ].join("\n");
}
