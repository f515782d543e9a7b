/**
 * One server process: the real core over the simulated ports. It can be frozen, killed at once, or killed at its next so
 * many dealings with the world, which is between any two of its awaits that matter. Servers know nothing of each other.
 */
import type { Core } from "../../src/actors/core.ts";
import { createCore } from "../../src/actors/core.ts";
import type { NodeLink } from "../../src/actors/node-link.ts";
import type { Clock, Log, Millis } from "../../src/actors/runtime/index.ts";
import { newProcess, type Process } from "./agenda.ts";
import { SimulatedJournal } from "./journal.ts";
import { HEARTBEAT, MAX_RUNNING_PER_OWNER, timing } from "./scene.ts";
import type { World } from "./world.ts";

/** The real one looks this often whether it still leads. */
const LOOKS_EVERY: Millis = 3000;

export class Server {
  readonly process: Process;
  readonly epoch: number;
  readonly core: Core;
  /** It takes messages. */
  serving = false;
  /** How far its wall clock is from the world's. */
  skew: Millis = 0;
  #fuse: number | null = null;

  constructor(
    private readonly world: World,
    link: (server: Server) => NodeLink,
  ) {
    this.epoch = world.store.lead();
    this.process = newProcess(`s${this.epoch}`);
    const { agenda, chance } = world;
    const clock: Clock = {
      now: () => Math.floor(agenda.now) + this.skew,
      // Real timers are late now and then.
      after: (delay, run) =>
        agenda.after(this.process, delay + Math.floor(chance.draw("late timer") * 4), "timer", run),
    };
    const mayAct = () => this.mayAct();
    const connection = { process: this.process, epoch: this.epoch, mayAct };
    const journal = new SimulatedJournal(world, connection, world.sabotage);
    this.core = createCore({
      clock,
      journal,
      texts: journal,
      log: this.#log(),
      link: link(this),
      money: { chain: world.chain.linkOf(this), pace: { lookEvery: 2000, sendEvery: 5000 }, lockRetry: 5000 },
      heartbeatInterval: HEARTBEAT,
      heartbeatTimeout: timing.heartbeatTimeout,
      probeDelay: { first: 1000, slowest: 10_000 },
      maxPending: 10_000,
      fairness: {
        weightOf: (owner) => (owner === "owner-0" ? 2 : 1),
        maxRunningPerOwner: MAX_RUNNING_PER_OWNER,
        patience: 5000,
      },
      onDeposed: () => this.#stopSoon(),
      nextTurn: (run) => void agenda.after(this.process, 0, `${this.process.name} turn`, run),
    });
  }

  get alive(): boolean {
    return !this.process.dead;
  }

  start(): void {
    this.core.start().then(
      () => {
        this.serving = true;
      },
      (error: unknown) => {
        this.world.note(`${this.process.name} could not start: ${String(error)}`);
        this.kill();
      },
    );
    this.#lookWhoLeads();
  }

  /** Dies now, or after so many further dealings with the world. */
  kill(after = 0): void {
    if (after > 0) this.#fuse = after;
    else this.process.dead = true;
  }

  /** To be asked before each dealing with the world. */
  mayAct(): boolean {
    if (this.#fuse !== null && --this.#fuse <= 0) this.process.dead = true;
    return this.alive;
  }

  #lookWhoLeads(): void {
    this.world.agenda.after(this.process, LOOKS_EVERY, `${this.process.name} looks`, () => {
      if (this.world.store.epoch === this.epoch) this.#lookWhoLeads();
      else this.#stopSoon();
    });
  }

  /** It takes the real server a moment to go: meanwhile it answers and calls as before. */
  #stopSoon(): void {
    this.world.agenda.after(this.process, this.world.chance.draw("stops") * 5000, `${this.process.name} stops`, () =>
      this.kill(),
    );
  }

  #log(): Log {
    const log: Log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (message, fields) => {
        if (this.alive)
          this.world.laws.broken(
            "no-error-is-logged",
            `${message}: ${JSON.stringify(fields)} ${String(fields?.error ?? "")}`,
          );
      },
      with: () => log,
    };
    return log;
  }
}
