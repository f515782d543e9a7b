import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { SourceOptions } from "../../../src/agent/training/dataset/source.ts";
import { readText } from "../../../src/agent/training/dataset/source.ts";
import { defaultLimits } from "../../../src/agent/training/job.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cyxwiz-source-"));
  mkdirSync(join(directory, "data"));
  writeFileSync(join(directory, "data", "a.csv"), "1,x\n");
  writeFileSync(join(directory, "data", "a.csv.gz"), gzipSync("1,zipped\n"));
  writeFileSync(join(directory, "secret"), "secret");
  symlinkSync(join(directory, "secret"), join(directory, "data", "link.csv"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function read(uri: string, changes: Partial<SourceOptions> = {}): Promise<string> {
  return readText(uri, {
    field: "dataset_uri",
    files: "any",
    limits: defaultLimits,
    signal: new AbortController().signal,
    ...changes,
  });
}

describe("built-in names", () => {
  test("work with and without the scheme", async () => {
    expect(await read("builtin:iris")).toBe(await read("iris"));
  });
  test("that do not exist are answered with those that do", async () => {
    await expect(read("builtin:mnist")).rejects.toThrow(
      'dataset_uri: "builtin:mnist" is not a built-in dataset; use builtin:iris, builtin:digits, builtin:wine or builtin:breast-cancer',
    );
  });
});

describe("local files", () => {
  test("are read by path and by file: address, unpacked when gzipped", async () => {
    const path = join(directory, "data", "a.csv");
    expect(await read(path)).toBe("1,x\n");
    expect(await read(`file:${path}`)).toBe("1,x\n");
    expect(await read(pathToFileURL(path).href)).toBe("1,x\n");
    expect(await read(`${path}.gz`)).toBe("1,zipped\n");
  });
  test("are opened inside the allowed directories only, links followed", async () => {
    const files = [join(directory, "data")];
    expect(await read("a.csv", { files })).toBe("1,x\n");
    await expect(read(join(directory, "secret"), { files })).rejects.toThrow("outside this node's data directories");
    await expect(read("../secret", { files })).rejects.toThrow("outside this node's data directories");
    await expect(read("link.csv", { files })).rejects.toThrow("outside this node's data directories");
    await expect(read(join(directory, "no-such-file"), { files })).rejects.toThrow(
      "outside this node's data directories",
    );
    await expect(read("file:///etc/passwd", { files: [] })).rejects.toThrow("this node opens no local files to jobs");
  });
  test("that are missing, endless or too large are refused", async () => {
    await expect(read(join(directory, "none.csv"))).rejects.toThrow("could not be read (ENOENT)");
    await expect(read("/dev/zero")).rejects.toThrow("is not a regular file");
    const limits = { ...defaultLimits, maxInputBytes: 3 };
    await expect(read(join(directory, "data", "a.csv"), { limits })).rejects.toThrow("larger than the 3 bytes");
    await expect(
      read(join(directory, "data", "a.csv.gz"), { limits: { ...limits, maxInputBytes: 8 } }),
    ).rejects.toThrow("larger than");
  });
});

test("addresses of other kinds are unsupported", async () => {
  await expect(read("remote://engine/data")).rejects.toThrow("this node takes no data peer to peer");
  await expect(read("s3://bucket/data.csv")).rejects.toThrow('"s3://bucket/data.csv" is not supported');
});

describe("web addresses", () => {
  let server: ReturnType<typeof Bun.serve>;
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/data.csv") return new Response("1,web\n");
        if (pathname === "/moved") return Response.redirect("/data.csv", 302);
        if (pathname === "/loop") return Response.redirect("/loop", 302);
        if (pathname === "/local")
          return new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } });
        if (pathname === "/bomb")
          return new Response(gzipSync("0".repeat(1e6)), { headers: { "content-encoding": "gzip" } });
        if (pathname === "/hang") return new Response(new ReadableStream({ start() {} }));
        return new Response("no", { status: 404 });
      },
    });
  });
  afterAll(() => server.stop(true));
  const at = (path: string) => `http://127.0.0.1:${server.port}${path}`;

  test("are fetched, redirects followed", async () => {
    expect(await read(at("/data.csv"))).toBe("1,web\n");
    expect(await read(at("/moved"))).toBe("1,web\n");
  });
  test("that redirect for ever or to a local file are refused", async () => {
    await expect(read(at("/loop"))).rejects.toThrow("redirects more than 5 times");
    await expect(read(at("/local"))).rejects.toThrow("use http: or https:");
  });
  test("that answer with an error are refused by its number, without the query they carry", async () => {
    await expect(read(at("/none?token=s3cret"))).rejects.toThrow('/none?..." answered 404');
  });
  test("that inflate past the limit are refused", async () => {
    await expect(read(at("/bomb"), { limits: { ...defaultLimits, maxInputBytes: 10_000 } })).rejects.toThrow(
      "larger than the 10000 bytes",
    );
  });
  test("that hang are given up at the deadline, or at once when the job is cancelled", async () => {
    await expect(read(at("/hang"), { limits: { ...defaultLimits, downloadTimeout: 50 } })).rejects.toThrow(
      "more than 0.05 s",
    );
    const controller = new AbortController();
    const reading = read(at("/hang"), { signal: controller.signal });
    controller.abort();
    await expect(reading).rejects.toThrow("the job was cancelled");
  });
  test("that nobody answers are refused", async () => {
    await expect(read("http://127.0.0.1:1/data.csv")).rejects.toThrow("could not be fetched");
  });
});
