/**
 * The whole core in one process from a seed: nodes die, return, restart, lie and repeat themselves, commits get lost or
 * only their answers do, the core is killed in the middle of things and started again. The promises are checked
 * throughout; when the faults stop, every job ends. Run one seed with SEED=n.
 */
import { expect, test } from "bun:test";
import { isDeepStrictEqual } from "node:util";
import { createActor } from "xstate";
import { type Core, createCore } from "../../src/actors/core.ts";
import { isTerminal, jobStatusOf } from "../../src/actors/job/kind.ts";
import { jobMachine } from "../../src/actors/job/machine.ts";
import type { JobContext } from "../../src/actors/job/state.ts";
import { nodeMachine } from "../../src/actors/node/machine.ts";
import type { NodeContext } from "../../src/actors/node/state.ts";
import type { Offer, OfferReply } from "../../src/actors/node-link.ts";
import { type ActorKind, type Journal, type Json, replay } from "../../src/actors/runtime/index.ts";
import { schedulerMachine } from "../../src/actors/scheduler/machine.ts";
import { PRIORITIES } from "../../src/domain/job-spec.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { MemoryJournal } from "../support/memory-journal.ts";
import { quietLog } from "../support/quiet.ts";
import { seeded } from "../support/seeded.ts";
import { GIB, jobInput, jobPolicy, jobSpec, nodePolicy, nodeProfile, result, uuid } from "./fixtures.ts";

const NODES = 6;
const HEARTBEAT = 5000;
const machines = { job: jobMachine, node: nodeMachine, scheduler: schedulerMachine } as const;

/** A machine that runs jobs, well or badly. */
interface SimulatedNode {
  readonly id: string;
  readonly slots: number;
  alive: boolean;
  boot: number;
  /** Job to the attempt it believes to run, and since when. */
  readonly runs: Map<string, { attempt: number; since: number }>;
}

class Simulation {
  readonly clock = new FakeClock();
  readonly journal = new MemoryJournal();
  readonly random: () => number;
  readonly nodes: SimulatedNode[];
  /** The highest version of each job that anybody was told of. */
  readonly acknowledged = new Map<string, number>();
  /** Reports as they were sent, for sending them again. */
  readonly sent: (() => Promise<unknown>)[] = [];
  faulty = true;
  jobs = 0;
  crashes = 0;
  core!: Core;
  #life = { dead: false };
  #trouble: "none" | "lost" | "doubt" = "none";

  constructor(readonly seed: number) {
    this.random = seeded(seed);
    this.nodes = Array.from({ length: NODES }, (_, index) => ({
      id: uuid(0x100 + index),
      slots: 1 + (index % 3),
      alive: true,
      boot: 1,
      runs: new Map(),
    }));
    this.journal.fault = (_, write) => {
      if (this.#trouble !== "lost") write();
      if (this.#trouble !== "none") throw new Error(`a commit was ${this.#trouble}`);
    };
  }

  chance(of: number): boolean {
    return this.random() < of;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.random() * list.length)];
  }

