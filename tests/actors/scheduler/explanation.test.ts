/** "Why is my job waiting?", and "what would become of this one?" (I10). */
import { describe, expect, test } from "bun:test";
import { unavailabilityOf } from "../../../src/actors/node/kind.ts";
import { JournalRejected } from "../../../src/actors/runtime/index.ts";
import { tokenText } from "../../../src/actors/scheduler/advice.ts";
import type { NodeReason } from "../../../src/actors/scheduler/explanation.ts";
import { demandOf, type JobSpec } from "../../../src/domain/job-spec.ts";
import type { Device } from "../../../src/domain/node-profile.ts";
import { crowded, lacks, roomLeft } from "../../../src/domain/placement.ts";
import { settle } from "../../support/fake-clock.ts";
import { device } from "../../support/fleet.ts";
import { seeded } from "../../support/seeded.ts";
import { closeStagesAfterEach, GIB, HEARTBEAT_TIMEOUT, policy, profile, Stage, spec } from "./stage.ts";

closeStagesAfterEach();

const card = (gigabytes: number): Device => device("cuda", gigabytes);

const needing = (requirements: JobSpec["requirements"], overrides: Partial<JobSpec> = {}): Partial<JobSpec> => ({
  ...overrides,
  ...(requirements && { requirements }),
});

/** What helps a job submitted now. */
async function helps(stage: Stage, overrides: Partial<JobSpec>): Promise<readonly string[]> {
  const id = await stage.submit({ spec: overrides });
  await settle();
  const { wouldHelp } = stage.explain(id);
  await stage.cancel(id);
  return wouldHelp;
}

describe("the explanation of a job", () => {
  test("that waits for money, or for its next try, says so and until when", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    await stage.core.jobs.create("00000009-funds", {
      id: "00000009-funds",
      spec: spec(),
      owner: "alice",
      userWallet: "",
      fingerprint: "f",
      price: "1",
      policy,
      awaitsFunds: true,
    });
    expect(stage.explain("00000009-funds")).toMatchObject({
      state: "pending.awaitingFunds",
      reason: "awaiting_funds",
      queue: null,
      wouldHelp: ["lock its price in escrow"],
      until: stage.clock.now() + policy.fundsTimeout,
    });
    const job = await stage.submit();
    await settle();
    await stage.core.reports.failed({ nodeId: "node", jobId: job, attempt: 1 }, "out of memory", false);
    const explanation = stage.explain(job);
    expect(explanation).toMatchObject({ state: "pending.backoff", reason: "retry_backoff", queue: null });
    expect(explanation.summary).toBe(`it failed and is tried again at ${new Date(explanation.until!).toISOString()}`);
    expect(explanation.lastAttempt).toMatchObject({ nodeId: "node", outcome: "failed" });
  });

  test("that runs says where, and that it waits for nothing", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    const job = await stage.submit();
    await settle();
    expect(stage.explain(job)).toMatchObject({
      state: "assigned.accepted",
      reason: null,
      summary: "it was offered to node node and has not started yet",
      queue: null,
      wouldHelp: [],
      lastAttempt: null,
    });
    await stage.core.reports.started({ nodeId: "node", jobId: job, attempt: 1 });
    expect(stage.explain(job)).toMatchObject({ reason: null, summary: "it runs on node node" });
    await stage.clock.advance(HEARTBEAT_TIMEOUT + 1000);
    expect(stage.explain(job)).toMatchObject({ state: "running.orphaned", reason: "node_silent" });
  });

  test("while it is being offered, while the server is paused, and with no node at all", async () => {
    const stage = await Stage.open();
    const first = await stage.submit();
    await settle();
    expect(stage.explain(first)).toMatchObject({
      reason: "no_nodes",
      summary: "no node has registered",
      wouldHelp: ["a node that registers: there is none yet"],
      queue: { position: 1, length: 1 },
    });
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "" });
    await stage.node("node", { slots: 1 });
    const second = await stage.submit();
    expect(stage.explain(second)).toMatchObject({
      reason: "paused",
      summary: "an operator has paused brokering",
      wouldHelp: ["resume brokering (an operator has paused it)"],
      nodes: { total: 1, fitting: 1, ruledOut: [] },
      queue: { position: 2, length: 2 },
    });
    stage.journal.fault = (batch, write) => {
      if (batch.some(({ event }) => (event as { type: string }).type === "OFFER")) throw new Error("no answer");
      write();
    };
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    expect(stage.explain(first)).toMatchObject({
      reason: "placing",
      summary: "it is being offered to a node",
      queue: { position: 1, length: 2 },
      wouldHelp: [],
    });
    expect(stage.explain(second)).toMatchObject({ reason: "no_capacity" });
    stage.journal.fault = null;
    await stage.clock.advance(1000);
    await settle();
    expect(stage.nodeOf(first)).toBe("node");
  });

  test("tells its place in the queue behind those with a better claim", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    await stage.submit({ owner: "alice" });
    await settle();
    const jobs = [
      await stage.submit({ owner: "alice" }),
      await stage.submit({ owner: "bob" }),
      await stage.submit({ owner: "bob" }),
      await stage.submit({ owner: "carol", spec: { priority: "high" } }),
      await stage.submit({ owner: "dave", spec: { memoryBytes: 900 * GIB } }),
    ];
    await settle();
    // Carol for her priority; Bob and Dave have nothing running; then Alice and Bob hold one each, and Alice's is older.
    expect(jobs.map((id) => stage.explain(id).queue)).toEqual(
      [4, 2, 5, 1, 3].map((position) => ({ position, length: 5 })),
    );
  });

  test("of one that was set aside after repeated trouble says that an operator must release it", async () => {
    const stage = await Stage.open();
    await stage.node("node");
    stage.journal.fault = (batch, write) => {
      if (batch.some(({ event }) => (event as { type: string }).type === "OFFER"))
        throw new JournalRejected("a row that cannot be stored", false);
      write();
    };
    const job = await stage.submit();
    await stage.clock.advance(5000);
    expect(stage.explain(job)).toMatchObject({ state: "pending.queued", reason: "quarantined", queue: null });
    expect(stage.core.system.quarantined().length).toBe(1);
  });
});

