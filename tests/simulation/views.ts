/**
 * What a server has in memory, held against the journal and against itself. Every server: what it shows is in the journal.
 * The leader besides: queue, rooms and explanations follow from its jobs and nodes (I3, I4, I10).
 */
import { nodesOf } from "../../src/actors/job/attempt.ts";
import { jobMachine } from "../../src/actors/job/machine.ts";
import { nodeMachine } from "../../src/actors/node/machine.ts";
import { paymentMachine } from "../../src/actors/payment/machine.ts";
import { type ActorKind, type Committed, replay } from "../../src/actors/runtime/index.ts";
import { schedulerMachine } from "../../src/actors/scheduler/machine.ts";
import type { Server } from "./server.ts";
import { type Store, wholeOf } from "./store.ts";
import type { World } from "./world.ts";

const MACHINES: Readonly<Record<string, ActorKind["machine"]>> = {
  job: jobMachine,
  node: nodeMachine,
  payment: paymentMachine,
  scheduler: schedulerMachine,
};

export function checkServer(server: Server, world: World): void {
  const { core } = server;
  for (const kind of [core.jobs, core.nodes, core.payments, core.scheduler]) {
    for (const committed of kind?.live() ?? []) world.laws.acknowledged(committed as Committed);
  }
  for (const { ref, reason } of core.system.quarantined()) {
    world.laws.broken("nobody-is-quarantined", `${ref.kind}/${ref.id}: ${reason}`);
  }
  // One that stands still has the time of now and has not done yet what was due meanwhile.
  const isAwake = server.process.pausedUntil <= world.agenda.now;
  if (server.serving && isAwake && server.epoch === world.store.epoch) checkLeader(server, world);
}

function checkLeader({ core, epoch }: Server, { laws, passedOver }: World): void {
  const { pool } = core.broker;
  const before = new Set(passedOver);
  passedOver.clear();
  const places = new Map<string, Set<string>>();
  // Not `size`: a node whose registration is being written is none yet.
  const known = [...core.nodes.live()].length;
  for (const job of core.jobs.live()) {
    const { context } = job.snapshot;
    const { reason, nodes } = core.broker.explain(job);
    const counted = nodes.ruledOut.reduce((sum, one) => sum + one.nodes, nodes.fitting);
    if (counted !== nodes.total || nodes.total !== known) {
      laws.broken("reasons-add-up", `${context.id}: ${counted} of ${nodes.total}, there are ${known} nodes`);
    }
    const waits = job.state.startsWith("pending.") || job.state.endsWith(".orphaned");
    if (waits !== (reason !== null)) laws.broken("waiting-has-a-reason", `${context.id} is ${job.state}: ${reason}`);
    if (reason === "quarantined")
      laws.broken("queued-jobs-are-in-the-queue", `${context.id} is ${job.state} and not in the queue`);
    if (reason === "queued_behind_others" && core.broker.waiting(job)?.stage === "parked") {
      // A timer may be due at this very moment and late; whom it has forgotten is still there when we look again.
      const name = `${epoch}/${context.id}/${job.version}`;
      passedOver.add(name);
      if (before.has(name)) {
        laws.broken(
          "nobody-waits-beside-a-free-node",
          `${context.id} is parked, and ${nodes.fitting} nodes could take it`,
        );
      }
    }
    places.set(context.id, new Set(context.live ? nodesOf(context.live) : []));
    for (const nodeId of context.live ? nodesOf(context.live) : []) {
      if (![...pool.attemptsOn(nodeId)].includes(context.id)) {
        laws.broken("rooms-follow-from-attempts", `${context.id} runs on ${nodeId}, which has the room free`);
      }
    }
  }
  for (const node of core.nodes.live()) {
    const { slots } = node.snapshot.context.profile;
    const attempts = [...pool.attemptsOn(node.ref.id)];
    if (attempts.length > slots)
      laws.broken("nodes-are-not-overfull", `${node.ref.id}: ${attempts.length} in the pool, ${slots} slots`);
    for (const jobId of attempts) {
      if (places.get(jobId)?.has(node.ref.id)) continue;
      const job = core.jobs.peek(jobId);
      // Room may be held besides for an offer, or a return, whose commit is not known yet.
      const isUnderWay =
        job !== undefined && (core.broker.explain(job).reason === "placing" || job.snapshot.context.live !== null);
      if (!isUnderWay)
        laws.broken("rooms-follow-from-attempts", `${node.ref.id} has no room for ${jobId}, which is ${job?.state}`);
    }
  }
}

/** The log of every actor, replayed, gives its row (I9). */
export function checkReplay(store: Store, laws: World["laws"]): void {
  for (const [key, row] of store.rows) {
    const machine = MACHINES[key.slice(0, key.indexOf("/"))];
    if (!machine) continue;
    const { snapshot } = replay({ machine } as ActorKind, store.eventsOf(key));
    const text = JSON.stringify(snapshot);
    const stored = wholeOf(row);
    if (!Bun.deepEquals(JSON.parse(text), stored)) {
      laws.broken("replay-gives-the-row", `${key}: ${text} is not ${JSON.stringify(stored)}`);
      return;
    }
  }
}
