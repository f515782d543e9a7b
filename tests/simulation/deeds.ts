/** What each deed of a plan does. All of it comes from outside the servers; what they refuse is refused, and that is all. */
import type { ReportVerdict } from "../../src/actors/job/reports.ts";
import type { JobContext } from "../../src/actors/job/state.ts";
import type { Millis } from "../../src/actors/runtime/index.ts";
import { SCHEDULER_ID } from "../../src/actors/scheduler/machine.ts";
import { result } from "../actors/fixtures.ts";
import { newProcess, type Process } from "./agenda.ts";
import { pickOf } from "./chance.ts";
import type { SimulatedNode } from "./node.ts";
import type { Action, Deed } from "./plan.ts";
import { jobId, jobOf, numberOf } from "./scene.ts";
import type { Server } from "./server.ts";
import type { Fault } from "./weather.ts";
import type { World } from "./world.ts";

type Do = (world: World, action: Action) => void;

/** Users and operators sit somewhere on the network as well; they give up rather than repeat. */
const USERS: Process = newProcess("user");
const SUBMIT_TRIES = 4;

const by = "operator";
const span = (from: Millis, to: Millis, at: number): Millis => Math.round(from + (to - from) * at);

function ask(world: World, what: string, say: (server: Server) => Promise<unknown>): void {
  world.network.call("user", USERS, `user ${what}`, say, () => {});
}

const acknowledge = (world: World, committed: Parameters<World["laws"]["acknowledged"]>[0]): void =>
  world.laws.acknowledged(committed);

function submit(world: World, number: number, tries = SUBMIT_TRIES): void {
  const input = jobOf(number);
  const create = async ({ core }: Server): Promise<true> => {
    const { committed } = await core.jobs.create(input.id, input);
    acknowledge(world, committed);
    world.promised.add(input.id);
    return true;
  };
  world.network.call("user", USERS, "user submits", create, (taken) => {
    if (taken === null && tries > 1)
      world.agenda.after(null, 1000, "user again", () => submit(world, number, tries - 1));
  });
}

const onNode =
  (act: (world: World, node: SimulatedNode, action: Action) => void): Do =>
  (world, action) => {
    const node = pickOf([...world.nodes.values()], action.a);
    if (node) act(world, node, action);
  };

/** One of the jobs of late: older ones are over. */
function someJob(world: World, at: number): string {
  const newest = world.submitted;
  return jobId(Math.max(1, newest - Math.floor(at * Math.min(newest, 60))));
}

const spell =
  (fault: Fault, longest: Millis): Do =>
  (world, { a, b, c }) => {
    const places = [...world.nodes.values()].map(({ name }) => name);
    const place = fault === "cut" || fault === "drop" || fault === "duplicate" || fault === "delay";
    world.weather.set(
      fault,
      place ? (pickOf([...places, "user"], a) ?? "") : "",
      world.agenda.now + span(500, longest, b),
      0.2 + 0.8 * c,
    );
  };

/** A report of a job that it may or may not have, of an attempt that may or may not have been. */
function lie(world: World, node: SimulatedNode, { b, c }: Action): void {
  const own = pickOf([...node.runs.values()], b);
  const id = c < 0.5 && own ? own.jobId : someJob(world, b);
  const row = world.store.rows.get(`job/${id}`);
  const newest = row ? (JSON.parse(row.snapshot) as { context: JobContext }).context.attempt : 0;
  const luck = (c * 37) % 1;
  const attempt = luck < 0.3 ? null : Math.max(0, newest + Math.floor(luck * 5) - 3);
  const source = { nodeId: node.id, jobId: id, attempt };
  const say = ({ core: { reports } }: Server): Promise<ReportVerdict> => {
    const kind = (c * 101) % 1;
    if (kind < 0.2) return reports.started(source);
    if (kind < 0.5) return reports.progress({ ...source, progress: b, epoch: 1, metrics: {}, log: "" });
    if (kind < 0.8) return reports.completed(source, result);
    return reports.failed(source, "so it says", kind > 0.95);
  };
  node.report(source, say, "lies", () => {});
}

/** A control of the network: repeated until it is there, or says nothing new. */
const command =
  (event: (action: Action, world: World) => Parameters<Server["core"]["nodes"]["ask"]>[1]): Do =>
  (world, action) => {
    const node = pickOf([...world.nodes.values()], action.a);
    if (!node) return;
    ask(world, event(action, world).type, async ({ core }) =>
      acknowledge(world, await core.nodes.ask(node.id, event(action, world))),
    );
  };

/** Operators mend what is amiss, and look for it. */
const mend =
  (isAmiss: (node: StoredNode) => boolean, event: Parameters<Server["core"]["nodes"]["ask"]>[1]): Do =>
  (world, { a }) => {
    const amiss = [...world.nodes.values()].filter(({ id }) => {
      const row = world.store.rows.get(`node/${id}`);
      return row !== undefined && isAmiss(JSON.parse(row.snapshot) as StoredNode);
    });
    const node = pickOf(amiss, a);
    if (node) ask(world, event.type, async ({ core }) => acknowledge(world, await core.nodes.ask(node.id, event)));
  };

interface StoredNode {
  readonly value: { readonly service: string; readonly standing: string };
}

const schedule =
  (type: "PAUSE" | "RESUME"): Do =>
  (world) =>
    ask(world, type, async ({ core }) =>
      acknowledge(world, await core.scheduler.ask(SCHEDULER_ID, { type, reason: "", by })),
    );

