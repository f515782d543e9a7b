import { restAddress, restOption, serverOption } from "../client/address.ts";
import { adminTokenOption, operatorToken } from "../client/operator.ts";
import { getJson, isObject, type JsonObject, objectsOf, postJson, textOf } from "../client/rest.ts";
import type { Command, Invocation } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";
import { type Column, renderTable } from "../text/table.ts";
import { tokensText } from "../text/units.ts";
import { jobIdOf } from "./job-id.ts";

export const command: Command = {
  usage: "<job-id> [options]",
  about:
    "Shows where the money of a job is that is paid through escrow: its state, every movement, and what is in the way.\n" +
    "A payment fails when the chain refuses what must be possible. Nothing is lost then, and nothing goes on until an operator has it go on with --retry; that pays nothing twice. Asks the server's REST API.",
  options: [
    { name: "retry", doc: "have a payment that failed go on (operators)" },
    adminTokenOption,
    restOption,
    serverOption,
  ],
  operands: ["the job's id"],
  examples: [
    ["payment 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11", "where its money is"],
    ["payment 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --retry", "after the cause is mended"],
  ],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value, has } = invocation;
    const path = `/api/v1/jobs/${jobIdOf(invocation)}/payment`;
    const rest = restAddress(value("rest"), value("server"), invocation.load().config);
    const payment = has("retry")
      ? await postJson(rest, `${path}/retry`, {}, await operatorToken(invocation))
      : await getJson(rest, path);
    world.stdout.write(json ? `${safeJson(payment, 2)}\n` : page(payment, invocation));
    return Exit.ok;
  },
};

function page(payment: JsonObject, { world }: Invocation): string {
  const style = styleFor(world.stdout, world.environment);
  const { problem } = payment;
  const lines = [
    `state    ${style.accent(textOf(payment, "state"))}`,
    `price    ${amountOf(payment)}`,
    `payer    ${textOf(payment, "user_wallet")}`,
    ...(isObject(problem) ? [`problem  ${textOf(problem, "message")}`] : []),
  ];
  const columns: readonly Column<JsonObject>[] = [
    { title: "FROM", cell: (one) => textOf(one, "debit"), shrinksTo: 16 },
    { title: "TO", cell: (one) => textOf(one, "credit"), shrinksTo: 16 },
    { title: "TOKENS", cell: amountOf, align: "right" },
    { title: "SIGNATURE", cell: (one) => textOf(one, "signature"), shrinksTo: 12, dispensable: 1 },
  ];
  const width = world.stdout.isTTY ? world.stdout.columns : Number.POSITIVE_INFINITY;
  const ledger = objectsOf(payment.ledger);
  const movements = ledger.length === 0 ? "nothing has moved" : renderTable(columns, ledger, width, style);
  return `${lines.join("\n")}\n\n${movements}\n`;
}

const amountOf = (one: JsonObject): string => tokensText(textOf(one, "amount"));