  async start(): Promise<void> {
    const life = { dead: false };
    this.#life = life;
    const { clock, journal } = this;
    const never = new Promise<never>(() => {});
    /** What a dead process began may still be written; it begins nothing more and hears no answer. */
    const mortal: Journal = {
      commit: (batch) => (life.dead ? never : journal.commit(batch).finally(() => (life.dead ? never : undefined))),
      load: (ref) => (life.dead ? never : journal.load(ref)),
      loadLive: (kind) => journal.loadLive(kind),
      recordPoison: (poison) => journal.recordPoison(poison),
    };
    this.core = createCore({
      clock: { now: () => clock.now(), after: (delay, run) => clock.after(delay, () => !life.dead && run()) },
      journal: mortal,
      log: quietLog,
      link: {
        offer: (offer, signal) => (life.dead ? never : this.#offered(offer, signal)),
        probe: async ({ nodeId }) => this.node(nodeId)?.alive === true,
      },
      heartbeatInterval: HEARTBEAT,
      heartbeatTimeout: nodePolicy.heartbeatTimeout,
      probeDelay: { first: 1000, slowest: 10_000 },
      maxPending: 10_000,
      onDeposed: () => {},
    });
    await this.core.start();
  }

  async crash(): Promise<void> {
    this.#life.dead = true;
    this.crashes += 1;
    // What was on its way to the database lands, or does not, before anybody else may write: that is what the epoch is for.
    await settle();
    this.#trouble = "none";
    await this.start();
  }

  node(id: string): SimulatedNode | undefined {
    return this.nodes.find((one) => one.id === id);
  }

  #offered({ target, jobId, attempt }: Offer, signal: AbortSignal): Promise<OfferReply> {
    const node = this.node(target.nodeId);
    const refuse = (outcome: "rejected" | "invalid" | "unreachable" | "no_answer") =>
      Promise.resolve({ accepted: false, outcome, message: outcome } as const);
    if (!node?.alive) return refuse("unreachable");
    if (this.faulty) {
      if (this.chance(0.1)) return refuse("rejected");
      if (this.chance(0.01)) return refuse("invalid");
      // Taken, and the answer is lost; or nobody answers at all.
      if (this.chance(0.05)) node.runs.set(jobId, { attempt, since: this.clock.now() });
      if (this.chance(0.1)) return refuse("no_answer");
      if (this.chance(0.03))
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    node.runs.set(jobId, { attempt, since: this.clock.now() });
    return Promise.resolve({ accepted: true });
  }

  async register(node: SimulatedNode): Promise<void> {
    const about = {
      profile: nodeProfile({ slots: node.slots, ramBytes: 16 * GIB }),
      policy: nodePolicy,
      bootId: `boot-${node.boot}`,
    };
    const { created } = await this.core.nodes.create(node.id, { id: node.id, reputation: 75, ...about });
    if (!created) await this.core.nodes.ask(node.id, { type: "REGISTERED", ...about });
  }

  async submit(number: number): Promise<void> {
    const { at: _, ...input } = jobInput({
      id: uuid(number),
      owner: `owner-${number % 3}`,
      spec: jobSpec({ priority: PRIORITIES[number % 4] ?? "low", memoryBytes: (number % 5) * 4 * GIB }),
      policy: { ...jobPolicy, startTimeout: 20_000, runTimeout: 60_000 },
    });
    const { committed } = await this.core.jobs.create(input.id, input);
    this.#acknowledge(input.id, committed.version);
  }

  #acknowledge(id: string, version: number): void {
    this.acknowledged.set(id, Math.max(version, this.acknowledged.get(id) ?? 0));
  }

  async heartbeat(node: SimulatedNode): Promise<void> {
    const active = [...node.runs.keys()];
    const { known, jobsToCancel } = await this.core.rollCall.heartbeat({
      nodeId: node.id,
      activeJobs: this.faulty && this.chance(0.05) ? active.slice(1) : active,
    });
    if (!known) await this.register(node);
    for (const jobId of jobsToCancel) node.runs.delete(jobId);
  }

  /** One word of a node about a job, which it believes to run, or of which it knows nothing. */
  async report(node: SimulatedNode, jobId: string, attempt: number | null, chance: number): Promise<void> {
    const source = { nodeId: node.id, jobId, attempt };
    const say = async (): Promise<void> => {
      const { reports } = this.core;
      const verdict =
        chance < 0.2
          ? await reports.started(source)
          : chance < 0.6
            ? await reports.progress({ ...source, progress: chance, epoch: 1, metrics: {}, log: "" })
            : chance < 0.92
              ? await reports.completed(source, result)
              : await reports.failed(source, "oom", chance > 0.99);
      if (verdict.kind !== "unknown") this.#acknowledge(jobId, verdict.job.version);
      const over = verdict.kind !== "taken" || verdict.job.snapshot.context.live === null;
      if (over && node.runs.get(jobId)?.attempt === attempt) node.runs.delete(jobId);
    };
    this.sent.push(say);
    if (this.sent.length > 50) this.sent.shift();
    await say();
  }

