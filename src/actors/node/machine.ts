/**
 * The statechart of a node: three questions that have nothing to do with each other, asked side by side.
 *
 *   presence   online.idle / online.busy   heard from lately; busy when all its slots are taken
 *              suspect                     silent for the heartbeat timeout; its attempts are orphaned, nothing new is offered
 *              offline                     silent for the grace period on top
 *   service    inService                   what operators say: it may be offered jobs
 *              cordoned                    finishes what it has, is offered nothing new
 *              draining                    the same, and what it still runs at a set time is moved
 *              drained                     that time has come
 *   standing   good                        what its conduct says: it may be offered jobs
 *              setAside                    failed or refused several jobs in a row and is left alone for a while
 *              banned                      by its record for a day or longer, or by an operator
 *
 * A node is offered jobs when all three agree. A ban therefore does not forget a cordon: lifted, the node is cordoned as
 * before, and an UNCORDON meanwhile does not lift the ban.
 *
 * Silence makes a node suspect first: unknown is not dead. A heartbeat speaks for presence only, so it can never bring a
 * banned or draining node back into service, nor make a busy one idle. Heartbeats of an online node are no events: they
 * move the deadline (a lease), which is not stored; after a restart every node gets one heartbeat interval to be heard.
 *
 * Drains, bans and settings-aside end by effects that wait for their time (kind.ts); the deadline is the lease's alone.
 * A repeat that says nothing new is refused, so that the log has one entry for each thing an operator did.
 */
import { assign, setup } from "xstate";
import { clampScore, isBarred } from "../../domain/reputation.ts";
import type { Millis } from "../runtime/index.ts";
import { afterComplaint, afterOutcome, endBan, endsAt, pardon, sameBan } from "./conduct.ts";
import type { Ban, NodeContext, NodeEvent, NodeInput } from "./state.ts";

/**
 * Outcomes are told again only while a job waits for the answer; this many is far more than can be under way for one node.
 * Of complaints it is what the newest this many attempts are protected from being complained about twice.
 */
const REMEMBERED = 256;

/** The rules by which events are applied today. Rules 0, of events without a stamp, knew no conduct. */
export const NODE_RULES = 1;

interface Told {
  readonly jobId: string;
  readonly jobCreatedAt: Millis;
  readonly attempt: number;
}

const attemptKey = ({ jobId, jobCreatedAt, attempt }: Told): string => `${jobId}@${jobCreatedAt}/${attempt}`;

/** An attempt can have several: each silence, and each end where it came back after it had been taken for lost. */
function outcomeKey(event: Extract<NodeEvent, { readonly type: "OUTCOME" }>): string {
  const returns = event.returns ? `+${event.returns}` : "";
  return `${attemptKey(event)}${returns}${event.outcome === "silent" ? "/silent" : ""}`;
}

/** JSON has no other numbers, and a time that is none would never come; events of old logs name none at all. */
const timeOf = (until: Millis | null | undefined): Millis | null =>
  typeof until === "number" && Number.isFinite(until) ? until : null;

/** What a BAN says. Those of old logs name neither an end nor an operator. */
const banOf = ({ until, reason, by, evict }: Extract<NodeEvent, { readonly type: "BAN" }>): Ban => ({
  until: timeOf(until),
  reason,
  by: by ?? "",
  evict: evict ?? false,
});

const untilOf = (event: NodeEvent): Millis | null => (event.type === "DRAIN" ? timeOf(event.until) : null);