export const DEEDS: Readonly<Record<Deed, Do>> = {
  submit: (world) => submit(world, ++world.submitted),
  /** More at once than there is room for. */
  rush: (world, { a }) => {
    for (let left = Math.ceil(a * 20); left > 0; left--) submit(world, ++world.submitted);
  },
  submitAgain: (world, { a }) => {
    if (world.submitted > 0) submit(world, Math.max(1, Math.ceil(world.submitted * a)));
  },
  cancel: (world, { a }) =>
    ask(world, "cancels", async ({ core }) =>
      acknowledge(world, await core.jobs.ask(someJob(world, a), { type: "CANCEL", reason: "no more" })),
    ),
  lockFunds: (world) => {
    const waiting = world.store.unfinishedJobs
      .filter((key) => world.store.rows.get(key)?.state === "pending.awaitingFunds")
      .map((key) => key.slice("job/".length))
      // The others' payments lock theirs.
      .filter((id) => jobOf(numberOf(id)).payment === undefined);
    for (const id of waiting) {
      ask(world, "locks", async ({ core }) => acknowledge(world, await core.jobs.ask(id, { type: "FUNDS_LOCKED" })));
    }
  },
  complain: onNode((world, node, { b }) => {
    const id = someJob(world, b);
    ask(world, "complains", async ({ core }) => {
      const complaint = { type: "COMPLAINT", jobId: id, jobCreatedAt: 0, attempt: 1, reason: "bad", by } as const;
      acknowledge(world, await core.nodes.ask(node.id, complaint));
    });
  }),
  cordon: command(() => ({ type: "CORDON", reason: "", by })),
  drain: command(({ b }, world) => ({
    type: "DRAIN",
    reason: "",
    by,
    until: b < 0.3 ? null : Math.floor(world.agenda.now + span(0, 30_000, b)),
  })),
  uncordon: mend(({ value }) => value.service !== "inService", { type: "UNCORDON", reason: "", by }),
  ban: command(({ b, c }, world) => ({
    type: "BAN",
    reason: "",
    by,
    evict: c < 0.5,
    until: b < 0.3 ? null : Math.floor(world.agenda.now + span(0, 60_000, b)),
  })),
  unban: mend(({ value }) => value.standing !== "good", { type: "UNBAN", reason: "", by }),
  pauseBrokering: schedule("PAUSE"),
  resumeBrokering: schedule("RESUME"),
  killNode: onNode((world, node, { b }) => {
    node.kill();
    const dead = node.process;
    world.agenda.after(null, span(500, 60_000, b ** 2), "node boots", () => {
      if (node.process === dead) node.boot();
    });
  }),
  // It registers, and is gone before its first heartbeat.
  killNewborn: onNode((world, node, { b }) => {
    node.boot();
    const born = node.process;
    world.agenda.after(null, span(12, 80, b), "newborn dies", () => {
      born.dead = true;
      world.agenda.after(null, 40_000, "node boots", () => {
        if (node.process === born) node.boot();
      });
    });
  }),
  // Silent, and back with all that it ran: within the grace period, or long after it.
  stallNode: onNode((world, node, { b }) => {
    node.process.pausedUntil = world.agenda.now + span(1000, 50_000, b);
  }),
  disobey: onNode((world, node, { b }) => {
    node.disobeysUntil = world.agenda.now + span(1000, 60_000, b);
  }),
  omit: onNode((_, node) => {
    node.omits = true;
  }),
  claim: onNode((world, node, { b, c }) => {
    node.claims = [someJob(world, b), someJob(world, c)];
  }),
  lie: onNode(lie),
  repeat: (world, { a }) => pickOf(world.remembered, a)?.(),
  cut: spell("cut", 40_000),
  drop: spell("drop", 15_000),
  duplicate: spell("duplicate", 15_000),
  delay: spell("delay", 15_000),
  loseCommits: spell("loseCommits", 3000),
  doubtCommits: spell("doubtCommits", 3000),
  landLate: spell("landLate", 3000),
  outage: spell("outage", 8000),
  slowDatabase: spell("slowDatabase", 8000),
  chainDrop: spell("chainDrop", 60_000),
  chainLate: spell("chainLate", 60_000),
  chainError: spell("chainError", 60_000),
  chainOutage: spell("chainOutage", 40_000),
  chainLag: spell("chainLag", 90_000),
  chainFork: spell("chainFork", 30_000),
  fund: (world, { a }) => world.chain.fund("wallet-3", BigInt(Math.ceil(a * 5000))),
  crash: (world) => world.leader?.kill(),
  crashMidway: (world, { a }) => world.leader?.kill(1 + Math.floor(a * 12)),
  freeze: (world, { a }) => {
    if (world.leader) world.leader.process.pausedUntil = world.agenda.now + span(1000, 25_000, a);
  },
  // A standby takes over while the leader is alive, at work or frozen: it wakes up and goes on as if nothing had been.
  usurp: (world, { a, b }) => {
    if (!world.leader?.serving) return;
    if (a < 0.5) world.leader.process.pausedUntil = world.agenda.now + span(500, 6000, b);
    world.startServer();
  },
  setClock: (world, { a }) => {
    if (world.leader) world.leader.skew = span(-3000, 8000, a);
  },
};