  /** Something happens. Errors are the caller's: an ask may be refused at any time. */
  async act(): Promise<void> {
    const node = this.pick(this.nodes);
    if (!node) return;
    const chance = this.random();
    if (chance < 0.12) await this.submit(++this.jobs);
    else if (chance < 0.15) await this.submit(1 + Math.floor(this.random() * this.jobs));
    else if (chance < 0.18) {
      const id = uuid(1 + Math.floor(this.random() * this.jobs));
      const { version } = await this.core.jobs.ask(id, { type: "CANCEL", reason: "no more" });
      this.#acknowledge(id, version);
    } else if (chance < 0.2) node.alive = false;
    else if (chance < 0.25) {
      if (node.alive) return;
      node.alive = true;
      if (this.chance(0.5)) {
        node.boot += 1;
        node.runs.clear();
        await this.register(node);
      }
    } else if (chance < 0.26)
      await this.core.nodes.ask(node.id, { type: "DRAIN", reason: "", by: "operator", until: null });
    else if (chance < 0.28)
      await this.core.nodes.ask(node.id, { type: "UNCORDON", reason: "repaired", by: "operator" });
    else if (chance < 0.3) this.#trouble = this.chance(0.5) ? "lost" : "doubt";
    else if (chance < 0.36) this.#trouble = "none";
    else if (chance < 0.41) await this.pick(this.sent)?.();
    else if (chance < 0.45)
      await this.report(node, uuid(1 + Math.floor(this.random() * this.jobs)), null, this.random());
    else if (node.alive) {
      const run = this.pick([...node.runs]);
      if (run) await this.report(node, run[0], this.chance(0.8) ? run[1].attempt : null, this.random());
    }
  }

  async step(): Promise<void> {
    const acts = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => this.act().catch(() => {}));
    if (this.chance(0.004)) await this.crash();
    await settle();
    void acts;
    for (const node of this.nodes) {
      if (node.alive && this.chance(0.25)) void this.heartbeat(node).catch(() => {});
    }
    await this.clock.advance(Math.floor(this.random() * 2500));
    this.check();
  }

  /** What must hold between any two steps. */
  check(): void {
    const live = new Map<string, number>();
    for (const job of this.core.jobs.live()) {
      const { state } = job;
      const { context } = job.snapshot;
      const holds = state.startsWith("assigned.") || state.startsWith("running.");
      if (holds !== (context.live !== null))
        throw new Error(`${context.id} is ${state}, live attempt: ${context.live}`);
      if (!isTerminal(jobStatusOf(state)) && context.deadline === null) throw new Error(`${state} without a deadline`);
      if (context.live) live.set(context.live.nodeId, (live.get(context.live.nodeId) ?? 0) + 1);
      const { queue, nodes } = this.core.broker.explain(job);
      if (queue) {
        const counted = nodes.ruledOut.reduce((sum, one) => sum + one.nodes, nodes.fitting);
        if (counted !== this.core.broker.pool.size)
          throw new Error(`${counted} reasons for ${this.core.nodes.size} nodes`);
      }
    }
    for (const node of this.nodes) {
      const inPool = [...this.core.broker.pool.attemptsOn(node.id)].length;
      if (Math.max(live.get(node.id) ?? 0, inPool) > node.slots)
        throw new Error(
          `${node.id} has ${node.slots} slots, ${live.get(node.id)} live attempts, ${inPool} in the pool`,
        );
    }
    for (const [id, version] of this.acknowledged) {
      const row = this.journal.rows.get(`job/${id}`);
      if (!row || row.version < version)
        throw new Error(`${id}: ${version} was acknowledged, the row is at ${row?.version}`);
    }
  }

  /** What the logs must say of themselves and of the rows. */
  audit(): void {
    for (const [key, row] of this.journal.rows) {
      const log = this.journal.log.get(key) ?? [];
      const events = log.map(({ event }) => event as { type: string; nodeId?: string; attempt?: number | null });
      if (events.filter(({ type }) => type === "created").length !== 1) throw new Error(`${key} was created twice`);
      const kind = { machine: machines[key.split("/")[0] as keyof typeof machines] } as unknown as ActorKind;
      const { snapshot } = replay(kind, events as unknown as Json[]);
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(snapshot)), JSON.parse(row.snapshot)))
        throw new Error(`${key}: its log replayed is not its row`);
      const actor = createActor(kind.machine, { input: (events[0] as unknown as { input: never }).input }).start();
      for (const event of events.slice(1)) {
        const { deadline } = actor.getSnapshot().context as { deadline?: number | null };
        const { type, at } = event as unknown as { type: string; at: number };
        if (type === "DEADLINE" && !(typeof deadline === "number" && deadline <= at))
          throw new Error(`${key}: a deadline of another state fell on ${JSON.stringify(actor.getSnapshot().value)}`);
        actor.send(event);
      }
      let live = null as { nodeId: string | undefined; attempt: number } | null;
      let offers = 0;
      for (const { type, nodeId, attempt } of events) {
        if (type === "OFFER") {
          offers += 1;
          live = { nodeId, attempt: offers };
        } else if (["STARTED", "PROGRESS", "COMPLETED", "FAILED"].includes(type)) {
          if (nodeId !== live?.nodeId || (attempt ?? live?.attempt) !== live?.attempt)
            throw new Error(`${key}: ${type} of ${nodeId}/${attempt} was taken from ${live?.nodeId}/${live?.attempt}`);
        }
      }
      if (events.filter(({ type }) => type === "COMPLETED").length > 1) throw new Error(`${key} completed twice`);
    }
  }

  /** The faults stop: every node is there and honest. */
  async heal(): Promise<void> {
    this.faulty = false;
    this.#trouble = "none";
    for (const node of this.nodes) {
      node.alive = true;
      await this.core.nodes.ask(node.id, { type: "UNCORDON", reason: "repaired", by: "operator" }).catch(() => {});
    }
  }

  async honestStep(): Promise<void> {
    for (const node of this.nodes) {
      await this.heartbeat(node);
      for (const [jobId, { attempt, since }] of [...node.runs]) {
        await this.report(node, jobId, attempt, this.clock.now() - since > 10_000 ? 0.9 : 0.5);
      }
    }
    await this.clock.advance(HEARTBEAT);
    this.check();
  }
}