/** The conduct of a node that has done nothing yet; also what snapshots from before it was kept are given (upgrade.ts). */
export const unblemished = {
  strikes: 0,
  lastStrikeAt: null,
  totalBans: 0,
  changes: [],
  changeCount: 0,
  ban: null,
  failedJobs: [],
  trips: 0,
  setAside: null,
  complaints: [],
  drainUntil: null,
} as const;

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
    isNewOutcome: ({ context, event }) => event.type === "OUTCOME" && !context.recorded.includes(outcomeKey(event)),
    isNewComplaint: ({ context, event }) =>
      event.type === "COMPLAINT" && !context.complaints.includes(attemptKey(event)),
    isOtherWord: ({ context, event }) =>
      "reason" in event && (event.reason !== context.standingReason || untilOf(event) !== context.drainUntil),
    isOtherBan: ({ context, event }) => event.type === "BAN" && !sameBan(context.ban, banOf(event)),
    isOfOldLog: ({ event }) => (event.rules ?? 0) < 1,
    isBanned: ({ context }) => context.ban !== null,
    isSetAside: ({ context }) => context.setAside !== null,
    isNotSetAside: ({ context }) => context.setAside === null,
    isBarred: ({ context }) => isBarred(context.reputation),
    isDrainsEnd: ({ context, event }) => event.type === "DRAIN_OVER" && event.until === context.drainUntil,
    isBansEnd: ({ context, event }) => event.type === "BAN_OVER" && endsAt(context.ban, event.until),
    isSetAsidesEnd: ({ context, event }) => event.type === "SET_ASIDE_OVER" && endsAt(context.setAside, event.until),
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
        recorded: [...context.recorded, outcomeKey(event)].slice(-REMEMBERED),
        jobsCompleted: context.jobsCompleted + (event.outcome === "completed" ? 1 : 0),
        jobsFailed: context.jobsFailed + (failed ? 1 : 0),
        ...((event.rules ?? 0) >= 1 && afterOutcome(context, event)),
      };
    }),
    recordComplaint: assign(({ context, event }) => {
      if (event.type !== "COMPLAINT") return {};
      return {
        complaints: [...context.complaints, attemptKey(event)].slice(-REMEMBERED),
        ...afterComplaint(context, event),
      };
    }),
    takeOut: assign(({ event }) => ({
      standingReason: "reason" in event ? event.reason : null,
      drainUntil: untilOf(event),
    })),
    putBack: assign({ standingReason: null, drainUntil: null }),
    ban: assign(({ event }) => (event.type === "BAN" ? { ban: banOf(event), setAside: null } : {})),
    endBan: assign(({ context, event }) => endBan(context, event.at)),
    pardon: assign(({ context, event }) => (event.type === "UNBAN" ? pardon(context, event.reason, event.at) : {})),
    endSetAside: assign({ setAside: null }),
    liftBan: assign({ ban: null }),
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
    reputation: clampScore(input.reputation),
    jobsCompleted: 0,
    jobsFailed: 0,
    recorded: [],
    onlineFor: 0,
    onlineSince: input.at,
    standingReason: null,
    ...unblemished,
  }),
  type: "parallel",
  on: {
    OUTCOME: { guard: "isNewOutcome", actions: "recordOutcome" },
    COMPLAINT: { guard: "isNewComplaint", actions: "recordComplaint" },
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
    service: {
      initial: "inService",
      states: {
        inService: {
          on: {
            CORDON: { target: "cordoned", actions: "takeOut" },
            DRAIN: { target: "draining", actions: "takeOut" },
          },
        },
        cordoned: {
          on: {
            CORDON: { guard: "isOtherWord", actions: "takeOut" },
            DRAIN: { target: "draining", actions: "takeOut" },
            UNCORDON: { target: "inService", actions: "putBack" },
            RESTORE: { target: "inService", actions: "putBack" },
          },
        },
        draining: {
          on: {
            CORDON: { target: "cordoned", actions: "takeOut" },
            DRAIN: { guard: "isOtherWord", actions: "takeOut" },
            DRAIN_OVER: { guard: "isDrainsEnd", target: "drained" },
            // A ban used to take the place of a drain; rules 1 keep both.
            BAN: { guard: "isOfOldLog", target: "inService", actions: "putBack" },
            UNCORDON: { target: "inService", actions: "putBack" },
            RESTORE: { target: "inService", actions: "putBack" },
          },
        },
        drained: {
          on: {
            CORDON: { target: "cordoned", actions: "takeOut" },
            DRAIN: { guard: "isOtherWord", target: "draining", actions: "takeOut" },
            UNCORDON: { target: "inService", actions: "putBack" },
            RESTORE: { target: "inService", actions: "putBack" },
          },
        },
      },
    },
    standing: {
      initial: "good",
      states: {
        // What an outcome or a complaint has earned is in the context; the state follows it in the same transition.
        good: {
          always: [
            { guard: "isBanned", target: "banned" },
            { guard: "isSetAside", target: "setAside" },
          ],
          on: {
            BAN: { target: "banned", actions: "ban" },
            UNBAN: { guard: "isBarred", actions: "pardon" },
          },
        },
        setAside: {
          always: [
            { guard: "isBanned", target: "banned" },
            { guard: "isNotSetAside", target: "good" },
          ],
          on: {
            SET_ASIDE_OVER: { guard: "isSetAsidesEnd", target: "good", actions: "endSetAside" },
            BAN: { target: "banned", actions: "ban" },
            UNBAN: { target: "good", actions: "pardon" },
          },
        },
        banned: {
          on: {
            BAN_OVER: { guard: "isBansEnd", target: "good", actions: "endBan" },
            BAN: { guard: "isOtherBan", actions: "ban" },
            UNBAN: { target: "good", actions: "pardon" },
            RESTORE: { target: "good", actions: "liftBan" },
          },
        },
      },
    },
  },
});

export type NodeMachine = typeof nodeMachine;
