/**
 * What must hold of every write, every answer and every offer, checked when it happens against a small model of its own:
 * it follows the log of events and shares no code with the machines. The first breach ends the run.
 */
import type { JobContext, JobEvent } from "../../src/actors/job/state.ts";
import type { NodeEvent } from "../../src/actors/node/state.ts";
import type { Offer } from "../../src/actors/node-link.ts";
import type { ActorRef, JournalEntry } from "../../src/actors/runtime/index.ts";
import { gangSizeOf, type JobSpec } from "../../src/domain/job-spec.ts";
import { keyOf, type Store } from "./store.ts";

export interface Breach {
  readonly law: string;
  readonly what: string;
}

type Outcome = Extract<NodeEvent, { readonly type: "OUTCOME" }>;

interface Live {
  readonly number: number;
  readonly nodes: readonly string[];
}

interface Model {
  version: number;
  finished: boolean;
  deadline: number | null;
}

interface JobModel extends Model {
  status: string;
  attempts: number;
  live: Live | null;
  /** The nodes of each attempt, by its number less one. */
  readonly offers: (readonly string[])[];
  /** The versions to which a report of the live attempt has led. */
  readonly counted: Set<number>;
}

interface Source {
  readonly nodeId: string;
  readonly attempt: number | null;
}

interface Machine {
  readonly slots: number;
  readonly ramBytes: number;
}

const REPORTS: ReadonlySet<string> = new Set(["STARTED", "PROGRESS", "COMPLETED", "FAILED", "ATTEMPT_GONE"]);
const TERMINAL: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);

/** RAM a job takes, by its specification: that of a GPU job is the GPU's. */
const ramOf = ({ device, memoryBytes }: JobSpec): number => (device === null ? memoryBytes : 0);

const TIME_IS_UP: ReadonlySet<string> = new Set(["queue_timeout", "max_duration"]);

const liveOf = ({ live }: JobContext): Live | null =>
  live && { number: live.number, nodes: live.members?.map(({ nodeId }) => nodeId) ?? [live.nodeId] };

const speaksOf = (live: Live | null, { nodeId, attempt }: Source): boolean =>
  live?.nodes.includes(nodeId) === true && (attempt === null || attempt === live.number);

export class Laws {
  breach: Breach | null = null;
  checked = 0;
  readonly #models = new Map<string, Model>();
  readonly #jobs = new Map<string, JobModel>();
  /** By node: the jobs with a live attempt there, and the RAM each takes. */
  readonly #held = new Map<string, Map<string, number>>();
  /** By node: the outcomes of attempts that it has been told. */
  readonly #told = new Set<string>();
  #highestEpoch = 0;

  constructor(private readonly machines: ReadonlyMap<string, Machine>) {}

  broken(law: string, what: string): void {
    this.breach ??= { law, what };
  }

