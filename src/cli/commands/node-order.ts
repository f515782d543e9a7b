/** What cordon, drain, uncordon, ban and unban have in common: one order to one node, and how the node stands then. */
import { parseNodeId } from "../../domain/ids.ts";
import { restAddress, restOption, serverOption } from "../client/address.ts";
import { adminTokenOption, operatorToken } from "../client/operator.ts";
import { type JsonObject, objectsOf, postJson, textOf } from "../client/rest.ts";
import type { Command, Invocation, OptionSpec } from "../command.ts";
import { UsageError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";
import { plural } from "../text/units.ts";

export interface NodeOrder {
  /** As in the path of the REST route. */
  readonly name: "cordon" | "drain" | "uncordon" | "ban" | "unban";
  readonly about: string;
  readonly reasonDoc: string;
  readonly options?: readonly OptionSpec[];
  readonly examples: Command["examples"];
  /** Fields of the body besides the reason. @throws UsageError */
  readonly fields?: (invocation: Invocation) => JsonObject;
}

export const nodeOrder = ({ name, about, reasonDoc, options = [], examples, fields }: NodeOrder): Command => ({
  usage: "<node-id> [options]",
  about: `${about}\nFor operators; asks the server's REST API.`,
  options: [...options, { name: "reason", value: "TEXT", doc: reasonDoc }, adminTokenOption, restOption, serverOption],
  operands: ["the node's id"],
  examples,
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value } = invocation;
    const id = nodeIdOf(invocation);
    const body = { reason: value("reason") ?? "", ...fields?.(invocation) };
    const rest = restAddress(value("rest"), value("server"), invocation.load().config);
    const node = await postJson(rest, `/api/v1/nodes/${id}/${name}`, body, await operatorToken(invocation));
    world.stdout.write(json ? `${safeJson(node, 2)}\n` : describe(node, invocation));
    return Exit.ok;
  },
});

function nodeIdOf({ operands }: Invocation): string {
  const [given = ""] = operands;
  const id = parseNodeId(given.trim());
  if (id !== null) return id;
  throw new UsageError(
    `the node's id is a UUID such as 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11, and ${JSON.stringify(given.slice(0, 60))} is none`,
    "`cyxwiz nodes` lists the ids.",
  );
}

/** Its state, what its owner is told, and whether anything still runs there. */
function describe(node: JsonObject, { world }: Invocation): string {
  const style = styleFor(world.stdout, world.environment);
  const running = objectsOf(node.live_attempts).length;
  const notice = textOf(node, "notice");
  const lines = [
    `${textOf(node, "name")} (${textOf(node, "id")}) is ${style.accent(textOf(node, "state"))}`,
    ...(notice === "" ? [] : [`  its owner is told: ${notice}`]),
    running === 0
      ? "  nothing runs on it"
      : `  ${plural(running, "job")} still ${running === 1 ? "runs" : "run"} on it`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}
