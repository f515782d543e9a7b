/** A whole core for tests of the broker: a journal in memory, a clock that stands still until told, nodes that answer as a test says. */
import { afterEach } from "bun:test";
import { type Core, createCore } from "../../../src/actors/core.ts";
import { nodesOf } from "../../../src/actors/job/attempt.ts";
import type { JobContext, JobPolicy } from "../../../src/actors/job/state.ts";
import { presenceOf } from "../../../src/actors/node/kind.ts";
import type { NodeLink, Offer, OfferReply } from "../../../src/actors/node-link.ts";
import type { Fairness } from "../../../src/actors/scheduler/broker.ts";
import type { Explanation } from "../../../src/actors/scheduler/explanation.ts";
import type { QueuedJob } from "../../../src/actors/scheduler/ranking.ts";
import { type Demand, demandOf, type JobSpec } from "../../../src/domain/job-spec.ts";
import type { NodeProfile } from "../../../src/domain/node-profile.ts";
import { roomLeft } from "../../../src/domain/placement.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { quietLog } from "../../support/quiet.ts";
import { jobSpec, nodeProfile } from "../fixtures.ts";

const stages: Stage[] = [];

/** To be called once in every file that opens stages. */
export function closeStagesAfterEach(): void {
  afterEach(async () => {
    for (const stage of stages.splice(0)) {
      stage.journal.fault = null;
      stage.journal.down = false;
      await stage.core.stop();
    }
  });
}

export const GIB = 2 ** 30;
export const HEARTBEAT_TIMEOUT = 30_000;

export const policy: JobPolicy = {
  fundsTimeout: 60_000,
  queueTimeout: 3_600_000,
  offerTimeout: 10_000,
  exclusion: 20_000,
  startTimeout: 600_000,
  gracePeriod: 30_000,
  runTimeout: 3_600_000,
  maxRetries: 2,
  maxLosses: 5,
  backoff: 1000,
  maxBackoff: 8000,
};

export const spec = (overrides: Partial<JobSpec> = {}): JobSpec =>
  jobSpec({ memoryBytes: GIB, epochs: 1, ...overrides });

export const profile = (overrides: Partial<NodeProfile> = {}): NodeProfile =>
  nodeProfile({ slots: 4, reportsAttempts: false, ...overrides });

/** A job in the queue, as plain as it comes. */
export const queuedJob = (id: string, overrides: Partial<QueuedJob> = {}): QueuedJob => ({
  id,
  owner: "alice",
  priority: 1,
  queuedAt: 0,
  demand: { device: null, ramBytes: GIB, vramBytes: 0 },
  gang: null,
  rate: 10,
  seconds: 0,
  exclusions: [],
  avoid: [],
  ...overrides,
});

export interface Submission {
  readonly id?: string;
  readonly owner?: string;
  readonly spec?: Partial<JobSpec>;
  readonly policy?: Partial<JobPolicy>;
}

interface StageOptions {
  readonly fairness?: Fairness;
}

export class Stage {
  readonly clock = new FakeClock();
  readonly journal = new MemoryJournal();
  readonly offers: Offer[] = [];
  answer: (offer: Offer) => OfferReply | Promise<OfferReply> = () => ({ accepted: true });
  core: Core;
  #jobs = 0;

  constructor(private readonly options: StageOptions) {
    this.core = this.#createCore();
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(options);
    await stage.core.start();
    stages.push(stage);
    return stage;
  }

  /** The process ends in good order and another takes over from the journal. */
  async restart(): Promise<void> {
    await this.core.stop();
    this.core = this.#createCore();
    await this.core.start();
    await settle();
  }

  async node(id: string, overrides: Partial<NodeProfile> = {}, reputation = 75): Promise<void> {
    await this.core.nodes.create(id, {
      id,
      profile: profile(overrides),
      policy: { heartbeatTimeout: HEARTBEAT_TIMEOUT, gracePeriod: 30_000 },
      bootId: "boot",
      reputation,
    });
  }

  /** The id tells the order of submission, and begins with hex digits, as all do. */
  nextId(): string {
    return `${(this.#jobs++).toString(16).padStart(8, "0")}-job`;
  }

