/**
 * The statechart of a node: two questions that have nothing to do with each other, asked side by side.
 *
 *   presence   online.idle / online.busy   heard from lately; busy when all its slots are taken
 *              suspect                     silent for the heartbeat timeout; its attempts are orphaned, nothing new is offered
 *              offline                     silent for the grace period on top
 *   standing   inService                   may be offered jobs
 *              maintenance                 finishes what it has, is offered nothing new
 *              banned                      is offered nothing
 *
 * Silence makes a node suspect first: unknown is not dead. A heartbeat speaks for presence only, so it can never bring a
 * banned or draining node back into service, nor make a busy one idle. Heartbeats of an online node are no events: they
 * move the deadline (a lease), which is not stored; after a restart every node gets one heartbeat interval to be heard.
 */
import { assign, setup } from "xstate";
import type { Millis } from "../runtime/index.ts";
import type { NodeContext, NodeEvent, NodeInput } from "./state.ts";

/** Outcomes are told again only while a job waits for the answer; this many is far more than can be under way for one node. */
const RECORDED_LIMIT = 256;

const keyOf = (event: { jobId: string; jobCreatedAt: number; attempt: number }): string =>
  `${event.jobId}@${event.jobCreatedAt}/${event.attempt}`;

/** Uptime counts to the end of an online spell. */
function goneSince(context: NodeContext, at: Millis): Partial<NodeContext> {
  if (context.onlineSince === null) return {};
  return { onlineFor: context.onlineFor + Math.max(0, at - context.onlineSince), onlineSince: null };
}

export const nodeMachine = setup({
  types: { context: {} as NodeContext, events: {} as NodeEvent, input: {} as NodeInput },
  guards: {
    isBusy: ({ event }) => event.type === "LOAD" && event.busy,
    isIdle: ({ event }) => event.type === "LOAD" && !event.busy,
    isNewOutcome: ({ context, event }) => event.type === "OUTCOME" && !context.recorded.includes(keyOf(event)),
    isNews: ({ context, event }) =>
      event.type === "CALLABLE" &&
      (context.reachability !== "callable" || (event.proven && context.unreachableCount > 0)),
  },
  actions: {
    register: assign(({ context, event }) => {
      if (event.type !== "REGISTERED") return {};
      const { profile, policy, bootId, at } = event;
      const moved =
        profile.ipAddress !== context.profile.ipAddress ||
        profile.port !== context.profile.port ||
        profile.assignEndpoint !== context.profile.assignEndpoint;
      return {
        profile,
        policy,
        bootId,
        // A new process or a new address may well be reachable where the old one was not.
        reachability: moved || bootId !== context.bootId ? ("unknown" as const) : context.reachability,
        onlineSince: context.onlineSince ?? at,
        deadline: at + policy.heartbeatTimeout,
      };
    }),
    appear: assign(({ context, event }) => ({
      onlineSince: event.at,
      deadline: event.at + context.policy.heartbeatTimeout,
    })),
    vanish: assign(({ context, event }) => ({
      ...goneSince(context, event.at),
      deadline: event.at + context.policy.gracePeriod,
    })),
    forget: assign({ deadline: null }),
    markCallable: assign(({ context, event }) => ({
      reachability: "callable" as const,
      unreachableCount: event.type === "CALLABLE" && event.proven ? 0 : context.unreachableCount,
    })),
    markUncallable: assign(({ context }) => ({
      reachability: "uncallable" as const,
      unreachableCount: context.unreachableCount + 1,
    })),
    recordOutcome: assign(({ context, event }) => {
      if (event.type !== "OUTCOME") return {};
      const failed = event.outcome === "failed" || event.outcome === "lost" || event.outcome.endsWith("_timeout");
      return {
        recorded: [...context.recorded, keyOf(event)].slice(-RECORDED_LIMIT),
        jobsCompleted: context.jobsCompleted + (event.outcome === "completed" ? 1 : 0),
        jobsFailed: context.jobsFailed + (failed ? 1 : 0),
      };
    }),
    noteReason: assign(({ event }) => ({ standingReason: "reason" in event ? event.reason : null })),
    clearReason: assign({ standingReason: null }),
  },
}).createMachine({
  id: "node",
  context: ({ input }) => ({
    id: input.id,
    profile: input.profile,
    policy: input.policy,
    bootId: input.bootId,
    registeredAt: input.at,
    deadline: input.at + input.policy.heartbeatTimeout,
    reachability: "unknown",
    unreachableCount: 0,
    reputation: input.reputation,
    jobsCompleted: 0,
    jobsFailed: 0,
    recorded: [],
    onlineFor: 0,
    onlineSince: input.at,
    standingReason: null,
  }),
  type: "parallel",
  on: {
    OUTCOME: { guard: "isNewOutcome", actions: "recordOutcome" },
    CALLABLE: { guard: "isNews", actions: "markCallable" },
    UNCALLABLE: { actions: "markUncallable" },
  },
  states: {
    presence: {
      initial: "online",
      states: {
        online: {
          initial: "idle",
          on: {
            REGISTERED: { actions: "register" },
            DEADLINE: { target: "suspect", actions: "vanish" },
          },
          states: {
            idle: { on: { LOAD: { guard: "isBusy", target: "busy" } } },
            busy: { on: { LOAD: { guard: "isIdle", target: "idle" } } },
          },
        },
        suspect: {
          on: {
            HEARD: { target: "online", actions: "appear" },
            REGISTERED: { target: "online", actions: "register" },
            DEADLINE: { target: "offline", actions: "forget" },
          },
        },
        offline: {
          on: {
            HEARD: { target: "online", actions: "appear" },
            REGISTERED: { target: "online", actions: "register" },
          },
        },
      },
    },
    standing: {
      initial: "inService",
      states: {
        inService: {
          on: {
            CORDON: { target: "maintenance", actions: "noteReason" },
            DRAIN: { target: "maintenance", actions: "noteReason" },
            BAN: { target: "banned", actions: "noteReason" },
          },
        },
        maintenance: {
          on: {
            UNCORDON: { target: "inService", actions: "clearReason" },
            BAN: { target: "banned", actions: "noteReason" },
          },
        },
        banned: { on: { UNBAN: { target: "inService", actions: "clearReason" } } },
      },
    },
  },
});

export type NodeMachine = typeof nodeMachine;
