/** The broker in a whole core: its offers, what becomes of them, and the queue behind them. */
import { describe, expect, test } from "bun:test";
import type { Offer } from "../../../src/actors/node-link.ts";
import { demandOf } from "../../../src/domain/job-spec.ts";
import { crowded, lacks, roomLeft } from "../../../src/domain/placement.ts";
import { settle } from "../../support/fake-clock.ts";
import { seeded } from "../../support/seeded.ts";
import { closeStagesAfterEach, GIB, HEARTBEAT_TIMEOUT, policy, profile, Stage } from "./stage.ts";

closeStagesAfterEach();

describe("load", () => {
  test("a node whose slots are all taken becomes busy, and idle again when one is free", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 2 });
    const jobs = await stage.submitMany(2);
    await settle();
    expect(stage.presence("node")).toBe("online.busy");
    await stage.complete(jobs[0]!);
    await settle();
    expect(stage.presence("node")).toBe("online.idle");
  });

  test("a node whose LOAD was lost to the database is told again", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    let lost = 0;
    stage.journal.fault = (batch, write) => {
      if (lost < 2 && batch.some(({ event }) => (event as { type: string }).type === "LOAD")) {
        lost += 1;
        throw new Error("lost");
      }
      write();
    };
    const job = await stage.submit();
    await stage.pass(5000);
    expect(lost).toBe(2);
    expect(stage.presence("node")).toBe("online.busy");
    await stage.complete(job);
    await settle();
    expect(stage.presence("node")).toBe("online.idle");
  });

  test("a node that shrinks below what it runs is offered nothing until there is room again", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 2 });
    const [one, two] = (await stage.submitMany(2)) as [string, string];
    await settle();
    await stage.core.nodes.ask("node", {
      type: "REGISTERED",
      profile: profile({ slots: 1 }),
      policy: { heartbeatTimeout: HEARTBEAT_TIMEOUT, gracePeriod: 30_000 },
      bootId: "boot",
    });
    const third = await stage.submit();
    await stage.complete(one);
    await settle();
    expect(stage.stateOf(third)).toBe("pending.queued");
    await stage.complete(two);
    await settle();
    expect(stage.nodeOf(third)).toBe("node");
  });
});

describe("pausing", () => {
  test("a paused scheduler places nothing, and everything when it resumes", async () => {
    const stage = await Stage.open();
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "maintenance" });
    await stage.node("node", { slots: 10 });
    const jobs = await stage.submitMany(5);
    await stage.pass(60_000);
    expect(stage.offers).toEqual([]);
    expect(stage.core.broker.queued).toBe(5);
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    expect(jobs.map((id) => stage.nodeOf(id))).toEqual(Array(5).fill("node"));
  });

  test("a pause outlives a restart", async () => {
    const stage = await Stage.open();
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "maintenance" });
    await stage.node("node");
    const job = await stage.submit();
    await stage.restart();
    expect(stage.core.scheduler.peek("main")?.state).toBe("paused");
    expect(stage.stateOf(job)).toBe("pending.queued");
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    expect(stage.nodeOf(job)).toBe("node");
  });
});

describe("recovery", () => {
  test("derives the same queue and pool from the journal, and offers nothing twice", async () => {
    const stage = await Stage.open();
    await stage.node("full", { slots: 2 });
    await stage.node("small", { slots: 3, ramBytes: GIB });
    await stage.node("drained", { slots: 9 });
    await stage.core.nodes.ask("drained", { type: "DRAIN", reason: "test", by: "operator", until: null });
    const jobs = [...(await stage.submitMany(5)), await stage.submit({ spec: { device: "cuda" } })];
    await stage.pass(1000);
    const view = () => ({
      queued: stage.core.broker.queued,
      parked: stage.core.broker.parked,
      on: ["full", "small", "drained"].map((id) => [...stage.core.broker.pool.attemptsOn(id)].sort()),
      presence: ["full", "small", "drained"].map((id) => stage.presence(id)),
      why: jobs.map((id) => {
        const job = stage.core.jobs.peek(id);
        const waiting = job && stage.core.broker.waiting(job);
        return waiting && { ...waiting, reasons: Object.fromEntries(waiting.reasons) };
      }),
    });
    const before = view();
    const offered = stage.offers.length;
    expect([before.queued, before.parked]).toEqual([3, 3]);
    await stage.restart();
    expect(view()).toEqual(before);
    expect(stage.offers.length).toBe(offered);
  });

  test("of a busy node tells it nothing: it was busy and is busy", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 2 });
    await stage.submitMany(2);
    await settle();
    const { version } = stage.journal.rows.get("node/node")!;
    await stage.restart();
    expect(stage.presence("node")).toBe("online.busy");
    expect(stage.journal.rows.get("node/node")!.version).toBe(version);
  });

  test("of a full node whose LOAD was never stored tells it that it is busy", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    stage.journal.fault = (batch, write) => {
      if (batch.some(({ event }) => (event as { type: string }).type === "LOAD")) throw new Error("lost");
      write();
    };
    await stage.submit();
    await settle();
    expect(stage.journal.rows.get("node/node")?.state).toBe("online.idle");
    await stage.core.stop();
    stage.journal.fault = null;
    await stage.restart();
    expect(stage.presence("node")).toBe("online.busy");
  });

  test("of an offer that was on its way offers it again under the same attempt", async () => {
    const stage = await Stage.open();
    await stage.node("node");
    stage.answer = () => new Promise(() => {});
    const job = await stage.submit();
    await settle();
    stage.answer = () => ({ accepted: true });
    await stage.restart();
    expect(stage.offers.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(stage.stateOf(job)).toBe("assigned.accepted");
  });
});