describe("what would help my job", () => {
  test("more memory than any node has: how much there is", async () => {
    const stage = await Stage.open();
    await stage.node("gpu", { devices: [card(16)], ramBytes: 64 * GIB });
    await stage.node("cpu", { ramBytes: 8 * GIB });
    expect(await helps(stage, { device: "cuda", memoryBytes: 24 * GIB })).toEqual([
      "a node with 24 GB of GPU memory; the largest here has 16 GB",
    ]);
    expect(await helps(stage, { memoryBytes: 100 * GIB })).toEqual([
      "a node with 100 GB of RAM; the largest here has 64 GB",
    ]);
    expect(await helps(stage, { memoryBytes: 64 * GIB + 1 })).toEqual([
      `a node with ${64 * GIB + 1} bytes of RAM; the largest here has ${64 * GIB} bytes`,
    ]);
    expect(await helps(stage, { device: "metal", memoryBytes: GIB })).toEqual([
      "a node with a metal device; 2 nodes here could run it but for that",
    ]);
  });

  test("a filter that is too narrow: what it costs, the dearest first", async () => {
    const stage = await Stage.open();
    for (let index = 0; index < 3; index++) await stage.node(`us-${index}`, { region: "us" }, 80);
    await stage.node("eu", { region: "eu" }, 60);
    expect(await helps(stage, needing({ regions: ["eu"], minReputation: 70 }))).toEqual([
      "drop the region filter: 3 nodes elsewhere could run it",
      "lower cyxwiz.min_reputation to 60: 1 node could run it then",
    ]);
    expect(await helps(stage, needing({ format: "onnx" }))).toEqual([
      "drop cyxwiz.format=onnx: 4 nodes without it could run it",
    ]);
    expect(await helps(stage, needing({ runtime: "docker" }))).toEqual([
      "drop cyxwiz.runtime=docker: 4 nodes without it could run it",
    ]);
  });

  test("a price or a stake that no node meets: the one that would do", async () => {
    const stage = await Stage.open();
    for (const [name, price] of [
      ["cheap", 1.2],
      ["dear", 3],
    ] as const)
      await stage.node(name, { pricing: { pricePerHour: price, billingModel: 0 }, stakeUnits: "2500000000" });
    expect(await helps(stage, needing({ maxPricePerHour: "1000000000" }))).toEqual([
      "raise cyxwiz.max_price_per_hour to 1.2: 1 node could run it then",
    ]);
    expect(await helps(stage, needing({ minStake: "9000000000" }))).toEqual([
      "lower cyxwiz.min_stake to 2.5: 2 nodes could run it then",
    ]);
    expect([0n, 1n, 1_200_000_000n, 3_000_000_000n].map(tokenText)).toEqual(["0", "0.000000001", "1.2", "3"]);
  });

  test("following the advice works", async () => {
    const stage = await Stage.open();
    await stage.node("node", { pricing: { pricePerHour: 1.5, billingModel: 0 }, region: "us" }, 80);
    const job = await stage.submit({ spec: needing({ maxPricePerHour: "1500000000", minReputation: 80 }) });
    await settle();
    expect(stage.nodeOf(job)).toBe("node");
  });

  test("nodes that are out of service or taken: how many, and what to do about them", async () => {
    const stage = await Stage.open();
    for (const id of ["c1", "c2", "c3"]) {
      await stage.node(id, { slots: 1 });
      await stage.core.nodes.ask(id, { type: "CORDON", reason: "", by: "operator" });
    }
    for (const id of ["t1", "t2"]) await stage.node(id, { slots: 1 });
    await stage.submitMany(2);
    await settle();
    const job = await stage.submit();
    await settle();
    expect(stage.explain(job)).toMatchObject({
      reason: "no_capacity",
      summary: "0 of 5 nodes could take it now: 3 are cordoned, 2 have no free slot",
      wouldHelp: [
        "uncordon 3 nodes that could run it",
        "wait for a running job to end on one of 2 nodes that could run it",
      ],
    });
  });

  test("a node that was just tried: when it is tried again", async () => {
    const stage = await Stage.open();
    await stage.node("node");
    stage.answer = () => ({ accepted: false, outcome: "rejected", message: "" });
    const job = await stage.submit();
    await settle();
    expect(stage.explain(job)).toMatchObject({
      reason: "nodes_unavailable",
      wouldHelp: ["wait 20 s: 1 node was tried a short while ago and will be tried again"],
    });
  });
});

