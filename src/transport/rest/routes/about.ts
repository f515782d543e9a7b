/** The API about itself: its OpenAPI document, and a page that lists what there is. */
import { openApiDocument } from "../openapi/document.ts";
import { anyObject } from "../openapi/schema.ts";
import type { Route } from "../route.ts";

/** The two routes that describe the others, and themselves. */
export function aboutRoutes(others: readonly Route[]): readonly Route[] {
  const document: Route = {
    method: "GET",
    path: "/api/openapi.json",
    id: "getOpenApi",
    tag: "About",
    summary: "This API as an OpenAPI 3.1 document",
    reply: { description: "The document.", schema: anyObject },
    handle: (context, { version }) => context.json(openApiDocument(all, version)),
  };
  const home: Route = {
    method: "GET",
    path: "/",
    id: "getHome",
    tag: "About",
    summary: "A page that lists the endpoints",
    reply: { description: "The page.", type: "text/html" },
    handle: (context, { version }) => {
      context.header(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      );
      return context.html(page(all, version));
    },
  };
  const all: readonly Route[] = [...others, document, home];
  return [document, home];
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);

function page(routes: readonly Route[], version: string): string {
  const rows = routes.map(({ method, path, summary }) => {
    const shown = escapeHtml(path);
    const isLink = method === "GET" && !path.includes("{");
    return `<tr><td>${method}</td><td><code>${isLink ? `<a href="${shown}">${shown}</a>` : shown}</code></td><td>${escapeHtml(summary)}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CyxWiz Central Server</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
td { padding: .2rem 1rem .2rem 0; vertical-align: top }
</style>
</head>
<body>
<h1>CyxWiz Central Server</h1>
<p>Version ${escapeHtml(version)}. gRPC is served on a port of its own; this is the REST API.</p>
<table>
${rows.join("\n")}
</table>
</body>
</html>
`;
}