describe("an offer whose commit is in doubt", () => {
  for (const fate of ["lost", "written"] as const) {
    test(`keeps its room until it is known, and is made again (${fate})`, async () => {
      const stage = await Stage.open();
      await stage.node("node", { slots: 1 });
      let failures = 0;
      stage.journal.fault = (batch, write) => {
        const offer = batch.some(({ event }) => (event as { type: string }).type === "OFFER");
        if (!offer || failures > 0) return write();
        failures += 1;
        if (fate === "written") write();
        throw new Error("the connection broke at COMMIT");
      };
      const first = await stage.submit();
      const second = await stage.submit();
      await settle();
      expect(stage.core.broker.pool.isFull("node")).toBe(true);
      expect(stage.core.broker.waiting(stage.core.jobs.peek(first)!)?.stage).toBe("placing");
      await stage.pass(2000);
      expect(failures).toBe(1);
      expect([stage.nodeOf(first), stage.nodeOf(second)]).toEqual(["node", null]);
      expect(stage.job(first)!.attempt).toBe(1);
      expect(stage.offers.map(({ jobId }) => jobId)).toEqual([first]);
    });
  }

  test("gives its room back when its job was cancelled meanwhile", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    const first = await stage.submit();
    // The broker has decided, the offer waits behind the cancellation.
    const cancelled = stage.core.jobs.ask(first, { type: "CANCEL", reason: "" }).catch(() => {});
    const second = await stage.submit();
    await cancelled;
    await stage.pass(2000);
    expect(stage.stateOf(first)).toBe("cancelled");
    expect(stage.nodeOf(second)).toBe("node");
  });

  test("does not keep back the jobs behind a full round that came to nothing", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 5000, ramBytes: 5000 * GIB });
    await settle();
    // Each is cancelled before its offer is taken up, so that a whole round of offers is refused.
    const doomed = Array.from({ length: 2000 }, () => {
      const id = stage.nextId();
      return [stage.submit({ id }), stage.core.jobs.ask(id, { type: "CANCEL", reason: "" })];
    });
    const behind = stage.submitMany(500);
    await Promise.all(doomed.flat());
    const jobs = await behind;
    await settle();
    expect(jobs.map((id) => stage.nodeOf(id))).toEqual(Array(500).fill("node"));
  });
});

