/** What the transports may ask of the database. */

import type { Kysely } from "kysely";
import type { Database, PaymentStatus } from "../tables.ts";
import { deleteJob, type JobDeletion } from "./delete-job.ts";
import { countJobs, findJob, findJobDetail, type JobDetail, type JobFilter, type JobRow, listJobs } from "./jobs.ts";
import {
  insertNodeMetrics,
  listNodeMetrics,
  type MetricsRange,
  type NewNodeMetrics,
  type NodeMetricsRow,
  pruneNodeMetrics,
} from "./node-metrics.ts";
import {
  countNodes,
  devicesOf,
  findNode,
  listNodes,
  type NodeDetail,
  type NodeDeviceRow,
  type NodeFilter,
  type NodePulse,
  type NodeRow,
  type ReputationChangeRow,
  recordPulses,
  reputationChanges,
} from "./nodes.ts";
import type { Page, PageRequest } from "./page.ts";
import { countPayments, findPayment, listPayments, type PaymentDetail, type PaymentRow } from "./payments.ts";
import { type NetworkStats, networkStats } from "./stats.ts";
import { latestTransition, type Transition, transitionsAfter } from "./transitions.ts";

export type { JobStatus, NodeStatus } from "../tables.ts";
export { JOB_STATUSES, typeName } from "./jobs.ts";
export { NODE_STATUSES } from "./nodes.ts";
export { PAYMENT_STATUSES } from "./payments.ts";
export { isDatabaseTrouble } from "./trouble.ts";
export type {
  JobDeletion,
  JobDetail,
  JobFilter,
  JobRow,
  MetricsRange,
  NetworkStats,
  NewNodeMetrics,
  NodeDetail,
  NodeDeviceRow,
  NodeFilter,
  NodeMetricsRow,
  NodePulse,
  NodeRow,
  Page,
  PageRequest,
  PaymentDetail,
  PaymentRow,
  ReputationChangeRow,
  Transition,
};

/** Every method rejects with what the driver says; `isDatabaseTrouble` tells whether trying again may help. */
export interface Queries {
  readonly jobs: {
    find(id: string): Promise<JobRow | undefined>;
    detail(id: string): Promise<JobDetail | undefined>;
    /** @throws Refusal (`cursor`) for a token that is not this list's */
    list(filter: JobFilter, page: PageRequest, order?: "newest" | "oldest"): Promise<Page<JobRow>>;
    count(filter: JobFilter): Promise<number>;
    /** Removes a finished job with its payments and its history. */
    delete(id: string): Promise<JobDeletion>;
    /** What happened to the job after `version`, oldest first. */
    transitionsAfter(id: string, version: number, limit: number): Promise<readonly Transition[]>;
    latestTransition(id: string): Promise<Transition | undefined>;
  };
  readonly nodes: {
    find(id: string): Promise<NodeDetail | undefined>;
    /** @throws Refusal (`cursor`) for a token that is not this list's */
    list(filter: NodeFilter, page: PageRequest): Promise<Page<NodeRow>>;
    count(filter: NodeFilter): Promise<number>;
    devicesOf(nodeIds: readonly string[]): Promise<ReadonlyMap<string, readonly NodeDeviceRow[]>>;
    /** Every change of the node's score with the fact behind it, newest first. */
    reputationChanges(
      nodeId: string,
      page: { readonly limit: number; readonly before?: bigint },
    ): Promise<readonly ReputationChangeRow[]>;
    /** Writes heartbeat, load and uptime of many nodes. Returns how many rows were written. */
    recordPulses(pulses: readonly NodePulse[]): Promise<number>;
  };
  readonly metrics: {
    insert(samples: readonly NewNodeMetrics[]): Promise<number>;
    list(nodeId: string, range: MetricsRange): Promise<readonly NodeMetricsRow[]>;
    prune(before: Date): Promise<number>;
  };
  readonly payments: {
    /** Of the job. */
    find(jobId: string): Promise<PaymentDetail | undefined>;
    /** Newest first. @throws Refusal (`cursor`) for a token that is not this list's */
    list(statuses: readonly PaymentStatus[], page: PageRequest): Promise<Page<PaymentRow>>;
    count(statuses: readonly PaymentStatus[]): Promise<number>;
  };
  stats(): Promise<NetworkStats>;
}

export function createQueries(db: Kysely<Database>): Queries {
  return {
    jobs: {
      find: (id) => findJob(db, id),
      detail: (id) => findJobDetail(db, id),
      list: (filter, page, order) => listJobs(db, filter, page, order),
      count: (filter) => countJobs(db, filter),
      delete: (id) => deleteJob(db, id),
      transitionsAfter: (id, version, limit) => transitionsAfter(db, "job", id, version, limit),
      latestTransition: (id) => latestTransition(db, "job", id),
    },
    payments: {
      find: (jobId) => findPayment(db, jobId),
      list: (statuses, page) => listPayments(db, statuses, page),
      count: (statuses) => countPayments(db, statuses),
    },
    nodes: {
      find: (id) => findNode(db, id),
      list: (filter, page) => listNodes(db, filter, page),
      count: (filter) => countNodes(db, filter),
      devicesOf: (ids) => devicesOf(db, ids),
      reputationChanges: (id, page) => reputationChanges(db, id, page),
      recordPulses: (pulses) => recordPulses(db, pulses),
    },
    metrics: {
      insert: (samples) => insertNodeMetrics(db, samples),
      list: (nodeId, range) => listNodeMetrics(db, nodeId, range),
      prune: (before) => pruneNodeMetrics(db, before),
    },
    stats: () => networkStats(db),
  };
}
