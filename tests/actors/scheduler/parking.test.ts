/** Jobs that fit nowhere for now: they block nobody, and are placed by exactly the change that lets them in. */
import { describe, expect, test } from "bun:test";
import { gangSizeOf, type JobSpec } from "../../../src/domain/job-spec.ts";
import { settle } from "../../support/fake-clock.ts";
import { seeded } from "../../support/seeded.ts";
import { closeStagesAfterEach, GIB, HEARTBEAT_TIMEOUT, profile, Stage } from "./stage.ts";

closeStagesAfterEach();

const cordon = (stage: Stage, id: string) =>
  stage.core.nodes.ask(id, { type: "CORDON", reason: "disk", by: "operator" });
const uncordon = (stage: Stage, id: string) =>
  stage.core.nodes.ask(id, { type: "UNCORDON", reason: "mended", by: "operator" });

describe("a parked job", () => {
  test("starts when a node is uncordoned", async () => {
    const stage = await Stage.open();
    await stage.node("node");
    await cordon(stage, "node");
    const job = await stage.submit();
    await settle();
    expect(stage.explain(job)).toMatchObject({
      reason: "nodes_unavailable",
      summary: "0 of 1 node could take it now: 1 is cordoned",
      wouldHelp: ["uncordon 1 node that could run it"],
    });
    await uncordon(stage, "node");
    await settle();
    expect(stage.nodeOf(job)).toBe("node");
  });

  test("starts when a node registers anew with more than before", async () => {
    const stage = await Stage.open();
    await stage.node("node", { ramBytes: 2 * GIB });
    const job = await stage.submit({ spec: { memoryBytes: 8 * GIB } });
    await settle();
    await stage.core.nodes.ask("node", {
      type: "REGISTERED",
      profile: profile({ ramBytes: 16 * GIB }),
      policy: { heartbeatTimeout: HEARTBEAT_TIMEOUT, gracePeriod: 30_000 },
      bootId: "boot-2",
    });
    await settle();
    expect(stage.nodeOf(job)).toBe("node");
  });

  test("that was cancelled leaves the room it was meant for to the next that fits", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    const running = await stage.submit();
    await settle();
    const first = await stage.submit();
    const second = await stage.submit({ spec: { memoryBytes: 2 * GIB } });
    await settle();
    expect(stage.core.broker.parked).toBe(2);
    // The room comes free and the job it would go to is cancelled in the same breath.
    const cancelled = stage.core.jobs.ask(first, { type: "CANCEL", reason: "" });
    await Promise.all([stage.complete(running), cancelled]);
    await settle();
    expect([stage.stateOf(first), stage.nodeOf(second)]).toEqual(["cancelled", "node"]);
  });

  test("gets the node that came free though a bigger one before it found it too small", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1, ramBytes: 8 * GIB });
    const running = await stage.submit();
    await settle();
    const big = await stage.submit({ spec: { memoryBytes: 9 * GIB, priority: "critical" } });
    const fitting = await stage.submit({ spec: { memoryBytes: 8 * GIB, priority: "low" } });
    await stage.complete(running);
    await settle();
    expect([stage.nodeOf(big), stage.nodeOf(fitting)]).toEqual([null, "node"]);
  });

  test("goes first to the node that came free if it has waited longest, whatever comes new", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    const running = await stage.submit();
    await settle();
    const old = await stage.submit();
    await stage.clock.advance(100);
    const [fresh] = await Promise.all([stage.submit(), stage.complete(running)]);
    await settle();
    expect([stage.nodeOf(old), stage.nodeOf(fresh)]).toEqual(["node", null]);
  });
});