describe("capacity (I3)", () => {
  for (const seed of [1, 2, 3, 4]) {
    test(`is never exceeded, whatever becomes of commits and offers (seed ${seed})`, async () => {
      const random = seeded(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const stage = await Stage.open();
      for (let index = 0; index < 6; index++) {
        await stage.node(`node-${index}`, { slots: 1 + below(3), ramBytes: (2 + below(6)) * GIB }, 25 * below(5));
      }
      stage.journal.fault = (_, write) => {
        const fate = random();
        if (fate > 0.1) write();
        if (fate < 0.2) throw new Error("no confirmation");
      };
      stage.answer = () => {
        const fate = random();
        if (fate < 0.7) return { accepted: true };
        const outcome = (["rejected", "unreachable", "no_answer"] as const)[below(3)]!;
        return { accepted: false, outcome, message: "" };
      };
      for (let step = 0; step < 150; step++) {
        const turn = below(4);
        if (turn === 0) void stage.submit({ spec: { memoryBytes: below(4) * GIB } }).catch(() => {});
        else if (turn === 1) {
          const running = [...stage.core.jobs.live()].filter(({ state }) => state === "assigned.accepted");
          const one = running[below(running.length)];
          if (one) void stage.complete(one.ref.id).catch(() => {});
        } else if (turn === 2) {
          const jobs = [...stage.core.jobs.live()];
          const one = jobs[below(jobs.length)];
          if (one && random() < 0.3)
            void stage.core.jobs.ask(one.ref.id, { type: "CANCEL", reason: "" }).catch(() => {});
        } else await stage.pass(below(3000));
        await settle(below(4));
        expect(stage.overfull()).toEqual([]);
      }
      stage.journal.fault = null;
      stage.answer = () => ({ accepted: true });
      await stage.pass(60_000);
      expect(stage.overfull()).toEqual([]);
      // With all quiet, the pool is what the journal says.
      const journal = stage.liveInJournal();
      for (const { ref } of stage.core.nodes.live()) {
        expect([...stage.core.broker.pool.attemptsOn(ref.id)].length).toBe(journal.get(ref.id)?.length ?? 0);
        expect(stage.presence(ref.id)).toBe(stage.core.broker.pool.isFull(ref.id) ? "online.busy" : "online.idle");
      }
    }, 20_000);
  }

  test("lets a thousand jobs through fifty nodes", async () => {
    const stage = await Stage.open();
    for (let index = 0; index < 50; index++) await stage.node(`node-${index}`, { slots: 1 + (index % 4) });
    let exceeded = 0;
    const perNode = new Map<string, number>();
    stage.core.jobs.onCommit(({ before, after }) => {
      const was = before?.snapshot.context.live?.nodeId;
      const is = after.snapshot.context.live?.nodeId;
      if (was === is) return;
      if (was) perNode.set(was, perNode.get(was)! - 1);
      if (!is) return;
      perNode.set(is, (perNode.get(is) ?? 0) + 1);
      if (perNode.get(is)! > stage.core.nodes.peek(is)!.snapshot.context.profile.slots) exceeded += 1;
    });
    const jobs = await stage.submitMany(1000);
    for (let round = 0; round < 60; round++) {
      await settle();
      const accepted = [...stage.core.jobs.live()].filter(({ state }) => state === "assigned.accepted");
      if (accepted.length === 0) break;
      await Promise.all(accepted.map(({ ref }) => stage.complete(ref.id)));
    }
    expect(jobs.filter((id) => stage.stateOf(id) !== "completed")).toEqual([]);
    expect(exceeded).toBe(0);
    expect(stage.offers.length).toBe(1000);
    expect(stage.core.broker.queued).toBe(0);
  }, 20_000);
});

describe("fairness", () => {
  /** Completes what runs, one job at a time and the longest running first, until so many offers have been made. */
  async function drain(stage: Stage, offers: number): Promise<Offer[]> {
    while (stage.offers.length < offers) {
      const running = stage.offers.find(({ jobId }) => stage.stateOf(jobId) === "assigned.accepted");
      if (!running) break;
      await stage.complete(running.jobId);
      await settle(6);
    }
    return stage.offers;
  }

  test("an owner with nine tenths of the queue does not starve another who came later", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 4 });
    const owners = new Map<string, string>();
    for (const id of await stage.submitMany(90, { owner: "greedy" })) owners.set(id, "greedy");
    await settle();
    await stage.clock.advance(1000);
    for (const id of await stage.submitMany(10, { owner: "modest" })) owners.set(id, "modest");
    await settle();
    const offered = (await drain(stage, 30)).map(({ jobId }) => owners.get(jobId));
    // The first four were placed before the other came; from then on both have two running.
    expect(offered.slice(0, 4)).toEqual(Array(4).fill("greedy"));
    expect(offered.filter((owner) => owner === "modest").length).toBe(10);
  });

  test("an urgent job that found every node full gets the next room, whoever waited before it", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    await stage.submitMany(10, { spec: { priority: "low" } });
    await settle();
    const urgent = await stage.submit({ spec: { priority: "critical" } });
    await settle();
    expect(stage.core.broker.waiting(stage.core.jobs.peek(urgent)!)?.stage).toBe("parked");
    expect((await drain(stage, 2)).at(-1)?.jobId).toBe(urgent);
  });

  test("jobs of one rank are placed in the order of their age, though woken in vain in between", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 1 });
    const jobs: string[] = [];
    for (let index = 0; index < 8; index++) {
      jobs.push(await stage.submit());
      // Another shape, which competes for the same room.
      if (index % 2 === 0) jobs.push(await stage.submit({ spec: { memoryBytes: 2 * GIB } }));
      await stage.clock.advance(10);
    }
    const offered = (await drain(stage, jobs.length)).map(({ jobId }) => jobId);
    expect(offered).toEqual(jobs);
  });
});

