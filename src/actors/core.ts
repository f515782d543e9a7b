/**
 * The server without its edges: actors, scheduler, roll call, reports and feed, wired together over the ports. The real
 * server gives it PostgreSQL, gRPC and the system clock; a simulator gives it its own.
 */
import { JobFeed as Feed, type JobFeed } from "./job/feed.ts";
import { type Jobs, jobKind } from "./job/kind.ts";
import { Reports } from "./job/reports.ts";
import { type Nodes, nodeKind } from "./node/kind.ts";
import { RollCall } from "./node/roll-call.ts";
import type { NodeLink } from "./node-link.ts";
import type { Pace, PaymentChain } from "./payment/chain.ts";
import { payForProgress } from "./payment/claims.ts";
import { type Payments, paymentKind } from "./payment/kind.ts";
import {
  ActorSystem,
  type Clock,
  EventRejected,
  failpoints,
  type Journal,
  type JournalDeposed,
  type Log,
  type Millis,
  type Texts,
} from "./runtime/index.ts";
import { Broker, type Fairness } from "./scheduler/broker.ts";
import { type Scheduler, schedulerKind } from "./scheduler/kind.ts";
import { SCHEDULER_ID } from "./scheduler/machine.ts";

export interface CoreOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly texts: Texts;
  readonly log: Log;
  readonly link: NodeLink;
  /** Absent: no money moves, and no job may have a payment. */
  readonly money?: Money;
  readonly heartbeatInterval: Millis;
  readonly heartbeatTimeout: Millis;
  readonly probeDelay: { readonly first: Millis; readonly slowest: Millis };
  readonly maxPending: number;
  /** Absent: all owners weigh the same, and no one is limited. */
  readonly fairness?: Fairness;
  readonly onDeposed: (error: JournalDeposed) => void;
  /** Absent: the event loop's own. */
  readonly nextTurn?: (callback: () => void) => void;
}

export interface Money {
  readonly chain: PaymentChain;
  readonly pace: Pace;
  /** After a lock that could not be made, when it is tried again. */
  readonly lockRetry: Millis;
}

export interface Core {
  readonly system: ActorSystem;
  readonly jobs: Jobs;
  readonly nodes: Nodes;
  /** Null: no money moves. */
  readonly payments: Payments | null;
  readonly scheduler: Scheduler;
  readonly broker: Broker;
  readonly rollCall: RollCall;
  readonly reports: Reports;
  readonly feed: JobFeed;
  readonly texts: Texts;
  /** Recovers every live actor and begins to broker. The caller holds the leadership. */
  start(): Promise<void>;
  /** Stops brokering and lets what is under way commit. */
  stop(): Promise<void>;
}

/** A heartbeat on its way when the process starts may take this much longer than the interval. */
const HEARTBEAT_SLACK: Millis = 2000;

export function createCore(options: CoreOptions): Core {
  const { clock, journal, texts, log, link, money } = options;
  const system = new ActorSystem({
    clock,
    journal,
    log,
    outsideGrace: options.heartbeatInterval + HEARTBEAT_SLACK,
    maxPending: options.maxPending,
    onDeposed: options.onDeposed,
    ...(options.nextTurn && { nextTurn: options.nextTurn }),
  });
  // Registered, and so recovered, in the order in which they refer to each other.
  const nodes: Nodes = system.register(nodeKind({ link, clock, probeDelay: options.probeDelay }));
  const jobs: Jobs = system.register(
    jobKind({
      link,
      texts,
      nodes,
      ...(money && { money: { payments: () => payments as Payments, lockRetry: money.lockRetry } }),
    }),
  );
  const payments: Payments | null = money
    ? system.register(paymentKind({ chain: money.chain, pace: money.pace, clock, jobs: () => jobs }))
    : null;
  if (payments) payForProgress(jobs, nodes, payments);
  const scheduler: Scheduler = system.register(schedulerKind);
  const feed = new Feed(jobs, log);
  const broker = new Broker({ clock, log, jobs, nodes, ...(options.fairness && { fairness: options.fairness }) });
  const rollCall = new RollCall({
    clock,
    log,
    jobs,
    nodes,
    pool: broker.pool,
    reinstate: (jobId, nodeId, attempt) => broker.reinstate(jobId, nodeId, attempt),
    heartbeatTimeout: options.heartbeatTimeout,
  });
  const reports = new Reports(jobs, feed, clock, (jobId, nodeId, attempt) => broker.reinstate(jobId, nodeId, attempt));
  scheduler.onCommit(({ after }) => broker.setOpen(after.state === "brokering"));

  return {
    system,
    jobs,
    nodes,
    payments,
    scheduler,
    broker,
    rollCall,
    reports,
    feed,
    texts,
    start: async () => {
      const found = await system.recover();
      if (failpoints.armed) await failpoints.hit("recovery.loaded");
      broker.reconcile();
      system.start();
      const { created } = await scheduler.create(SCHEDULER_ID, {});
      if (!created) await scheduler.ask(SCHEDULER_ID, { type: "LEADER_STARTED" }).catch(alreadyThere);
      await scheduler.ask(SCHEDULER_ID, { type: "RECONCILED" });
      rollCall.sweep();
      rollCall.start();
      log.info("recovered", Object.fromEntries([...found].map(([kind, counts]) => [kind, counts.loaded])));
    },
    stop: async () => {
      broker.stop();
      rollCall.stop();
      await system.stop();
    },
  };
}

/** A server killed while reconciling finds the scheduler reconciling: the event changes nothing, which is what it is for. */
function alreadyThere(error: unknown): void {
  if (!(error instanceof EventRejected)) throw error;
}
