import type { Command } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";

export const command: Command = {
  usage: "",
  about: "Shows the version of this program, and what it was built from.",
  options: [],
  operands: [],
  examples: [["version --json", "the same as data"]],
  json: true,
  readsConfig: false,
  async run({ world, json }) {
    const { version, commit, runtime, platform } = world.build;
    const text = `cyxwiz ${version} (${[...(commit === null ? [] : [`commit ${commit}`]), runtime, platform].join(", ")})`;
    world.stdout.write(`${json ? safeJson({ version, commit, runtime, platform }, 2) : text}\n`);
    return Exit.ok;
  },
};
