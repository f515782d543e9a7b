/**
 * How the server reaches nodes: NodeService.AssignJob on each node's own gRPC server, over channels that are kept.
 *
 * What a failed call means decides what happens to the job, so the mapping is careful: "unreachable" only where the node
 * surely did not get the offer; a deadline that passed is "no_answer", because the node may have accepted.
 */
import { createHmac } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { ChannelCredentials } from "@grpc/grpc-js";
import {
  type Channel,
  type Client,
  ClientError,
  createChannel,
  createClient,
  Metadata,
  Status,
  waitForChannelReady,
} from "nice-grpc";
import type { NodeLink, NodeTarget, Offer, OfferReply } from "../actors/node-link.ts";
import { failpoints, type Log, type Millis } from "../actors/runtime/index.ts";
import { DEVICE_KINDS, JOB_TYPES, PRIORITIES } from "../domain/job-spec.ts";
import { TERM_PREFIX } from "../domain/job-terms.ts";
import { tokensFrom } from "../domain/money.ts";
import { hostPort } from "./endpoints.ts";
import {
  type DeepPartial,
  type DeviceType,
  type JobConfig,
  type JobPriority,
  type JobType,
  NodeServiceDefinition,
} from "./grpc/protocol.ts";
import type { IssueP2pToken } from "./p2p-token.ts";

export interface NodeLinkOptions {
  /** Added to a node's peer-to-peer port to find its NodeService. */
  readonly portOffset: number;
  readonly connectTimeout: Millis;
  readonly probeTimeout: Millis;
  /** For the call itself; less than the job's offer timeout, so that the answer beats the deadline. */
  readonly answerTimeout: Millis;
  readonly issueP2pToken: IssueP2pToken;
  /** From which the key is made by which the members of a gang know each other. */
  readonly gangSecret: string;
  readonly log: Log;
}

/** The C++ headless node serves NodeService one port lower than the daemon, and something else where the daemon serves it. */
const HEADLESS_OFFSET = 2;
/** A channel nobody used for this long is closed; the next offer opens another. */
const IDLE_LIMIT: Millis = 10 * 60_000;

interface Link {
  readonly channel: Channel;
  readonly client: Client<typeof NodeServiceDefinition>;
  usedAt: Millis;
}

export function createNodeLink(options: NodeLinkOptions): NodeLink & { close(): void } {
  const links = new Map<string, Link>();
  /** Nodes found to be headless builds, by id. */
  const headless = new Set<string>();
  const sweeper = setInterval(() => {
    for (const [endpoint, link] of links) if (Date.now() - link.usedAt > IDLE_LIMIT) drop(endpoint);
  }, 60_000);
  sweeper.unref();

  const drop = (endpoint: string): void => {
    links.get(endpoint)?.channel.close();
    links.delete(endpoint);
  };

  const linkTo = (endpoint: string): Link => {
    let link = links.get(endpoint);
    if (!link) {
      // With its scheme, or a host named "unix" would be a path; nodes are called directly, as they are probed.
      const channel = createChannel(`dns:${endpoint}`, ChannelCredentials.createInsecure(), {
        "grpc.enable_http_proxy": 0,
        "grpc.service_config_disable_resolution": 1,
        "grpc.keepalive_time_ms": 30_000,
        "grpc.initial_reconnect_backoff_ms": 200,
        "grpc.max_reconnect_backoff_ms": 2000,
      });
      link = { channel, client: createClient(NodeServiceDefinition, channel), usedAt: 0 };
      links.set(endpoint, link);
    }
    link.usedAt = Date.now();
    return link;
  };

  const endpointOf = ({ nodeId, profile }: NodeTarget): string => {
    if (profile.assignEndpoint) return profile.assignEndpoint;
    return hostPort(profile.ipAddress, profile.port + (headless.has(nodeId) ? HEADLESS_OFFSET : options.portOffset));
  };

  /** Connects within the time given. False: nothing answers there. */
  const connect = async (endpoint: string, timeout: Millis): Promise<boolean> => {
    // grpc-js tries a refused port again and again until the time is up; a bare connection knows at once.
    if (!links.has(endpoint) && !(await answers(endpoint, timeout, new AbortController().signal))) return false;
    try {
      await waitForChannelReady(linkTo(endpoint).channel, new Date(Date.now() + timeout));
      return true;
    } catch {
      // A fresh channel next time: this one sits in its reconnection backoff.
      drop(endpoint);
      return false;
    }
  };

  /** The job's own, and what the node must know; the terms that the server keeps itself are not the node's business. */
  const hyperparametersOf = ({ target, spec, jobId, attempt, gang, stopAfter }: Offer): Record<string, string> => {
    const own = Object.entries(spec.hyperparameters).filter(([name]) => !name.startsWith(TERM_PREFIX));
    return {
      ...Object.fromEntries(own),
      // The C++ build does not know it. 0: until it is told otherwise; left out, the node's own preset would hold.
      ...(target.profile.reportsAttempts && { "cyxwiz.stop_after": String((stopAfter ?? 0) / 1000) }),
      ...(gang !== null && {
        "cyxwiz.gang.rank": String(gang.rank),
        "cyxwiz.gang.size": String(gang.size),
        "cyxwiz.gang.rendezvous": endpointOf(gang.rendezvous),
        "cyxwiz.gang.key": gangKey(options.gangSecret, jobId, attempt),
      }),
    };
  };

  const call = async (endpoint: string, offer: Offer, signal: AbortSignal): Promise<OfferReply | "unimplemented"> => {
    if (!(await connect(endpoint, options.connectTimeout))) {
      return { accepted: false, outcome: "unreachable", message: `nothing answers at ${endpoint}` };
    }
    signal.throwIfAborted();
    const { token } = await options.issueP2pToken({
      user: offer.userWallet,
      jobId: offer.jobId,
      nodeId: offer.target.nodeId,
    });
    const timeout = AbortSignal.timeout(options.answerTimeout);
    try {
      const asked = linkTo(endpoint).client.assignJob(
        {
          nodeId: offer.target.nodeId,
          job: { ...configOf(offer), hyperparameters: hyperparametersOf(offer) },
          authorizationToken: token,
        },
        { metadata: Metadata({ "cyxwiz-attempt": String(offer.attempt) }), signal: AbortSignal.any([signal, timeout]) },
      );
      const [reply] = failpoints.armed ? await Promise.all([asked, failpoints.hit("offer.sent")]) : [await asked];
      if (failpoints.armed) await failpoints.hit("offer.answered");
      if (reply.accepted) return { accepted: true };
      const message = reply.error?.message || "the node gave no reason";
      // The C++ node answers 400 for a job it finds malformed, 429 when it is busy.
      return { accepted: false, outcome: reply.error?.code === 400 ? "invalid" : "rejected", message };
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted)
        return {
          accepted: false,
          outcome: "no_answer",
          message: `no answer from ${endpoint} in ${options.answerTimeout} ms`,
        };
      if (!(error instanceof ClientError)) throw error;
      if (error.code === Status.UNIMPLEMENTED) return "unimplemented";
      if (error.code === Status.UNAVAILABLE) drop(endpoint);
      return { accepted: false, outcome: outcomeOf(error.code), message: `${Status[error.code]}: ${error.details}` };
    }
  };

  return {
    offer: async (offer, signal) => {
      const { target } = offer;
      const endpoint = endpointOf(target);
      const reply = await call(endpoint, offer, signal);
      const wasHeadless = headless.has(target.nodeId);
      if (reply !== "unimplemented" && !(wasHeadless && isUnreachable(reply))) return reply;
      if (target.profile.assignEndpoint === null) {
        // Perhaps it is the other build, or has become it since.
        if (wasHeadless) headless.delete(target.nodeId);
        else headless.add(target.nodeId);
        const second = await call(endpointOf(target), offer, signal);
        if (second !== "unimplemented" && !isUnreachable(second)) return second;
        headless.delete(target.nodeId);
      }
      if (reply !== "unimplemented") return reply;
      const message = `${endpoint} does not serve NodeService.AssignJob`;
      return { accepted: false, outcome: "unreachable", message };
    },
    probe: (target, signal) => answers(endpointOf(target), options.probeTimeout, signal),
    close: () => {
      clearInterval(sweeper);
      for (const endpoint of [...links.keys()]) drop(endpoint);
    },
  };
}