describe("waiting jobs", () => {
  test("that fit nowhere hold up nobody, and are placed when a node appears that suits them", async () => {
    const stage = await Stage.open();
    await stage.node("small", { ramBytes: 2 * GIB });
    const big = await stage.submit({ spec: { memoryBytes: 8 * GIB, priority: "critical" } });
    const little = await stage.submit();
    await settle();
    expect([stage.nodeOf(big), stage.nodeOf(little)]).toEqual([null, "small"]);
    await stage.node("big");
    await settle();
    expect(stage.nodeOf(big)).toBe("big");
  });

  test("are placed when their node comes back into service", async () => {
    const stage = await Stage.open();
    await stage.node("node");
    await stage.core.nodes.ask("node", { type: "DRAIN", reason: "test", by: "operator", until: null });
    const job = await stage.submit();
    await stage.pass(10_000);
    expect(stage.nodeOf(job)).toBeNull();
    await stage.core.nodes.ask("node", { type: "UNCORDON", reason: "repaired", by: "operator" });
    await settle();
    expect(stage.nodeOf(job)).toBe("node");
  });

  test("that were refused avoid that node for the time of their exclusion, and not longer", async () => {
    const stage = await Stage.open();
    await stage.node("node");
    stage.answer = () => ({ accepted: false, outcome: "rejected", message: "busy with something else" });
    const job = await stage.submit();
    await settle();
    stage.answer = () => ({ accepted: true });
    const waiting = stage.core.broker.waiting(stage.core.jobs.peek(job)!)!;
    expect([waiting.stage, waiting.fitting, Object.fromEntries(waiting.reasons)]).toEqual([
      "parked",
      0,
      { excluded: 1 },
    ]);
    await stage.pass(policy.exclusion - 1);
    expect(stage.offers.length).toBe(1);
    await stage.pass(1);
    expect(stage.offers.length).toBe(2);
    expect(stage.nodeOf(job)).toBe("node");
  });

  test("that were refused by one node are offered to another at once", async () => {
    const stage = await Stage.open();
    await stage.node("first", {}, 90);
    await stage.node("second", {}, 60);
    stage.answer = ({ target }) =>
      target.nodeId === "first" ? { accepted: false, outcome: "rejected", message: "" } : { accepted: true };
    const job = await stage.submit();
    await settle();
    expect(stage.offers.map(({ target }) => target.nodeId)).toEqual(["first", "second"]);
    expect(stage.nodeOf(job)).toBe("second");
  });

  for (const seed of [31, 32, 33]) {
    test(`are told truthfully why they wait (I10, seed ${seed})`, async () => {
      const random = seeded(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const stage = await Stage.open();
      const nodes = 12;
      for (let index = 0; index < nodes; index++) {
        await stage.node(`node-${index}`, { slots: 1 + below(2), ramBytes: (1 + below(4)) * GIB });
        const fate = below(6);
        if (fate === 0)
          await stage.core.nodes.ask(`node-${index}`, { type: "DRAIN", reason: "", by: "operator", until: null });
        if (fate === 1)
          await stage.core.nodes.ask(`node-${index}`, {
            type: "BAN",
            reason: "",
            by: "operator",
            until: null,
            evict: false,
          });
      }
      stage.answer = () =>
        random() < 0.7 ? { accepted: true } : { accepted: false, outcome: "rejected", message: "" };
      let looked = 0;
      for (let step = 0; step < 40; step++) {
        await stage.submit({
          spec: { memoryBytes: below(6) * GIB, device: random() < 0.1 ? "cuda" : null },
          owner: `owner-${below(3)}`,
        });
        await stage.pass(below(2000));
        const now = stage.clock.now();
        const live = stage.liveInJournal();
        for (const job of stage.core.jobs.live()) {
          const waiting = stage.core.broker.waiting(job);
          expect(waiting !== undefined).toBe(job.state === "pending.queued");
          if (!waiting) continue;
          looked += 1;
          const { spec: jobSpec, exclusions } = job.snapshot.context;
          const demand = demandOf(jobSpec);
          const expected: Record<string, number> = {};
          let fitting = 0;
          for (const { ref, state, snapshot } of stage.core.nodes.live()) {
            const reason =
              lacks(snapshot.context, demand) ??
              (state.startsWith("online") ? null : state) ??
              (exclusions.some(({ nodeId, until }) => nodeId === ref.id && until > now) ? "excluded" : null) ??
              crowded(roomLeft(snapshot.context.profile, live.get(ref.id) ?? []), demand);
            if (reason === null) fitting += 1;
            else expected[reason] = (expected[reason] ?? 0) + 1;
          }
          expect(Object.fromEntries(waiting.reasons)).toEqual(expected);
          expect(waiting.fitting).toBe(fitting);
          expect([...waiting.reasons.values()].reduce((sum, one) => sum + one, waiting.fitting)).toBe(nodes);
          // Nothing waits for a node that would take it.
          expect([waiting.stage, waiting.fitting]).toEqual(["parked", 0]);
        }
      }
      expect(looked).toBeGreaterThan(50);
    });
  }
});
