import { describe, expect, test } from "bun:test";
import type { RestDeps } from "../../../src/transport/rest/index.ts";
import { createRestApp } from "../../../src/transport/rest/index.ts";
import { openApiDocument } from "../../../src/transport/rest/openapi/document.ts";
import { schemas } from "../../../src/transport/rest/openapi/schemas.ts";
import { routes } from "../../../src/transport/rest/routes/index.ts";
import { quietLog } from "../../support/quiet.ts";

const deps = {
  log: quietLog,
  version: "1.2.3",
  limits: { maxBodyBytes: 1000, maxEventStreams: 1 },
} as unknown as RestDeps;
const document = openApiDocument(routes, "1.2.3");

describe("the OpenAPI document", () => {
  test("documents every registered route, and nothing else", () => {
    const registered = createRestApp(deps)
      .hono.routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(registered.sort());
  });

  test("has every route that the design lists", () => {
    const paths = Object.keys(document.paths);
    for (const path of [
      "/",
      "/api/health",
      "/api/stats",
      "/api/nodes",
      "/api/nodes/{id}",
      "/api/jobs",
      "/api/jobs/{id}",
      "/api/openapi.json",
      "/api/v1/health",
      "/api/v1/infrastructure/stats",
      "/api/v1/jobs",
      "/api/v1/jobs/{id}",
      "/api/v1/jobs/{id}/cancel",
      "/api/v1/jobs/{id}/events",
      "/api/v1/nodes",
      "/api/v1/nodes/{id}",
      "/api/v1/nodes/{id}/metrics",
      "/api/v1/scheduler/status",
      "/api/v1/scheduler/queue",
    ]) {
      expect(paths).toContain(path);
    }
  });

  test("refers only to schemas that exist, and uses each of them", () => {
    const text = JSON.stringify(document);
    const referred = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1] ?? ""));
    expect([...referred].sort()).toEqual(Object.keys(schemas).sort());
  });

  test("declares every path parameter, and gives each operation a name of its own", () => {
    for (const { path, parameters = [] } of routes) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
      expect(parameters.filter((one) => one.in === "path").map(({ name }) => name)).toEqual(inPath);
    }
    expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
  });

  test("is served", async () => {
    const response = await createRestApp(deps).hono.request("/api/openapi.json");
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });
});
