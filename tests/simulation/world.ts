/**
 * The simulated network: servers over one database, nodes, users, and all that befalls them. One thing happens at a time;
 * what it sets in motion inside a server runs to its end before the next. The same seed and plan give the same run.
 */
import type { JobContext } from "../../src/actors/job/state.ts";
import type { PaymentContext } from "../../src/actors/payment/state.ts";
import type { Millis } from "../../src/actors/runtime/index.ts";
import { Agenda } from "./agenda.ts";
import { SimulatedChain } from "./chain.ts";
import { Chance, Fingerprint } from "./chance.ts";
import { DEEDS } from "./deeds.ts";
import { type Breach, Laws } from "./laws.ts";
import { Network } from "./network.ts";
import { SimulatedNode } from "./node.ts";
import type { Action } from "./plan.ts";
import { jobOf, NODES, nodeId, numberOf, PATIENCE, profileOf, START } from "./scene.ts";
import { Server } from "./server.ts";
import { type Sabotage, Store, wholeOf } from "./store.ts";
import { checkReplay, checkServer } from "./views.ts";
import { Weather } from "./weather.ts";

export interface Trial {
  readonly seed: number;
  /** What is done, and when; an endless plan is followed as far as the steps reach. */
  readonly plan: Iterable<Action>;
  readonly steps: number;
  /** Safety: the faults go on to the end. Liveness: they stop after `steps`, and then every job must end. */
  readonly mode: "safety" | "liveness";
  readonly sabotage?: Sabotage | null;
  /** Ends the faults too, in virtual time since the beginning. */
  readonly until?: Millis;
  /** Is told all that happens, line by line. */
  readonly watch?: (line: string) => void;
}

export interface Outcome {
  readonly breach: (Breach & { readonly step: number; readonly at: Millis }) | null;
  readonly hash: string;
  readonly steps: number;
  readonly virtualTime: Millis;
  /** When the faults stopped, or the run ended under them. */
  readonly faultsUntil: Millis;
  /** Of the plan, what was reached. */
  readonly actions: readonly Action[];
  readonly counts: Readonly<Record<string, number>>;
  readonly met: ReadonlyMap<string, number>;
}

