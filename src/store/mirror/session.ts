/**
 * The life of one connection: it claims Redis, fills it from the actors' committed states, and then follows their commits
 * until it fails or is told to stop.
 *
 *   claiming    nothing is noted: what is committed meanwhile is in the actors when filling begins
 *   filling     every live actor is put into the backlog; batches go out while what is stale is looked for and removed
 *   following   batches of what was committed; at least one round trip a second, which checks the generation
 *
 * Order: batches go out one at a time, each made in one turn of the event loop from the newest committed states. So an
 * older state never follows a newer one. A removal goes out in front of its batch and is checked against the live actors
 * when the batch is made, so that it never takes away what a newer commit wrote.
 */
import type { FeedItem, JobFeed } from "../../actors/job/feed.ts";
import type { CommittedJob, Jobs } from "../../actors/job/kind.ts";
import type { CommittedNode, Nodes } from "../../actors/node/kind.ts";
import type { RollCall } from "../../actors/node/roll-call.ts";
import { type Clock, failpoints, type Millis } from "../../actors/runtime/index.ts";
import { Backlog } from "./backlog.ts";
import { type Change, commandsOf, type Stale } from "./commands.ts";
import type { MirrorConnection } from "./connection.ts";
import { type Fields, heartbeatOf, imageOfJob, imageOfNode, telemetryOf } from "./image.ts";
import type { MirrorKeys } from "./keys.ts";
import { findStale } from "./stale.ts";

export interface MirrorSources {
  readonly jobs: Pick<Jobs, "live" | "peek" | "size">;
  readonly nodes: Pick<Nodes, "live" | "peek" | "size">;
  readonly feed: Pick<JobFeed, "latest">;
  readonly rollCall: Pick<RollCall, "heardAt">;
}

type AnyCommitted = CommittedJob | CommittedNode;

interface ChangeOf<C extends AnyCommitted> {
  readonly before: C | null;
  readonly after: C;
  readonly event: string;
}

export interface SessionOptions {
  readonly sources: MirrorSources;
  readonly clock: Clock;
  readonly keys: MirrorKeys;
  readonly connection: MirrorConnection;
  /** Names this filling, uniquely. */
  readonly generation: string;
  readonly onFilling: () => void;
  readonly onFilled: (filled: Filled) => void;
}

export interface Filled {
  readonly jobs: number;
  readonly nodes: number;
  /** Keys and members that belonged to nobody any more. */
  readonly removed: number;
}

/** How long commits gather before a batch: nobody sees the difference, and a batch costs less than its parts. */
const GATHER: Millis = 10;
/** The slowest pace of a quiet session. */
const TICK: Millis = 1000;
/** The fastest pace of a job's telemetry: every tick, also one that comes a little early. */
const TELEMETRY_EVERY: Millis = 900;
const HEARTBEATS_EVERY: Millis = 5000;
/** Actors in one batch: about 10 ms of work here and 2 ms of Redis's. */
const BATCH = 500;
const CHANGES = 1000;
/** How long a stopping server waits for what is left. */
const LAST_WORDS: Millis = 1000;

const NOTHING: Stale = { keys: [], jobs: [], nodes: [] };

export class Session {
  #backlog: Backlog | null = null;
  #stopping = false;
  #gathering = false;
  #wake: (() => void) | null = null;
  #telemetryAt: Millis = 0;
  #heartbeatsAt: Millis = 0;
  /** What Redis has of each node's last heartbeat. */
  readonly #heard = new Map<string, Millis | undefined>();
  #writingSince: Millis | null = null;
  #cancelDeadline: (() => void) | null = null;

  constructor(private readonly options: SessionOptions) {}

  // What the mirror tells it. None of these waits or throws.

  noteJob({ before, after, event }: ChangeOf<CommittedJob>): void {
    this.#backlog?.putJob(after, this.options.clock.now());
    this.#noteChange("job", before, after, event);
  }

  noteNode({ before, after, event }: ChangeOf<CommittedNode>): void {
    this.#backlog?.putNode(after, this.options.clock.now());
    this.#noteChange("node", before, after, event);
  }

  noteTelemetry(item: FeedItem): void {
    if (item.type === "telemetry") this.#backlog?.putTelemetry(item.telemetry.jobId);
  }

  /** How old the oldest commit is that Redis does not have. */
  get lag(): Millis {
    const since = this.#writingSince ?? this.#backlog?.oldest ?? null;
    return since === null ? 0 : Math.max(0, this.options.clock.now() - since);
  }

  /** How many things wait to be written. */
  get waiting(): number {
    return this.#backlog?.size ?? 0;
  }

  /** Resolves when it was told to stop; rejects when the connection or the generation is lost. */
  async run(): Promise<void> {
    try {
      await this.options.connection.claim(`${this.options.generation}:filling`);
      await this.#fill();
      await this.#follow();
    } finally {
      this.#backlog = null;
      this.#cancelDeadline?.();
      this.options.connection.close();
    }
  }

