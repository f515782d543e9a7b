/** What pause and resume have in common. */
import { restAddress, restOption, serverOption } from "../client/address.ts";
import { adminTokenOption, operatorToken } from "../client/operator.ts";
import { type JsonObject, numberOf, postJson, textOf } from "../client/rest.ts";
import type { Command } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";
import { plural } from "../text/units.ts";

export interface SchedulerOrder {
  readonly name: "pause" | "resume";
  readonly about: string;
  readonly reasonDoc: string;
  readonly examples: Command["examples"];
}

export const schedulerOrder = ({ name, about, reasonDoc, examples }: SchedulerOrder): Command => ({
  usage: "[options]",
  about: `${about}\nFor operators; asks the server's REST API.`,
  options: [{ name: "reason", value: "TEXT", doc: reasonDoc }, adminTokenOption, restOption, serverOption],
  operands: [],
  examples,
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value } = invocation;
    const rest = restAddress(value("rest"), value("server"), invocation.load().config);
    const body = { reason: value("reason") ?? "" };
    const status = await postJson(rest, `/api/v1/scheduler/${name}`, body, await operatorToken(invocation));
    world.stdout.write(json ? `${safeJson(status, 2)}\n` : describe(status));
    return Exit.ok;
  },
});

function describe(status: JsonObject): string {
  const reason = textOf(status, "pause_reason");
  const waiting = plural(numberOf(status, "waiting_for_node"), "job waits for a node", "jobs wait for a node");
  return `The scheduler is ${textOf(status, "state")}${reason === "" ? "" : `: ${reason}`}; ${waiting}.\n`;
}
