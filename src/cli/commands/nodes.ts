import { restAddress, restOption, serverOption } from "../client/address.ts";
import { getJson, isObject, type JsonObject, numberOf, textOf } from "../client/rest.ts";
import type { Command, Invocation } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";
import { type Column, renderTable } from "../text/table.ts";
import { duration, percent, plural } from "../text/units.ts";

export const command: Command = {
  usage: "[options]",
  about: "Lists compute nodes, newest registration first. Asks the server's REST API.",
  options: [
    { name: "status", value: "STATUS", doc: "only online, offline, busy, maintenance; several with commas" },
    { name: "limit", value: "N", doc: "at most so many (default: 50)" },
    { name: "cursor", value: "CURSOR", doc: "go on where the page before ended" },
    restOption,
    serverOption,
  ],
  operands: [],
  examples: [["nodes --status=online,busy", "who can run something"]],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value } = invocation;
    const query = new URLSearchParams();
    const parameters = [
      ["status", value("status")],
      ["limit", value("limit")],
      ["cursor", value("cursor")],
    ] as const;
    for (const [name, given] of parameters) if (given !== undefined) query.set(name, given);
    const rest = restAddress(value("rest"), value("server"), invocation.load().config);
    const page = await getJson(rest, `/api/v1/nodes${query.size === 0 ? "" : `?${query}`}`);
    if (json) {
      world.stdout.write(`${safeJson(page, 2)}\n`);
      return Exit.ok;
    }
    const nodes = Array.isArray(page.nodes) ? page.nodes.filter(isObject) : [];
    if (nodes.length === 0) {
      world.stderr.write("No nodes. Start one with `cyxwiz node`.\n");
      return Exit.ok;
    }
    world.stdout.write(tableOf(nodes, invocation));
    const next = textOf(page, "next_cursor");
    if (next !== "") world.stderr.write(`${plural(Number(page.total ?? 0), "node")} in all. More: --cursor=${next}\n`);
    return Exit.ok;
  },
};

/** Out of service: how, for "maintenance" is many things. */
const OUT_OF_SERVICE: ReadonlySet<string> = new Set(["cordoned", "draining", "drained", "set_aside", "banned"]);

function statusOf(node: JsonObject): string {
  const state = textOf(node, "state");
  return OUT_OF_SERVICE.has(state) ? state : textOf(node, "status");
}

function device(node: JsonObject): string {
  const gpu = textOf(node, "gpu_model");
  const cores = textOf(node, "cpu_cores");
  const ram = textOf(node, "ram_gb");
  return [gpu, cores === "" ? "" : `${cores} cores`, ram === "" ? "" : `${ram} GB`]
    .filter((part) => part !== "")
    .join(", ");
}

function tableOf(nodes: readonly JsonObject[], { world }: Invocation): string {
  const style = styleFor(world.stdout, world.environment);
  const heard = (node: JsonObject): string => {
    const at = Date.parse(textOf(node, "last_heartbeat"));
    return Number.isNaN(at) ? "" : `${duration(Math.max(0, world.clock.now() - at))} ago`;
  };
  const paint = (text: string, node: JsonObject): string => {
    const status = textOf(node, "status");
    if (status === "online") return style.good(text);
    return status === "offline" ? style.dim(text) : style.accent(text);
  };
  const columns: readonly Column<JsonObject>[] = [
    { title: "NODE", cell: (node) => textOf(node, "id"), dispensable: 3 },
    { title: "NAME", cell: (node) => textOf(node, "name"), shrinksTo: 8 },
    { title: "STATUS", cell: statusOf, paint },
    {
      title: "LOAD",
      cell: (node) => (Number.isNaN(numberOf(node, "current_load")) ? "" : percent(numberOf(node, "current_load"))),
      align: "right",
      dispensable: 1,
    },
    { title: "JOBS", cell: (node) => textOf(node, "jobs_completed"), align: "right", dispensable: 4 },
    { title: "MACHINE", cell: device, shrinksTo: 10, dispensable: 5 },
    { title: "REGION", cell: (node) => textOf(node, "region"), shrinksTo: 8, dispensable: 6 },
    { title: "HEARD", cell: heard, align: "right", dispensable: 2 },
  ];
  const used = columns.filter(({ cell }) => nodes.some((node) => cell(node) !== ""));
  return `${renderTable(used, nodes, world.stdout.isTTY ? world.stdout.columns : Number.POSITIVE_INFINITY, style)}\n`;
}