/** All of memory is compared this often; what is written, answered and offered is checked each time. */
const LOOK_EVERY = 256;
const REMEMBERED = 40;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class World {
  readonly agenda = new Agenda(START);
  readonly chance: Chance;
  readonly weather = new Weather();
  readonly network = new Network(this);
  readonly chain = new SimulatedChain(this);
  readonly nodes = new Map<string, SimulatedNode>();
  readonly store: Store;
  readonly laws: Laws;
  readonly sabotage: Sabotage | null;
  /** Jobs whose submission was confirmed. */
  readonly promised = new Set<string>();
  /** Jobs that were parked beside a node with room when memory was last looked at. */
  readonly passedOver = new Set<string>();
  /** Reports as they were sent, to be sent again. */
  readonly remembered: (() => void)[] = [];
  /** How often each event was written and each fault struck. */
  readonly met = new Map<string, number>();
  submitted = 0;
  healed = false;
  steps = 0;
  readonly #fingerprint = new Fingerprint();
  readonly #servers: Server[] = [];
  #startPending = false;
  readonly #done: Action[] = [];

  constructor(private readonly trial: Trial) {
    this.chance = new Chance(trial.seed);
    this.sabotage = trial.sabotage ?? null;
    this.laws = new Laws(new Map(Array.from({ length: NODES }, (_, index) => [nodeId(index), profileOf(index)])));
    this.store = new Store(this.sabotage, (entry, epoch) => {
      this.note(`${entry.ref.kind}/${entry.ref.id} ${entry.expectedVersion + 1} ${entry.to}`);
      this.saw(`${entry.ref.kind} ${(entry.event as { type: string }).type}`);
      this.laws.written(entry, epoch, this.store.epoch);
      if (entry.ref.kind === "payment")
        this.chain.check((entry.snapshot as unknown as { context: PaymentContext }).context, entry.finished);
    });
    this.laws.store = this.store;
    for (let index = 0; index < NODES; index++) this.nodes.set(nodeId(index), new SimulatedNode(this, index));
  }

  /** The server that holds the newest epoch, while it lives. */
  get leader(): Server | undefined {
    const newest = this.#servers.at(-1);
    return newest?.alive ? newest : undefined;
  }

  /** Where the load balancer sends a call: to the leader mostly, for a while after a change to the one before. */
  routed(place: string): Server | undefined {
    const alive = this.#servers.filter((one) => one.alive);
    return alive.length > 1 && this.chance.happens(`${place} is misrouted`, 0.4) ? alive[0] : alive.at(-1);
  }

  startServer(): void {
    const server = new Server(this, (one) => this.network.linkOf(one));
    this.#servers.push(server);
    if (this.#servers.length > 4)
      this.#servers.splice(
        0,
        this.#servers.findIndex((one) => one.alive),
      );
    server.start();
  }

  remember(report: () => void): void {
    this.remembered.push(report);
    if (this.remembered.length > REMEMBERED) this.remembered.shift();
  }

  /** Counts what a run has met, so that a run that meets nothing is not taken for one that holds. */
  saw(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }

  /** Part of what the run's hash is made of. */
  note(text: string): void {
    this.#fingerprint.add(text);
    this.trial.watch?.(text);
  }

  async run(): Promise<Outcome> {
    this.startServer();
    for (const node of this.nodes.values()) node.boot();
    const { plan, steps, mode, until = Number.POSITIVE_INFINITY } = this.trial;
    this.#schedule(plan[Symbol.iterator]());
    while (this.steps < steps && this.agenda.now - START < until && this.laws.breach === null) await this.#step();
    const faultsUntil = this.agenda.now - START;
    if (this.laws.breach === null && mode === "liveness") await this.#recover();
    if (this.laws.breach === null) checkReplay(this.store, this.laws);
    const { breach } = this.laws;
    return {
      breach: breach && { ...breach, step: this.steps, at: this.agenda.now - START },
      hash: this.#fingerprint.toString(),
      steps: this.steps,
      virtualTime: this.agenda.now - START,
      faultsUntil,
      actions: this.#done,
      counts: this.#counts(),
      met: this.met,
    };
  }

  async #step(): Promise<void> {
    if (this.leader === undefined && !this.#startPending) this.#startSoon();
    const next = this.agenda.next();
    if (!next) throw new Error("nothing is ever going to happen again");
    this.steps += 1;
    this.note(`${this.agenda.now.toFixed(3)} ${next.label}`);
    next.run();
    // Now and then the next thing comes in the same turn of the event loop, before anything has followed from this one.
    if (!this.chance.happens("same turn", 0.1)) await nextTurn();
    if (this.steps % LOOK_EVERY === 0) {
      await nextTurn();
      for (const one of this.#servers) if (one.alive) checkServer(one, this);
    }
  }

  /** A supervisor starts the server again, or a standby takes over. */
  #startSoon(): void {
    this.#startPending = true;
    this.agenda.after(null, 200 + this.chance.draw("server starts") * 3000, "server starts", () => {
      this.#startPending = false;
      if (this.leader === undefined) this.startServer();
    });
  }

  /** One action at a time: an endless plan is not known further than it is followed. */
  #schedule(plan: Iterator<Action>): void {
    const next = plan.next();
    if (next.done) return;
    const action = next.value;
    this.agenda.after(null, action.at - (this.agenda.now - START), action.do, () => {
      if (this.healed) return;
      this.#done.push(action);
      this.saw(`deed ${action.do}`);
      DEEDS[action.do](this, action);
      this.#schedule(plan);
    });
  }

  /** The faults stop: all that is down comes up, all is as it should be, and time passes until the last job has ended. */
  async #recover(): Promise<void> {
    this.healed = true;
    this.weather.clear();
    for (const server of this.#servers) {
      server.process.pausedUntil = 0;
      server.skew = 0;
      if (server !== this.leader) server.kill();
    }
    for (const node of this.nodes.values()) {
      node.process.pausedUntil = 0;
      node.disobeysUntil = 0;
      if (node.process.dead) node.boot();
    }
    const patience = this.agenda.now + PATIENCE;
    const healing = { at: 0, a: 0, b: 0, c: 0 } as const;
    DEEDS.resumeBrokering(this, { ...healing, do: "resumeBrokering" });
    for (let left = this.store.unfinished; left.length > 0 && this.laws.breach === null; ) {
      if (this.agenda.now > patience) {
        const state = this.store.rows.get(left[0] ?? "")?.state;
        const late = `${PATIENCE / 1000} s after the last fault`;
        this.laws.broken("every-job-ends", `${left.length} have not, ${late}; ${left[0]} is ${state}`);
      }
      await this.#step();
      left = this.store.unfinished;
    }
    if (this.laws.breach === null) this.#settled();
  }

  /** When all has ended: what was promised is there, and every completion has been told to its node. */
  #settled(): void {
    for (const id of this.promised) {
      const row = this.store.rows.get(`job/${id}`);
      const context = row && (wholeOf(row) as unknown as { context: JobContext }).context;
      const wanted = jobOf(numberOf(id)).fingerprint;
      if (context?.fingerprint !== wanted) {
        this.laws.broken("promised-jobs-are-there", `${id}: ${context?.fingerprint} instead of ${wanted}`);
      } else if (context.result !== null) this.laws.credited(context);
    }
  }

  #counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {
      servers: this.store.epoch,
      commits: this.store.commits,
      transitions: this.laws.checked,
      poison: this.store.poison.length,
    };
    for (const [key, { state }] of this.store.rows) {
      if (!key.startsWith("job/")) continue;
      const status = state.split(".", 1)[0] ?? state;
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }
}
