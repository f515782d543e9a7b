/**
 * A machine that runs jobs, as the reference node does: registers, sends heartbeats with what it runs, repeats a report until
 * it is answered, and stops what it is told to stop. It may be killed, stand still, or be made to misbehave.
 */
import type { ReportSource, ReportVerdict } from "../../src/actors/job/reports.ts";
import type { HeartbeatReply } from "../../src/actors/node/roll-call.ts";
import type { Offer } from "../../src/actors/node-link.ts";
import type { Millis } from "../../src/actors/runtime/index.ts";
import { result } from "../actors/fixtures.ts";
import { newProcess, type Process } from "./agenda.ts";
import { HEARTBEAT, nodeId, profileOf, timing } from "./scene.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

interface Run {
  readonly jobId: string;
  readonly attempt: number;
  /** Of a gang, rank 0 has the result. */
  readonly endsAt: Millis;
  readonly fails: boolean;
  started: boolean;
}

const REPORTS_EVERY: Millis = 3000;
const REPEATS_AFTER: Millis = 2000;

export class SimulatedNode {
  readonly id: string;
  readonly name: string;
  process: Process;
  readonly runs = new Map<string, Run>();
  /** Until when it goes on with what it was told to stop. */
  disobeysUntil: Millis = 0;
  /** What its next heartbeat claims besides what it runs, and whether it leaves that out. */
  claims: string[] = [];
  omits = false;
  #boot = 0;
  #registered = false;

  constructor(
    private readonly world: World,
    readonly index: number,
  ) {
    this.id = nodeId(index);
    this.name = `n${index}`;
    this.process = newProcess(this.name);
  }

  /** A new process on the same machine: it has its identity and nothing else. */
  boot(): void {
    this.process.dead = true;
    this.#boot += 1;
    this.process = newProcess(this.name);
    this.runs.clear();
    this.#registered = false;
    this.#soon(10, "boot", () => this.#beat());
  }

  kill(): void {
    this.process.dead = true;
  }

  /** The node's own word on an offer; null: it says nothing. */
  offered({ jobId, attempt, gang }: Offer): "accepted" | "rejected" | "invalid" | null {
    const { chance, agenda, healed } = this.world;
    const known = this.runs.get(jobId);
    if (known?.attempt === attempt) return "accepted";
    const luck = healed ? 1 : chance.draw(`${this.name} offer`);
    if (luck < 0.06) return "rejected";
    if (luck < 0.07) return "invalid";
    const run: Run = {
      jobId,
      attempt,
      endsAt: agenda.now + 2000 + chance.draw(`${this.name} length`) ** 2 * 45_000 + (gang?.rank === 0 ? 1500 : 0),
      fails: !healed && chance.happens(`${this.name} fails`, 0.12),
      started: false,
    };
    this.runs.set(jobId, run);
    this.#soon(300 + chance.draw(`${this.name} start`) * 2000, "start", () => this.#work(run));
    return luck < 0.1 ? null : "accepted";
  }

  /** Says something about a job to whoever leads. */
  report(
    source: ReportSource,
    say: (server: Server) => Promise<ReportVerdict>,
    what: string,
    done: (goOn: boolean | null) => void,
  ): void {
    const tell = async (server: Server): Promise<ReportVerdict | null> => {
      // As reportingNode does in src/transport/grpc/node-reports.ts.
      if (!server.core.nodes.peek(this.id)) return null;
      server.core.rollCall.heard(this.id);
      const verdict = await say(server);
      if (verdict.kind !== "unknown") this.world.laws.acknowledged(verdict.job);
      if (verdict.kind === "taken") this.world.laws.taken(source, verdict.job);
      return verdict;
    };
    this.world.network.call(this.name, this.process, `${this.name} ${what}`, tell, (verdict) => {
      if (verdict === null) done(null);
      else
        done((verdict.kind === "taken" || verdict.kind === "repeated") && verdict.job.snapshot.context.live !== null);
    });
  }