describe("the plan of a job not yet submitted", () => {
  const planned = (stage: Stage, overrides: Partial<JobSpec> = {}, owner = "alice") =>
    stage.core.broker.plan({ spec: spec(overrides), price: 42n, owner });

  test("would start now where a node is free", async () => {
    const stage = await Stage.open();
    await stage.node("node", { region: "eu" });
    expect(planned(stage)).toMatchObject({
      price: 42n,
      nodesNeeded: 1,
      nodes: { total: 1, fitting: 1, ruledOut: [] },
      candidates: [{ nodeId: "node", name: "node", region: "eu" }],
      reason: null,
      summary: "it would start at once: 1 node could take it",
      wouldHelp: [],
      expectedStart: { kind: "now", at: stage.clock.now() },
    });
    expect(stage.core.broker.queued).toBe(0);
  });

  test("would start when what runs there ends, by the estimates, behind those who wait", async () => {
    const stage = await Stage.open();
    await stage.node("a", { slots: 1 });
    await stage.node("b", { slots: 1 });
    const start = stage.clock.now();
    await stage.submit({ spec: { estimatedSeconds: 100 } });
    await stage.submit({ spec: { estimatedSeconds: 300 } });
    await settle();
    expect(planned(stage).expectedStart).toEqual({ kind: "after_others", at: start + 100_000 });
    await stage.submit({ owner: "bob" });
    await settle();
    expect(planned(stage)).toMatchObject({
      reason: "no_capacity",
      expectedStart: { kind: "after_others", at: start + 300_000 },
    });
    expect(planned(stage, { priority: "high" }).expectedStart).toEqual({ kind: "after_others", at: start + 100_000 });
    // Both are past their estimates: nothing tells any more.
    await stage.pass(301_000);
    expect(planned(stage).expectedStart).toEqual({ kind: "unknown", at: null });
  });

  test("is unknown while paused, at the owner's limit, and where no node could run it", async () => {
    const stage = await Stage.open({ fairness: { weightOf: () => 1, maxRunningPerOwner: 1, patience: 60_000 } });
    expect(planned(stage)).toMatchObject({ reason: "no_nodes", expectedStart: { kind: "unknown", at: null } });
    await stage.node("node", { slots: 2 });
    expect(planned(stage, { memoryBytes: 99 * GIB })).toMatchObject({
      reason: "no_matching_node",
      wouldHelp: ["a node with 99 GB of RAM; the largest here has 16 GB"],
      expectedStart: { kind: "unknown" },
    });
    await stage.submit();
    await settle();
    expect(planned(stage)).toMatchObject({ reason: "owner_limit", expectedStart: { kind: "unknown" } });
    expect(planned(stage, {}, "bob")).toMatchObject({ reason: null });
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "" });
    expect(planned(stage, {}, "bob")).toMatchObject({ reason: "paused", expectedStart: { kind: "unknown" } });
  });

  test("of a gang starts when the last of its nodes comes free", async () => {
    const stage = await Stage.open();
    for (const id of ["a", "b", "c"]) await stage.node(id, { slots: 1 });
    const start = stage.clock.now();
    for (const estimatedSeconds of [100, 200, 300]) await stage.submit({ spec: { estimatedSeconds } });
    await settle();
    expect(planned(stage, { gang: { size: 2, topology: "any" } })).toMatchObject({
      nodesNeeded: 2,
      reason: "no_capacity",
      expectedStart: { kind: "after_others", at: start + 200_000 },
    });
    expect(planned(stage, { gang: { size: 4, topology: "any" } })).toMatchObject({
      wouldHelp: [
        "1 more node that could run it: it needs 4, and there are 3",
        "wait for a running job to end on one of 3 nodes that could run it",
      ],
      expectedStart: { kind: "unknown" },
    });
  });
});