  /** An entry has been written by a server of that epoch. */
  written(entry: JournalEntry, epoch: number, leader: number): void {
    const { ref, expectedVersion, event, deadline, finished, at } = entry;
    const key = keyOf(ref);
    const { type } = event as unknown as { type: string };
    this.checked += 1;
    this.#require(
      epoch === leader && epoch >= this.#highestEpoch,
      "only-the-leader-writes",
      () => `${key}: ${type} was written by ${epoch}, ${leader} leads`,
    );
    this.#highestEpoch = Math.max(epoch, this.#highestEpoch);
    const model: Model = (ref.kind === "job" ? this.#jobs.get(ref.id) : this.#models.get(key)) ?? {
      version: 0,
      finished: false,
      deadline: null,
      ...(ref.kind === "job" && { status: "", attempts: 0, live: null, offers: [], counted: new Set() }),
    };
    this.#require(
      expectedVersion === model.version,
      "versions-are-contiguous",
      () => `${key}: ${type} was computed from ${expectedVersion} and follows ${model.version}`,
    );
    this.#require(
      (type === "created") === (model.version === 0),
      "one-creation",
      () => `${key}: ${type} at version ${model.version + 1}`,
    );
    this.#require(!model.finished, "finished-is-finished", () => `${key}: ${type} after its end`);
    if (type === "DEADLINE") {
      this.#require(
        model.deadline !== null && model.deadline <= at,
        "deadlines-fall-on-their-state",
        () => `${key}: at ${at}, due ${model.deadline}`,
      );
    }
    if (ref.kind === "job") {
      this.#jobs.set(ref.id, model as JobModel);
      this.#jobWritten(entry, model as JobModel);
    } else this.#models.set(key, model);
    if (type === "OUTCOME") this.#outcomeWritten(ref.id, event as unknown as Outcome);
    model.version = expectedVersion + 1;
    model.finished = finished;
    model.deadline = deadline;
  }

  /** Somebody has been told this state: it must be in the journal, now. */
  acknowledged({
    ref,
    version,
    state,
  }: {
    readonly ref: ActorRef;
    readonly version: number;
    readonly state: string;
  }): void {
    const row = this.store?.rows.get(keyOf(ref));
    const logged = this.store?.log.get(keyOf(ref))?.[version - 1];
    this.#require(
      row !== undefined && row.version >= version && logged?.to === state,
      "acknowledged-is-written",
      () =>
        `${keyOf(ref)}: ${state} at ${version} was told, the journal has ${logged?.to} there and is at ${row?.version}`,
    );
  }

  /** A server calls a node: the attempt must have been committed before. */
  offered({ jobId, attempt, target }: Offer): void {
    const nodes = this.#jobs.get(jobId)?.offers[attempt - 1];
    this.#require(
      nodes?.includes(target.nodeId) === true,
      "offers-are-committed",
      () => `attempt ${attempt} of ${jobId} is offered to ${target.nodeId}, the journal has ${nodes}`,
    );
  }

  /** At the end: the node that completed the job has been told so. */
  credited({ id, result }: JobContext): void {
    if (result === null) return;
    const told = `${result.nodeId} ${id}/${result.attempt} completed`;
    this.#require(
      this.#told.has(told),
      "outcomes-are-told",
      () => `${id}: ${result.nodeId} does not know that attempt ${result.attempt} completed`,
    );
  }

  /** Set once the store exists: the two refer to each other. */
  store: Store | null = null;

  #jobWritten({ ref, event, to, snapshot, deadline }: JournalEntry, model: JobModel): void {
    const { context } = snapshot as unknown as { context: JobContext };
    const said = event as unknown as JobEvent;
    const status = to.split(".", 1)[0] ?? to;
    const name = `${ref.id}: ${said.type}`;
    this.#require(
      !TERMINAL.has(model.status) || status === model.status,
      "ends-are-final",
      () => `${name} led from ${model.status} to ${to}`,
    );
    this.#require(
      TERMINAL.has(status) ? context.live === null : deadline !== null && Number.isFinite(deadline),
      "every-state-has-a-way-out",
      () => `${name} led to ${to}, deadline ${deadline}`,
    );
    this.#require(
      (status === "assigned" || status === "running") === (context.live !== null),
      "live-attempts-have-states",
      () => `${name} led to ${to}, live ${JSON.stringify(context.live)}`,
    );
    this.#follow(said, model, name, context);
    const now = liveOf(context);
    this.#require(
      now === null || (now.number === model.live?.number && now.nodes.join() === model.live.nodes.join()),
      "one-live-attempt",
      () => `${name} left ${JSON.stringify(now)} live, by the log it is ${JSON.stringify(model.live)}`,
    );
    this.#require(
      context.attempt === model.attempts,
      "attempts-are-counted",
      () => `${name}: ${context.attempt} attempts, by the log ${model.attempts}`,
    );
    this.#hold(ref.id, model.live?.nodes ?? [], now?.nodes ?? [], ramOf(context.spec));
    model.live = now;
    model.status = status;
  }

  /** An attempt has one end, and as many more as it was taken up again; what comes of it for its node comes once. */
  #outcomeWritten(nodeId: string, { jobId, attempt, outcome, returns = 0 }: Outcome): void {
    const told = `${nodeId} ${jobId}/${attempt}/${returns} ${outcome === "silent" ? outcome : "ended"}`;
    this.#require(!this.#told.has(told), "outcomes-are-told-once", () => `${told} again: ${outcome}`);
    this.#told.add(told);
    if (outcome === "completed") this.#told.add(`${nodeId} ${jobId}/${attempt} completed`);
  }

  /** What the event means for the live attempt, before it is known how the machine took it. */
  #follow(event: JobEvent, model: JobModel, name: string, { spec, failure }: JobContext): void {
    const before = model.live;
    if (event.type === "OFFER") {
      const nodes = [event.nodeId, ...(event.others ?? [])];
      this.#require(
        before === null && model.status === "pending",
        "one-live-attempt",
        () => `${name} beside ${JSON.stringify(before)}`,
      );
      this.#require(new Set(nodes).size === gangSizeOf(spec), "gangs-are-whole", () => `${name} to ${nodes}`);
      model.attempts += 1;
      model.offers.push(nodes);
      this.#release(model, name);
      model.live = { number: model.attempts, nodes };
    } else if (event.type === "ORIGINAL_BACK") {
      const nodes = model.offers[event.attempt - 1];
      this.#require(
        nodes?.join() === event.nodeId,
        "originals-were-offered",
        () => `${name} of ${event.nodeId}/${event.attempt}, offered to ${nodes}`,
      );
      this.#release(model, name);
      model.live = { number: event.attempt, nodes: nodes ?? [] };
    } else if (REPORTS.has(event.type)) {
      const source = event as unknown as Source;
      // A waiting job whose time is up ends by whatever event comes first; that this is no report taken, `taken` sees to.
      const isTimeUp = before === null && failure !== null && TIME_IS_UP.has(failure.code);
      this.#require(
        speaksOf(before, source) || isTimeUp,
        "only-the-live-attempt-reports",
        () => `${name} of ${source.nodeId}/${source.attempt} was taken, live is ${JSON.stringify(before)}`,
      );
      if (!isTimeUp) model.counted.add(model.version + 1);
    }
  }

  /** A node was told that its report counts: it is in the log as one of the live attempt, or the attempt is live still. */
  taken(
    source: Source,
    job: { readonly ref: ActorRef; readonly version: number; readonly snapshot: { readonly context: JobContext } },
  ): void {
    const live = liveOf(job.snapshot.context);
    const counted = this.#jobs.get(job.ref.id)?.counted.has(job.version) === true;
    this.#require(
      counted || speaksOf(live, source),
      "taken-reports-count",
      () => `${job.ref.id}: a report of ${source.nodeId}/${source.attempt} was called taken at version ${job.version}`,
    );
  }

  /** The room of the attempt that another takes the place of in the same commit is free again. */
  #release({ live }: JobModel, name: string): void {
    const jobId = name.slice(0, name.indexOf(":"));
    for (const nodeId of live?.nodes ?? []) this.#held.get(nodeId)?.delete(jobId);
  }

  #hold(jobId: string, before: readonly string[], nodes: readonly string[], ram: number): void {
    for (const nodeId of before) if (!nodes.includes(nodeId)) this.#held.get(nodeId)?.delete(jobId);
    for (const nodeId of nodes) {
      let held = this.#held.get(nodeId);
      if (!held) {
        held = new Map();
        this.#held.set(nodeId, held);
      }
      if (held.has(jobId)) continue;
      held.set(jobId, ram);
      const machine = this.machines.get(nodeId);
      const taken = [...held.values()].reduce((sum, one) => sum + one, 0);
      this.#require(
        machine !== undefined && held.size <= machine.slots && taken <= machine.ramBytes,
        "nodes-are-not-overfull",
        () =>
          `${nodeId} holds ${held.size} attempts and ${taken} bytes, it has ${machine?.slots} slots and ${machine?.ramBytes}`,
      );
    }
  }

  #require(holds: boolean, law: string, what: () => string): void {
    if (!holds) this.broken(law, what());
  }
}