  #beat(): void {
    const { network, chance } = this.world;
    const again = (): void =>
      this.#soon(HEARTBEAT * (0.9 + chance.draw(`${this.name} beat`) * 0.2), "beat", () => this.#beat());
    if (!this.#registered) {
      network.call(
        this.name,
        this.process,
        `${this.name} registers`,
        (server) => this.#register(server),
        (taken) => {
          this.#registered = taken === true;
          if (this.#registered) again();
          else this.#soon(REPEATS_AFTER, "beat", () => this.#beat());
        },
      );
      return;
    }
    const listed = profileOf(this.index).reportsAttempts && !this.omits ? [...this.runs.keys()] : [];
    const activeJobs = [...new Set([...listed, ...this.claims])];
    this.omits = false;
    this.claims = [];
    const beat = (server: Server): Promise<HeartbeatReply> =>
      server.core.rollCall.heartbeat({ nodeId: this.id, activeJobs });
    network.call(this.name, this.process, `${this.name} beats`, beat, (reply) => {
      if (reply?.known === false) this.#registered = false;
      for (const jobId of reply?.jobsToCancel ?? []) this.#stop(jobId);
    });
    again();
  }

  async #register({ core }: Server): Promise<true> {
    const about = { profile: profileOf(this.index), policy: timing, bootId: `${this.name}-${this.#boot}` };
    const { created, committed } = await core.nodes.create(this.id, { id: this.id, reputation: 75, ...about });
    this.world.laws.acknowledged(committed);
    if (!created) this.world.laws.acknowledged(await core.nodes.ask(this.id, { type: "REGISTERED", ...about }));
    return true;
  }

  #stop(jobId: string): void {
    if (this.disobeysUntil <= this.world.agenda.now) this.runs.delete(jobId);
  }

  /** Goes on with the run: its start, a sign of progress, or its end. */
  #work(run: Run): void {
    const { agenda } = this.world;
    if (this.runs.get(run.jobId) !== run) return;
    const source = this.#sourceOf(run);
    const isOver = agenda.now >= run.endsAt;
    // The C++ build says when it begins and leaves the rest to the engine, which may forget.
    const isSilent = !profileOf(this.index).reportsAttempts && run.attempt % 3 === 0;
    if (isSilent && run.started) {
      if (isOver) this.runs.delete(run.jobId);
      else this.#soon(REPORTS_EVERY, "works", () => this.#work(run));
      return;
    }
    const [what, say] = this.#wordOf(run, source, isOver);
    this.report(source, say, what, (goOn) => {
      if (this.runs.get(run.jobId) !== run) return;
      if (goOn !== null) run.started = true;
      if (goOn === false) this.#stop(run.jobId);
      if (goOn !== null && isOver) this.runs.delete(run.jobId);
      else this.#soon(goOn === null ? REPEATS_AFTER : REPORTS_EVERY, "works", () => this.#work(run));
    });
  }

  #wordOf(run: Run, source: ReportSource, isOver: boolean): [string, (server: Server) => Promise<ReportVerdict>] {
    if (!run.started) return ["started", ({ core }) => core.reports.started(source)];
    if (!isOver) {
      const progress = { ...source, progress: 0.5, epoch: 1, metrics: { loss: 1 }, log: "" };
      return ["progress", ({ core }) => core.reports.progress(progress)];
    }
    const say: (server: Server) => Promise<ReportVerdict> = run.fails
      ? ({ core }) => core.reports.failed(source, "out of memory", false)
      : ({ core }) => core.reports.completed(source, { ...result, signature: "s" });
    const what = run.fails ? "failed" : "completed";
    this.world.remember(() => this.report(source, say, `${what} again`, () => {}));
    return [what, say];
  }

  #sourceOf(run: Run): ReportSource {
    return { nodeId: this.id, jobId: run.jobId, attempt: profileOf(this.index).reportsAttempts ? run.attempt : null };
  }

  #soon(delay: Millis, what: string, run: () => void): void {
    this.world.agenda.after(this.process, delay, `${this.name} ${what}`, run);
  }
}
