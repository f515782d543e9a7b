/** Explanations and plans as pages for people, from the REST API's JSON. */
import { NODE_REASONS } from "../transport/reason-codes.ts";
import { isObject, type JsonObject, numberOf, objectsOf, textOf } from "./client/rest.ts";
import { safe } from "./text/safe.ts";
import type { Style } from "./text/style.ts";
import { type Column, renderPairs, renderTable } from "./text/table.ts";
import { duration, plural, timeOfDay, tokensText } from "./text/units.ts";

export interface Paper {
  readonly style: Style;
  /** Columns; infinite where it is no terminal. */
  readonly width: number;
  readonly now: number;
}

type Pair = readonly [name: string, value: string];

export function explanationPage(explanation: JsonObject, paper: Paper): string {
  const { queue, failure } = explanation;
  const reason = textOf(explanation, "reason");
  const position = isObject(queue) ? numberOf(queue, "position") : Number.NaN;
  const length = isObject(queue) ? textOf(queue, "length") : "";
  const pairs: readonly (Pair | null)[] = [
    ["job", textOf(explanation, "job_id")],
    ["state", textOf(explanation, "state")],
    pair("reason", isObject(failure) ? textOf(failure, "code") : reason),
    ["why", textOf(explanation, "summary")],
    isObject(queue)
      ? ["queue", Number.isNaN(position) ? `far back among ${length}` : `number ${position} of ${length}`]
      : null,
    pair("until", whenText(textOf(explanation, "until"), paper)),
    pair("last attempt", lastAttemptText(explanation.last_attempt)),
  ];
  return page([pairsText(pairs, paper), ...sections(explanation, paper)]);
}

export function planPage(plan: JsonObject, paper: Paper): string {
  const start = isObject(plan.expected_start) ? plan.expected_start : {};
  const needed = numberOf(plan, "nodes_needed");
  const pairs: readonly (Pair | null)[] = [
    ["price", `${tokensText(textOf(plan, "price"))} tokens`],
    needed > 1 ? ["nodes", `${needed} at a time`] : null,
    ["start", startText(textOf(start, "kind"), whenText(textOf(start, "at"), paper))],
    pair("reason", textOf(plan, "reason")),
    ["why", textOf(plan, "summary")],
  ];
  return page([pairsText(pairs, paper), ...sections(plan, paper)]);
}

const pair = (name: string, value: string): Pair | null => (value === "" ? null : [name, value]);

const page = (parts: readonly (string | null)[]): string => `${parts.filter((part) => part !== null).join("\n\n")}\n`;

const pairsText = (pairs: readonly (Pair | null)[], { style }: Paper): string =>
  renderPairs(
    pairs.filter((one) => one !== null),
    style,
  );

function sections(source: JsonObject, paper: Paper): readonly (string | null)[] {
  return [nodesText(source.nodes, paper), candidatesText(source.candidates, paper), helpText(source.would_help, paper)];
}

function nodesText(nodes: unknown, { style, width }: Paper): string | null {
  if (!isObject(nodes)) return null;
  const [total, fitting] = [numberOf(nodes, "total"), numberOf(nodes, "fitting")];
  const ruledOut = objectsOf(nodes.ruled_out);
  const head = `${style.bold("Nodes")}  ${total} in all, ${fitting} could take it now`;
  if (ruledOut.length === 0) return head;
  const columns: readonly Column<JsonObject>[] = [
    { title: "NODES", cell: (row) => textOf(row, "nodes"), align: "right" },
    { title: "RULED OUT BY", cell: (row) => textOf(row, "reason") },
    { title: "MEANING", cell: (row) => meaningOf(textOf(row, "reason")), shrinksTo: 12, dispensable: 1 },
  ];
  return `${head}\n${renderTable(columns, ruledOut, width, style)}`;
}

/** Of a newer server's reason this program knows the name only. */
function meaningOf(reason: string): string {
  const meanings: Readonly<Record<string, string>> = NODE_REASONS;
  return Object.hasOwn(meanings, reason) ? (meanings[reason] ?? "") : "";
}

function candidatesText(candidates: unknown, { style, width }: Paper): string | null {
  const rows = objectsOf(candidates);
  if (rows.length === 0) return null;
  const term = (title: string, name: string): Column<JsonObject> => ({
    title,
    cell: (row) => (isObject(row.terms) ? shareText(numberOf(row.terms, name)) : ""),
    align: "right",
    dispensable: 1,
  });
  const columns: readonly Column<JsonObject>[] = [
    { title: "NODE", cell: (row) => textOf(row, "node_id"), shrinksTo: 8 },
    { title: "NAME", cell: (row) => textOf(row, "name"), shrinksTo: 6, dispensable: 2 },
    { title: "REGION", cell: (row) => textOf(row, "region"), shrinksTo: 6, dispensable: 3 },
    { title: "SCORE", cell: (row) => shareText(numberOf(row, "score")), align: "right" },
    term("REPUTATION", "reputation"),
    term("AVAILABLE", "availability"),
    term("CAPABILITY", "capability"),
    term("UPTIME", "uptime"),
  ];
  const used = columns.filter(({ cell }) => rows.some((row) => cell(row) !== ""));
  return `${style.bold("Best candidates")}\n${renderTable(used, rows, width, style)}`;
}

const shareText = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : "");

function helpText(help: unknown, { style }: Paper): string | null {
  const lines = Array.isArray(help) ? help.filter((one) => typeof one === "string") : [];
  if (lines.length === 0) return null;
  return [style.bold("What would help"), ...lines.map((line) => `  - ${safe(line)}`)].join("\n");
}

function lastAttemptText(attempt: unknown): string {
  if (!isObject(attempt)) return "";
  const message = textOf(attempt, "message");
  const ended = Date.parse(textOf(attempt, "ended_at"));
  const at = Number.isNaN(ended) ? "" : ` at ${timeOfDay(new Date(ended))}`;
  const nodes = Array.isArray(attempt.node_ids) ? attempt.node_ids.length : 1;
  const where = nodes > 1 ? `on ${plural(nodes, "node")}` : `on ${textOf(attempt, "node_id")}`;
  return `number ${textOf(attempt, "number")} ${where}: ${textOf(attempt, "outcome")}${message === "" ? "" : ` (${message})`}${at}`;
}

/** "2026-11-24 15:04:05Z, in 10 min". */
function whenText(iso: string, { now }: Paper): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return "";
  const left = at - now;
  return `${timeOfDay(new Date(at))}${left > 0 ? `, in ${duration(left)}` : ""}`;
}

function startText(kind: string, at: string): string {
  switch (kind) {
    case "now":
      return "at once";
    case "after_others":
      return at === "" ? "after others" : `after others, at about ${at}`;
    default:
      return "nothing tells when";
  }
}