async function simulate(seed: number, steps: number): Promise<void> {
  const simulation = new Simulation(seed);
  await simulation.start();
  for (const node of simulation.nodes) await simulation.register(node);
  for (let step = 0; step < steps; step++) await simulation.step();
  await settle();
  await simulation.clock.advance(5000);
  simulation.audit();

  await simulation.heal();
  // Two queue timeouts and everything a retry may take; most end within minutes.
  const patience = simulation.clock.now() + 3 * jobPolicy.queueTimeout;
  while (simulation.core.jobs.size > 0 && simulation.clock.now() < patience) await simulation.honestStep();
  simulation.audit();
  expect(simulation.core.system.quarantined()).toEqual([]);
  const unfinished = [...simulation.journal.rows].filter(([key, row]) => key.startsWith("job/") && !row.finished);
  if (unfinished.length > 0) throw new Error(`${unfinished.length} jobs have not ended: ${unfinished[0]?.[1].state}`);

  // Every outcome was told to its node exactly once.
  const contexts = <C>(kind: string): C[] =>
    [...simulation.journal.rows]
      .filter(([key]) => key.startsWith(`${kind}/`))
      .map(([, row]) => (JSON.parse(row.snapshot) as { context: C }).context);
  const completed = contexts<JobContext>("job").filter(({ result }) => result !== null).length;
  const credited = contexts<NodeContext>("node").reduce((sum, { jobsCompleted }) => sum + jobsCompleted, 0);
  expect(credited).toBe(completed);
  expect(completed).toBeGreaterThan(simulation.jobs / 10);
  expect(simulation.acknowledged.size).toBeGreaterThan(0);
  await simulation.core.stop();
}

const seeds = process.env.SEED ? [Number(process.env.SEED)] : [1, 2, 3, 4];
for (const seed of seeds) {
  test(`the promises hold whatever happens (seed ${seed})`, async () => {
    try {
      await simulate(seed, Number(process.env.STEPS ?? 700));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }, 60_000);
}