describe("the node that failed my job", () => {
  const failing = async (stage: Stage, jobId: string): Promise<void> => {
    const live = stage.job(jobId)!.live!;
    await stage.core.reports.failed({ nodeId: live.nodeId, jobId, attempt: live.number }, "out of memory", false);
    await stage.pass(10_000);
  };

  test("does not get it twice in a row while another fits", async () => {
    const stage = await Stage.open();
    await stage.node("good", { slots: 1 }, 90);
    await stage.node("worse", { slots: 1 }, 60);
    const job = await stage.submit({ policy: { exclusion: 0 } });
    await settle();
    expect(stage.nodeOf(job)).toBe("good");
    await failing(stage, job);
    expect(stage.nodeOf(job)).toBe("worse");
    await failing(stage, job);
    expect(stage.nodeOf(job)).toBe("good");
  });

  test("gets it again when no other fits", async () => {
    const stage = await Stage.open();
    await stage.node("only", { slots: 1 });
    await stage.node("tiny", { slots: 1, ramBytes: GIB / 2 });
    const job = await stage.submit({ policy: { exclusion: 0 } });
    await settle();
    await failing(stage, job);
    expect(stage.nodeOf(job)).toBe("only");
    expect(stage.job(job)?.attempt).toBe(2);
  });
});

for (const seed of [11, 12, 13, 14, 15, 16]) {
  test(`nobody waits for what is there, whatever happens (seed ${seed})`, async () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const limit = pick([Number.POSITIVE_INFINITY, 2]);
    const stage = await Stage.open({ fairness: { weightOf: () => 1, maxRunningPerOwner: limit, patience: 60_000 } });
    const { broker } = stage.core;
    const nodeIds = Array.from({ length: 8 }, (_, index) => `node-${index}`);
    const someProfile = () => ({
      slots: 1 + below(3),
      ramBytes: (1 + below(6)) * GIB,
      region: pick(["eu", "us"]),
      formats: pick([[], ["onnx"]]),
    });
    for (const id of nodeIds) await stage.node(id, someProfile(), 60 + below(40));
    stage.answer = () => {
      if (random() < 0.8) return { accepted: true };
      return { accepted: false, outcome: pick(["rejected", "no_answer"] as const), message: "" };
    };
    const someSpec = (): Partial<JobSpec> => ({
      memoryBytes: below(7) * GIB,
      priority: pick(["low", "normal", "high"] as const),
      ...(random() < 0.2 && { gang: { size: 2 + below(3), topology: pick(["any", "region"] as const) } }),
      ...(random() < 0.3 && {
        requirements: pick([
          { regions: ["eu"] },
          { format: "onnx" },
          { minReputation: 50 + below(50) },
          { regions: ["mars"] },
        ]),
      }),
    });
    let parked = 0;
    for (let step = 0; step < 120; step++) {
      const turn = below(9);
      const jobs = [...stage.core.jobs.live()].map(({ ref }) => ref.id);
      if (turn < 4) void stage.submit({ owner: `owner-${below(4)}`, spec: someSpec() });
      else if (turn < 6) {
        const running = jobs.filter((id) => stage.stateOf(id) === "assigned.accepted");
        if (running.length > 0) void stage.complete(pick(running)).catch(() => {});
      } else if (turn === 6 && jobs.length > 0) {
        if (random() < 0.4) void stage.core.jobs.ask(pick(jobs), { type: "CANCEL", reason: "" }).catch(() => {});
      } else if (turn === 7) {
        const id = pick(nodeIds);
        void (random() < 0.5 ? cordon(stage, id) : uncordon(stage, id)).catch(() => {});
      } else await stage.pass(below(8000));
      if (random() < 0.5) continue;
      // Several refusals in a row, each with its commits.
      await settle(100);
      for (const job of stage.core.jobs.live()) {
        if (job.state !== "pending.queued") continue;
        const explanation = broker.explain(job);
        const { spec, owner } = job.snapshot.context;
        if (explanation.reason === "owner_limit") {
          expect(broker.runningOf(owner)).toBeGreaterThanOrEqual(limit);
          continue;
        }
        parked += 1;
        if (gangSizeOf(spec) === 1) expect(explanation.nodes.fitting).toBe(0);
        expect(["no_capacity", "no_matching_node", "nodes_unavailable", "gang_incomplete"]).toContain(
          explanation.reason as string,
        );
      }
      expect(stage.overfull()).toEqual([]);
    }
    expect(parked).toBeGreaterThan(20);
  }, 20_000);
}
