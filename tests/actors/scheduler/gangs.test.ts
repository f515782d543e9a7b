/** Jobs that run on several nodes at once: on all of them or on none. */
import { describe, expect, test } from "bun:test";
import { settle } from "../../support/fake-clock.ts";
import { closeStagesAfterEach, GIB, Stage } from "./stage.ts";

closeStagesAfterEach();

const gang = (size: number, topology: "any" | "region" = "any") => ({ gang: { size, topology } }) as const;

const membersOf = (stage: Stage, jobId: string) => stage.job(jobId)?.live?.members?.map(({ nodeId }) => nodeId) ?? null;

const held = (stage: Stage, nodes: readonly string[]) =>
  nodes.map((id) => [...stage.core.broker.pool.attemptsOn(id)].length);

describe("a gang", () => {
  test("never holds nodes while it waits for the rest", async () => {
    const stage = await Stage.open();
    await stage.node("a", { slots: 1 });
    await stage.node("b", { slots: 1 });
    const waiting = await stage.submit({ spec: { ...gang(3), priority: "critical" } });
    await settle();
    expect(held(stage, ["a", "b"])).toEqual([0, 0]);
    // Others use the nodes meanwhile.
    const single = await stage.submit({ spec: { priority: "low" } });
    await settle();
    expect(stage.nodeOf(single)).not.toBeNull();
    expect(stage.explain(waiting)).toMatchObject({
      reason: "gang_incomplete",
      summary: "it needs 3 nodes at a time; 1 of 2 nodes could take it now: 1 has no free slot",
    });
    expect(stage.explain(waiting).wouldHelp[0]).toBe("1 more node that could run it: it needs 3, and there are 2");
    await stage.complete(single);
    await stage.node("c", { slots: 1 });
    await settle();
    expect(new Set(membersOf(stage, waiting))).toEqual(new Set(["a", "b", "c"]));
    expect(held(stage, ["a", "b", "c"])).toEqual([1, 1, 1]);
  });

  test("is not told to wait for busy nodes when all there are would not be enough", async () => {
    const stage = await Stage.open();
    for (const id of ["a", "b"]) await stage.node(id, { slots: 1 });
    for (let job = 0; job < 2; job++) await stage.submit();
    await settle();
    const waiting = await stage.submit({ spec: gang(3) });
    const pair = await stage.submit({ spec: gang(2) });
    await settle();
    expect(stage.explain(waiting).reason).toBe("gang_incomplete");
    expect(stage.explain(waiting).wouldHelp[0]).toBe("1 more node that could run it: it needs 3, and there are 2");
    expect(stage.explain(pair).reason).toBe("no_capacity");
  });

  test("is placed in one offer, and every member is told its rank", async () => {
    const stage = await Stage.open();
    for (const id of ["a", "b", "c"]) await stage.node(id);
    const job = await stage.submit({ spec: gang(3) });
    await settle();
    expect(stage.job(job)?.attempt).toBe(1);
    expect(stage.offers.map((offer) => [offer.target.nodeId, offer.gang?.rank, offer.gang?.size])).toEqual(
      membersOf(stage, job)!.map((nodeId, rank) => [nodeId, rank, 3]),
    );
  });

  test("takes the last of its nodes when it comes free, and then the next gang gets its turn", async () => {
    const stage = await Stage.open();
    for (const id of ["a", "b"]) await stage.node(id, { slots: 1 });
    const [one, two] = [await stage.submit(), await stage.submit()];
    await settle();
    const [first, second] = [await stage.submit({ spec: gang(2) }), await stage.submit({ spec: gang(2) })];
    await stage.complete(one);
    await settle();
    expect([membersOf(stage, first), membersOf(stage, second)]).toEqual([null, null]);
    await stage.complete(two);
    await settle();
    expect(membersOf(stage, first)?.length).toBe(2);
    expect(membersOf(stage, second)).toBeNull();
    await stage.cancel(first);
    expect(membersOf(stage, second)?.length).toBe(2);
  });

  test("two of the same shape are both placed by one change that lets both in", async () => {
    const stage = await Stage.open();
    await stage.node("a", { slots: 2 });
    const jobs = [await stage.submit({ spec: gang(2) }), await stage.submit({ spec: gang(2) })];
    await settle();
    await stage.node("b", { slots: 2 });
    await settle();
    expect(jobs.map((id) => membersOf(stage, id)?.length)).toEqual([2, 2]);
  });

  test("that is refused by one node gives all of them back", async () => {
    const stage = await Stage.open();
    for (const id of ["a", "b"]) await stage.node(id, { slots: 1 });
    stage.answer = ({ target }) =>
      target.nodeId === "b" ? { accepted: false, outcome: "rejected", message: "" } : { accepted: true };
    const job = await stage.submit({ spec: gang(2) });
    await settle();
    expect([stage.stateOf(job), held(stage, ["a", "b"])]).toEqual(["pending.queued", [0, 0]]);
    const single = await stage.submit();
    await settle();
    expect(stage.nodeOf(single)).not.toBeNull();
  });

  test("in one region waits for enough nodes in one, and says so", async () => {
    const stage = await Stage.open();
    await stage.node("e1", { region: "EU" });
    await stage.node("u1", { region: "us" });
    const job = await stage.submit({ spec: gang(2, "region") });
    await settle();
    expect(stage.explain(job)).toMatchObject({
      reason: "gang_incomplete",
      summary: "it needs 2 nodes at a time in one region; 2 of 2 nodes could take it now",
    });
    expect(stage.explain(job).wouldHelp[0]).toBe(
      "1 more node free at the same time in one region: it needs 2, and 1 could take it now in eu",
    );
    await stage.node("u2", { region: "US" });
    await settle();
    expect(new Set(membersOf(stage, job))).toEqual(new Set(["u1", "u2"]));
  });

  test("weighs as much as all its members in the share of its owner", async () => {
    const stage = await Stage.open();
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "" });
    for (const id of ["a", "b", "c"]) await stage.node(id, { slots: 2, ramBytes: 64 * GIB });
    await stage.submit({ owner: "gangs", spec: gang(3) });
    await stage.submitMany(5, { owner: "gangs" });
    await stage.clock.advance(10);
    await stage.submitMany(5, { owner: "singles" });
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    // Three slots by one gang, three by single jobs.
    expect([stage.core.broker.runningOf("gangs"), stage.core.broker.runningOf("singles")]).toEqual([1, 3]);
  });
});
