/** Pages of a list: `limit` with either `cursor` (stable while rows come and go) or `page` (kept for old clients). */
import { invalid } from "../../domain/refusal.ts";
import type { Page, PageRequest } from "../../store/queries/index.ts";
import type { RestContext } from "./deps.ts";
import { one, wholeNumber } from "./request.ts";
import type { Parameter } from "./route.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
/** The database reads every skipped row; beyond this only the cursor is reasonable. */
const MAX_SKIPPED = 1_000_000;

export const pageParameters: readonly Parameter[] = [
  {
    name: "limit",
    in: "query",
    description: "Rows to answer with.",
    schema: { type: "integer", minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  },
  {
    name: "cursor",
    in: "query",
    description:
      'Where the page before ended: taken from its `Link: <…>; rel="next"` header. Nothing is skipped or repeated when rows are added meanwhile.',
    schema: { type: "string" },
  },
  {
    name: "page",
    in: "query",
    description:
      "The number of the page, for clients that count. Rows may shift between pages; `cursor` has no such flaw.",
    schema: { type: "integer", minimum: 1, default: 1 },
  },
];

export function pageRequest(context: RestContext): PageRequest {
  const limit = wholeNumber(context, "limit", { min: 1, max: MAX_LIMIT, or: DEFAULT_LIMIT });
  const after = one(context, "cursor");
  if (after !== undefined) {
    if (one(context, "page") !== undefined) throw invalid("page", "can not be combined with cursor; send one of them");
    return { limit, after };
  }
  const page = wholeNumber(context, "page", { min: 1, max: Math.floor(MAX_SKIPPED / limit) + 1, or: 1 });
  return page === 1 ? { limit } : { limit, offset: (page - 1) * limit };
}

export const pageHeaders: Readonly<Record<string, string>> = {
  "X-Total-Count": "How many rows the filters match in all.",
  Link: 'The next page, `<…>; rel="next"`; absent on the last one.',
};

/** Answers with the rows as they are, and says in headers how to go on. */
export function pageResponse(context: RestContext, page: Page<unknown>, total: number, body: unknown): Response {
  context.header("X-Total-Count", String(total));
  if (page.next !== null) context.header("Link", `<${nextUrl(context, page.next)}>; rel="next"`);
  return context.json(body);
}

/** Relative to the server, so that it also holds behind a proxy. */
function nextUrl(context: RestContext, next: string): string {
  const url = new URL(context.req.url);
  url.searchParams.delete("page");
  url.searchParams.set("cursor", next);
  return url.pathname + url.search;
}