  async submit({
    id = this.nextId(),
    owner = "alice",
    spec: overrides = {},
    policy: policyOverrides = {},
  }: Submission = {}): Promise<string> {
    await this.core.jobs.create(id, {
      id,
      spec: spec(overrides),
      owner,
      userWallet: "",
      fingerprint: id,
      price: "1",
      policy: { ...policy, ...policyOverrides },
      awaitsFunds: false,
    });
    return id;
  }

  submitMany(count: number, submission: Submission = {}): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.submit(submission)));
  }

  async complete(jobId: string): Promise<void> {
    const live = this.job(jobId)!.live!;
    await this.core.reports.completed(
      { nodeId: live.nodeId, jobId, attempt: live.number },
      { weightsUri: "", weightsHash: "", weightsSize: 0, metrics: {}, computeSeconds: 1, signature: "" },
    );
  }

  /** What the journal says of a job, finished or not. */
  job(jobId: string): JobContext | undefined {
    const row = this.journal.rows.get(`job/${jobId}`);
    return row && JSON.parse(row.snapshot).context;
  }

  stateOf(jobId: string): string | undefined {
    return this.journal.rows.get(`job/${jobId}`)?.state;
  }

  nodeOf(jobId: string): string | null {
    return this.job(jobId)?.live?.nodeId ?? null;
  }

  presence(nodeId: string): string {
    return presenceOf(this.core.nodes.peek(nodeId)!.snapshot);
  }

  /** Cancels a job, whatever it is doing. */
  async cancel(jobId: string): Promise<void> {
    await this.core.jobs.ask(jobId, { type: "CANCEL", reason: "" });
    await settle();
  }

  explain(jobId: string): Explanation {
    return this.core.broker.explain(this.core.jobs.peek(jobId)!);
  }

  /** Time passes, and every node sends its heartbeats. */
  async pass(time: number): Promise<void> {
    for (let left = time; left > 0; left -= 5000) {
      for (const { ref } of [...this.core.nodes.live()]) {
        await this.core.rollCall.heartbeat({ nodeId: ref.id, activeJobs: [] }).catch(() => {});
      }
      await this.clock.advance(Math.min(left, 5000));
    }
  }

  /** The jobs that the journal has live on each node. */
  liveInJournal(): Map<string, Demand[]> {
    const live = new Map<string, Demand[]>();
    for (const [key, row] of this.journal.rows) {
      if (!key.startsWith("job/") || row.finished) continue;
      const { context } = JSON.parse(row.snapshot) as { context: JobContext };
      for (const nodeId of context.live === null ? [] : nodesOf(context.live)) {
        live.set(nodeId, [...(live.get(nodeId) ?? []), demandOf(context.spec)]);
      }
    }
    return live;
  }

  /** Nodes that have promised more than they have (I3): in the journal, or with what is on its way there. */
  overfull(): string[] {
    const journal = this.liveInJournal();
    return [...this.core.nodes.live()].flatMap(({ ref, snapshot }) => {
      const demandsOf = (jobIds: Iterable<string>) => [...jobIds].map((id) => demandOf(this.job(id)!.spec));
      const held = demandsOf(this.core.broker.pool.attemptsOn(ref.id));
      return [journal.get(ref.id) ?? [], held].some((demands) => {
        const { slots, ramBytes } = roomLeft(snapshot.context.profile, demands);
        return Math.min(slots, ramBytes) < 0;
      })
        ? [ref.id]
        : [];
    });
  }

  #createCore(): Core {
    const link: NodeLink = {
      offer: async (offer) => {
        this.offers.push(offer);
        return this.answer(offer);
      },
      probe: async () => true,
    };
    return createCore({
      clock: this.clock,
      journal: this.journal,
      texts: this.journal,
      log: quietLog,
      link,
      heartbeatInterval: 10_000,
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      probeDelay: { first: 1000, slowest: 10_000 },
      maxPending: 100_000,
      ...(this.options.fairness && { fairness: this.options.fairness }),
      onDeposed: () => {},
    });
  }
}