for (const seed of [21, 22, 23]) {
  test(`the counts are those of a fresh look at every node, whatever happens (I10, seed ${seed})`, async () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const stage = await Stage.open();
    const nodeIds = Array.from({ length: 10 }, (_, index) => `node-${index}`);
    const some = () =>
      profile({
        slots: 1 + below(2),
        ramBytes: (1 + below(5)) * GIB,
        region: pick(["eu", "us"]),
        runtimes: pick([[], ["docker"]]),
        devices: pick([[], [card(1 + below(4))]]),
        stakeUnits: pick(["0", "5"]),
        pricing: pick([null, { pricePerHour: 1 + below(3), billingModel: 0 }]),
      });
    for (const id of nodeIds) await stage.node(id, some(), 40 + below(60));
    stage.answer = () => (random() < 0.8 ? { accepted: true } : { accepted: false, outcome: "rejected", message: "" });
    let looked = 0;
    for (let step = 0; step < 60; step++) {
      await stage.submit({
        owner: `owner-${below(3)}`,
        spec: needing(
          pick([
            undefined,
            { regions: ["eu"] },
            { runtime: "docker", minReputation: below(100) },
            { minStake: "5" },
            { maxPricePerHour: "2000000000" },
          ]),
          { device: pick([null, "cuda"] as const), memoryBytes: below(6) * GIB },
        ),
      });
      const id = pick(nodeIds);
      const by = { reason: "", by: "operator" };
      const change = below(6);
      if (change === 0) await stage.core.nodes.ask(id, { type: "CORDON", ...by }).catch(() => {});
      else if (change === 1) await stage.core.nodes.ask(id, { type: "UNCORDON", ...by }).catch(() => {});
      else if (change === 2)
        await stage.core.nodes.ask(id, { type: "BAN", ...by, until: null, evict: false }).catch(() => {});
      else if (change === 3) await stage.core.nodes.ask(id, { type: "UNBAN", ...by }).catch(() => {});
      else if (change === 4) {
        const running = [...stage.core.jobs.live()].filter(({ state }) => state === "assigned.accepted");
        if (running.length > 0) await stage.complete(pick(running).ref.id);
      }
      await stage.pass(below(3000));
      await settle(60);
      const now = stage.clock.now();
      const live = stage.liveInJournal();
      for (const job of stage.core.jobs.live()) {
        const { nodes, candidates, wouldHelp, reason } = stage.core.broker.explain(job);
        const demand = demandOf(job.snapshot.context.spec);
        const expected = new Map<NodeReason, number>();
        const fitting: string[] = [];
        for (const { ref, snapshot } of stage.core.nodes.live()) {
          const { exclusions } = job.snapshot.context;
          const why =
            lacks(snapshot.context, demand) ??
            unavailabilityOf(snapshot) ??
            (exclusions.some((one) => one.nodeId === ref.id && one.until > now) ? "excluded" : null) ??
            crowded(roomLeft(snapshot.context.profile, live.get(ref.id) ?? []), demand);
          if (why === null) fitting.push(ref.id);
          else expected.set(why, (expected.get(why) ?? 0) + 1);
        }
        expect(nodes.total).toBe(nodeIds.length);
        expect(nodes.fitting).toBe(fitting.length);
        expect(new Map(nodes.ruledOut.map((one) => [one.reason, one.nodes]))).toEqual(expected);
        expect(nodes.ruledOut.map((one) => one.nodes)).toEqual(
          nodes.ruledOut.map((one) => one.nodes).toSorted((one, other) => other - one),
        );
        expect(candidates.length).toBe(Math.min(5, fitting.length));
        for (const { nodeId, score, terms } of candidates) {
          expect(fitting).toContain(nodeId);
          const { reputation, availability, capability, uptime } = terms;
          expect(score).toBeCloseTo(0.4 * reputation + 0.3 * availability + 0.2 * capability + 0.1 * uptime, 9);
        }
        if (job.state !== "pending.queued") continue;
        looked += 1;
        expect(reason).not.toBeNull();
        // Nobody is left without a way out, unless several things are wrong with every node at once.
        if (expected.has("full") || expected.has("cordoned")) expect(wouldHelp.length).toBeGreaterThan(0);
      }
    }
    expect(looked).toBeGreaterThan(50);
  }, 20_000);
}
