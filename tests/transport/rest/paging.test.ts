import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Harness, register, startHarness, submit } from "./harness.ts";

let harness: Harness;
const submitted: string[] = [];
beforeAll(async () => {
  harness = await startHarness();
  // Many at once, so that several share their millisecond and the id has to break the tie.
  submitted.push(...(await Promise.all(Array.from({ length: 25 }, () => submit(harness, { awaitsFunds: true })))));
});
afterAll(() => harness.stop());

/** Follows the Link headers from `path`, calling `between` after each page. */
async function walk(path: string, between: (page: number) => Promise<unknown> = async () => {}): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | null = path; next !== null; ) {
    const { status, headers, body } = await harness.get(next);
    expect(status).toBe(200);
    pages.push((Array.isArray(body) ? body : (body.jobs ?? body.nodes)).map(({ id }: { id: string }) => id));
    next = /^<([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1] ?? null;
    await between(pages.length);
  }
  return pages;
}

describe("pages by cursor", () => {
  test("hold every job once, newest first, and end", async () => {
    for (const path of ["/api/jobs?limit=7", "/api/v1/jobs?limit=7"]) {
      const pages = await walk(path);
      expect(pages.map((page) => page.length)).toEqual([7, 7, 7, 4]);
      expect(pages.flat().sort()).toEqual([...submitted].sort());
    }
    const { body } = await harness.get("/api/v1/jobs?limit=100");
    const keys = body.jobs.map((job: { created_at: string; id: string }) => `${job.created_at} ${job.id}`);
    expect(keys).toEqual([...keys].sort().reverse());
  });

  test("keep the filters", async () => {
    await submit(harness, { owner: "dora", awaitsFunds: true });
    expect((await walk("/api/v1/jobs?limit=5&owner=alice&status=pending")).flat()).toHaveLength(25);
  });

  test("miss and repeat nothing while jobs are added and removed", async () => {
    const before = (await walk("/api/v1/jobs?limit=100")).flat();
    const removed: string[] = [];
    const pages = await walk("/api/v1/jobs?limit=5", async (page) => {
      await submit(harness, { owner: "late", awaitsFunds: true });
      // One that was shown already, and one that is still to come.
      for (const id of [before[page * 5 - 1], before[before.length - page]]) {
        if (id === undefined || removed.includes(id)) continue;
        removed.push(id);
        await harness.post(`/api/v1/jobs/${id}/cancel`);
        await harness.queries.jobs.delete(id);
      }
    });
    const seen = pages.flat();
    expect(new Set(seen).size).toBe(seen.length);
    expect(before.filter((id) => !removed.includes(id) && !seen.includes(id))).toEqual([]);
    expect(seen.filter((id) => !before.includes(id))).toEqual([]);
  });

  test("go through nodes as well", async () => {
    const ids = [];
    for (let index = 0; index < 5; index++) ids.push(await register(harness));
    for (const path of ["/api/nodes?limit=2", "/api/v1/nodes?limit=2"]) {
      const pages = await walk(path);
      expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
      expect(pages.flat().sort()).toEqual([...ids].sort());
    }
  });
});

describe("pages by number", () => {
  test("still work, tell the total, and are empty beyond the end", async () => {
    const all = (await harness.get("/api/jobs?limit=100")).body.map(({ id }: { id: string }) => id);
    const first = await harness.get("/api/jobs?page=1&limit=4");
    const second = await harness.get("/api/jobs?page=2&limit=4");
    expect([...first.body, ...second.body].map(({ id }: { id: string }) => id)).toEqual(all.slice(0, 8));
    expect(first.headers.get("x-total-count")).toBe(String(all.length));
    const beyond = await harness.get("/api/jobs?page=9999&limit=100");
    expect([beyond.status, beyond.body, beyond.headers.get("link")]).toEqual([200, [], null]);
  });

  test("lead on to a cursor", async () => {
    const { headers } = await harness.get("/api/jobs?page=2&limit=4");
    expect(headers.get("link")).toMatch(/^<\/api\/jobs\?limit=4&cursor=[\w-]+>; rel="next"$/);
  });
});
