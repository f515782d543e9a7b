import { expect, test } from "bun:test";

const read = (path: string): Promise<string> => Bun.file(new URL(`../../../${path}`, import.meta.url)).text();

/** The members of a union of string literals, in the source. */
function membersOf(source: string, type: string): string[] {
  const code = source.replaceAll(/\/\*\*.*?\*\//gs, "");
  const body = code.split(`type ${type} =`)[1]?.split(";")[0] ?? "";
  return [...body.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? "");
}

test("docs/job-lifecycle.md names every code there is", async () => {
  const doc = await read("docs/job-lifecycle.md");
  const state = await read("src/actors/job/state.ts");
  const placement = await read("src/domain/placement.ts");
  const lists = [
    membersOf(state, "AttemptOutcome"),
    membersOf(state, "FailureCode"),
    membersOf(placement, "Unavailable"),
    membersOf(placement, "Unfit"),
  ];
  expect(lists.map(({ length }) => length)).toEqual([13, 9, 8, 12]);
  for (const name of lists.flat()) expect(doc).toContain(`\`${name}\``);
});

test("and every event of a job", async () => {
  const doc = await read("docs/job-lifecycle.md");
  const state = await read("src/actors/job/state.ts");
  const events = new Set([...state.matchAll(/type: "([A-Z_]+)"/g)].map(([, name]) => name));
  expect(events.size).toBe(18);
  for (const name of events) expect(doc).toContain(`\`${name}\``);
});
