/** The example of docs/runtime.md, run as it stands there. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ActorSystem } from "../../../src/actors/runtime/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { quietLog } from "../../support/quiet.ts";
import { letterKind } from "./letter.ts";

function newSystem(journal: MemoryJournal, clock: FakeClock): ActorSystem {
  return new ActorSystem({
    clock,
    journal,
    log: quietLog,
    outsideGrace: 1000,
    maxPending: 1000,
    onDeposed: () => {},
  });
}

test("the example works as the documentation says", async () => {
  const [journal, clock] = [new MemoryJournal(), new FakeClock()];
  const posted: string[] = [];
  const post = async (to: string, key: string): Promise<void> => void posted.push(`${key} to ${to}`);
  const system = newSystem(journal, clock);
  // #region use
  const letters = system.register(letterKind(post));
  await system.recover(); // reads the live rows of every registered kind
  system.start(); // deadlines run, owed effects are done, asks are taken

  const { created } = await letters.create("l-1", { to: "Ada" }); // committed; the effect "post" follows by itself
  await letters.create("l-2", { to: "Bob" });
  // #endregion
  expect(created).toBe(true);
  await clock.advance(10);
  expect(posted).toEqual(["letter/l-1/post to Ada", "letter/l-2/post to Bob"]);
  // #region ask
  const answered = await letters.ask("l-1", { type: "ANSWERED" });
  // answered.state is "answered", answered.finished is true: the actor has left memory
  // #endregion
  expect(answered).toMatchObject({ state: "answered", finished: true, version: 3 });
  expect(letters.size).toBe(1);
  await system.stop();

  // Another process finds the other letter, and its deadline.
  const next = newSystem(journal, clock);
  const found = next.register(letterKind(post));
  await next.recover();
  next.start();
  expect(found.peek("l-2")?.state).toBe("posted");
  await clock.advance(3_600_000);
  expect(journal.rows.get("letter/l-2")).toMatchObject({ state: "lost", finished: true });
  expect(posted).toHaveLength(2);
});

test("the documentation shows the example as it is tested", async () => {
  const here = import.meta.dir;
  const [kind, use, document] = await Promise.all(
    [join(here, "letter.ts"), import.meta.path, join(here, "../../../docs/runtime.md")].map((path) =>
      Bun.file(path).text(),
    ),
  );
  expect(document).toContain(kind!.replace("../../../src/actors/runtime/index.ts", "../runtime/index.ts").trimEnd());
  const regions = [...use!.matchAll(/^ {2}\/\/ #region \w+\n([\s\S]*?)^ {2}\/\/ #endregion/gm)];
  expect(regions).toHaveLength(2);
  for (const [, region] of regions) expect(document).toContain(region!.replaceAll(/^ {2}/gm, "").trimEnd());
});