  /** Writes what is left, for a moment, and ends. */
  stop(): void {
    this.#stopping = true;
    this.#cancelDeadline = this.options.clock.after(LAST_WORDS, () => this.options.connection.close());
    if (this.#backlog === null) this.options.connection.close();
    this.wake();
  }

  /** Ends a pause early. */
  wake(): void {
    this.#wake?.();
  }

  async #fill(): Promise<void> {
    const { sources, keys, connection, clock, generation } = this.options;
    this.options.onFilling();
    const backlog = new Backlog();
    const now = clock.now();
    for (const node of sources.nodes.live()) backlog.putNode(node, now);
    for (const job of sources.jobs.live()) backlog.putJob(job, now);
    this.#backlog = backlog;
    const { jobs, nodes } = backlog;
    let removed = 0;
    const isLive = (kind: "job" | "node", id: string): boolean => this.#isLive(kind, id);
    for await (const stale of findStale({ keys, isLive, ask: (commands) => connection.ask(commands) })) {
      removed += stale.keys.length + stale.jobs.length + stale.nodes.length;
      await this.#write(backlog, { stale, replace: true });
    }
    // Those of the beginning are served first, so this many batches hold them all.
    const batches = Math.ceil(Math.max(jobs, nodes) / BATCH);
    for (let batch = 0; batch < batches; batch++) await this.#write(backlog, { replace: true });
    const filled: Change = {
      kind: "mirror",
      id: generation,
      version: 0,
      event: "filled",
      from: "",
      to: "",
      at: clock.now(),
    };
    await this.#write(backlog, { replace: true, filled });
    this.options.onFilled({ jobs, nodes, removed });
  }

  async #follow(): Promise<void> {
    const backlog = this.#backlog;
    if (backlog === null) return;
    for (;;) {
      if (this.#stopping && backlog.isEmpty) return;
      if (!this.#stopping) await this.#pause(backlog.isEmpty ? TICK : GATHER);
      await this.#write(backlog, {});
    }
  }

  /** One batch, one round trip. */
  async #write(
    backlog: Backlog,
    { stale = NOTHING, replace = false, filled }: { stale?: Stale; replace?: boolean; filled?: Change },
  ): Promise<void> {
    const { sources, clock, keys, connection, generation } = this.options;
    if (backlog.overflows) throw new Error("it takes changes more slowly than they are made");
    const now = clock.now();
    this.#writingSince = backlog.oldest;
    // Before the nodes are taken: those of this batch bring their heartbeats along.
    const heartbeats = this.#dueHeartbeats(now);
    const batch = {
      stale: this.#stillStale(stale),
      jobs: backlog.takeJobs(BATCH).map((job) => imageOfJob(job, sources.feed.latest(job.ref.id), now)),
      nodes: backlog.takeNodes(BATCH).map((node) => imageOfNode(node, this.#heardNow(node.ref.id))),
      telemetry: this.#dueTelemetry(backlog, now),
      heartbeats,
      changes: [...backlog.takeChanges(CHANGES, now), ...(filled ? [filled] : [])],
      replace,
    };
    if (failpoints.armed) await failpoints.hit("mirror.before_write");
    await connection.write(commandsOf(batch, keys), filled ? `${generation}:complete` : undefined);
    if (failpoints.armed) await failpoints.hit("mirror.after_write");
    this.#writingSince = null;
  }

  #noteChange(kind: "job" | "node", before: AnyCommitted | null, after: AnyCommitted, event: string): void {
    const { ref, version, state, at } = after;
    this.#backlog?.putChange({ kind, id: ref.id, version, event, from: before?.state ?? "", to: state, at });
    if (this.#gathering || this.#wake === null) return;
    this.#gathering = true;
    this.options.clock.after(GATHER, () => this.#wake?.());
  }

  #pause(longest: Millis): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.clock.after(longest, () => this.#wake?.());
      this.#gathering = longest === GATHER;
      this.#wake = () => {
        cancel();
        this.#wake = null;
        resolve();
      };
    });
  }

  #isLive(kind: "job" | "node", id: string): boolean {
    const { jobs, nodes } = this.options.sources;
    return kind === "node" ? nodes.peek(id) !== undefined : jobs.peek(id)?.finished === false;
  }

  #stillStale(stale: Stale): Stale {
    return {
      keys: stale.keys.filter((key) => {
        const actor = this.options.keys.actorOf(key);
        return actor === null || !this.#isLive(actor.kind, actor.id);
      }),
      jobs: stale.jobs.filter((id) => !this.#isLive("job", id)),
      nodes: stale.nodes.filter((id) => !this.#isLive("node", id)),
    };
  }

  #dueTelemetry(backlog: Backlog, now: Millis): (readonly [string, Fields])[] {
    if (now - this.#telemetryAt < TELEMETRY_EVERY) return [];
    this.#telemetryAt = now;
    const { jobs, feed } = this.options.sources;
    return backlog.takeTelemetry(CHANGES).flatMap((id) => {
      const job = jobs.peek(id);
      // A job that has ended has its last numbers; it may have left Redis already and must not come back in part.
      if (job?.snapshot.context.live == null) return [];
      return [[id, telemetryOf(job, feed.latest(id))] as const];
    });
  }

  #dueHeartbeats(now: Millis): (readonly [string, Fields])[] {
    if (now - this.#heartbeatsAt < HEARTBEATS_EVERY) return [];
    this.#heartbeatsAt = now;
    return [...this.#heard].flatMap(([id, before]) => {
      const heardAt = this.#heardNow(id);
      return heardAt === before ? [] : [[id, heartbeatOf(heardAt)] as const];
    });
  }

  #heardNow(id: string): Millis | undefined {
    const heardAt = this.options.sources.rollCall.heardAt(id);
    this.#heard.set(id, heardAt);
    return heardAt;
  }
}