/** The same for all members of one attempt, and after a restart of the server; another for each attempt. */
const gangKey = (secret: string, jobId: string, attempt: number): string =>
  createHmac("sha256", secret).update(`gang/${jobId}/${attempt}`).digest("hex");

const isUnreachable = (reply: OfferReply): boolean => !reply.accepted && reply.outcome === "unreachable";

/**
 * Whether something accepts connections there; never rejects. A bare TCP connection, because thousands of nodes may sit behind NAT and be
 * tried again and again; whether it speaks gRPC shows with the first offer.
 */
function answers(endpoint: string, timeout: Millis, signal: AbortSignal): Promise<boolean> {
  const [, bracketed, host = bracketed, port] = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(endpoint) ?? [];
  // The port rule may lead beyond the last port.
  if (host === undefined || Number(port) > 65_535 || signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port: Number(port) });
    const settle = (answered: boolean) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(answered);
    };
    const onAbort = () => settle(false);
    signal.addEventListener("abort", onAbort);
    socket.setTimeout(timeout, () => settle(false));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

/** What a failed call tells of the offer. A connection that broke in mid-call leaves open whether the node accepted. */
function outcomeOf(code: Status): "rejected" | "no_answer" {
  return code === Status.UNAVAILABLE ||
    code === Status.DEADLINE_EXCEEDED ||
    code === Status.CANCELLED ||
    code === Status.UNKNOWN
    ? "no_answer"
    : "rejected";
}

function configOf({ jobId, spec, userWallet, price }: Offer): DeepPartial<JobConfig> {
  return {
    jobId,
    jobType: (JOB_TYPES.indexOf(spec.type) + 1) as JobType,
    priority: PRIORITIES.indexOf(spec.priority) as JobPriority,
    modelDefinition: spec.modelDefinition,
    datasetUri: spec.datasetUri,
    batchSize: spec.batchSize,
    epochs: spec.epochs,
    requiredDevice: (spec.device === null ? 1 : DEVICE_KINDS.indexOf(spec.device) + 1) as DeviceType,
    estimatedMemory: BigInt(spec.memoryBytes),
    estimatedDuration: BigInt(spec.estimatedSeconds),
    paymentAmount: tokensFrom(BigInt(price)),
    paymentAddress: userWallet,
    escrowTxHash: spec.escrowTxHash,
    reservationDurationMinutes: spec.reservationMinutes || Math.max(1, Math.ceil(spec.estimatedSeconds / 60)),
  };
}
