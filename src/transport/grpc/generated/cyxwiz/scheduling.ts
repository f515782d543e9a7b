// Generated from proto/cyxwiz/scheduling.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/**
 * Why a job waits, and what would become of one that was not submitted. Not part of the original's contract: a package of
 * its own, so that cyxwiz.protocol stays as its clients know it. docs/scheduling.md lists the reasons.
 */
import { isZero, messageType, readInt64, readMessage, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { JobConfig } from "./job.ts";

export interface ExplainJobRequest {
  readonly jobId: string;
}
export const ExplainJobRequest = messageType<ExplainJobRequest>("cyxwiz.scheduling.v1.ExplainJobRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface JobExplanation {
  readonly jobId: string;
  /** dotted, finer than JobStatus.status: "pending.queued" */
  readonly state: string;
  /** a wait reason; empty: it does not wait */
  readonly reason: string;
  /** one sentence for people */
  readonly summary: string;
  /** absent: it has ended */
  readonly nodes: NodeCounts | undefined;
  /** the best first, five at most */
  readonly candidates: readonly Candidate[];
  /** absent: it is not queued */
  readonly queue: Queueing | undefined;
  /** the most promising first */
  readonly wouldHelp: readonly string[];
  /** absent: none has ended */
  readonly lastAttempt: EndedAttempt | undefined;
  /** when the present state ends by itself, Unix milliseconds; 0: it does not */
  readonly untilMs: bigint;
  /** absent: it has not failed and was not cancelled */
  readonly failure: Failure | undefined;
}
export const JobExplanation = messageType<JobExplanation>("cyxwiz.scheduling.v1.JobExplanation", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    state: p.state ?? "",
    reason: p.reason ?? "",
    summary: p.summary ?? "",
    nodes: p.nodes === undefined ? undefined : NodeCounts.create(p.nodes),
    candidates: p.candidates?.map((v) => Candidate.create(v)) ?? [],
    queue: p.queue === undefined ? undefined : Queueing.create(p.queue),
    wouldHelp: p.wouldHelp?.map((v) => v) ?? [],
    lastAttempt: p.lastAttempt === undefined ? undefined : EndedAttempt.create(p.lastAttempt),
    untilMs: p.untilMs ?? 0n,
    failure: p.failure === undefined ? undefined : Failure.create(p.failure),
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.state) writeString(w.uint32(18), m.state);
    if (m.reason) writeString(w.uint32(26), m.reason);
    if (m.summary) writeString(w.uint32(34), m.summary);
    if (m.nodes !== undefined) writeMessage(w, 42, NodeCounts, m.nodes);
    for (const v of m.candidates ?? []) writeMessage(w, 50, Candidate, v);
    if (m.queue !== undefined) writeMessage(w, 58, Queueing, m.queue);
    for (const v of m.wouldHelp ?? []) writeString(w.uint32(66), v);
    if (m.lastAttempt !== undefined) writeMessage(w, 74, EndedAttempt, m.lastAttempt);
    if (m.untilMs) writeInt64(w.uint32(80), m.untilMs);
    if (m.failure !== undefined) writeMessage(w, 90, Failure, m.failure);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.state = r.stringVerify(); return true;
      case 26: m.reason = r.stringVerify(); return true;
      case 34: m.summary = r.stringVerify(); return true;
      case 42: m.nodes = readMessage(r, NodeCounts, m.nodes); return true;
      case 50: m.candidates.push(readMessage(r, Candidate)); return true;
      case 58: m.queue = readMessage(r, Queueing, m.queue); return true;
      case 66: m.wouldHelp.push(r.stringVerify()); return true;
      case 74: m.lastAttempt = readMessage(r, EndedAttempt, m.lastAttempt); return true;
      case 80: m.untilMs = readInt64(r); return true;
      case 90: m.failure = readMessage(r, Failure, m.failure); return true;
    }
    return false;
  },
});

/** `fitting` and the counts of `ruled_out` add up to `total`. */
export interface NodeCounts {
  readonly total: number;
  readonly fitting: number;
  readonly ruledOut: readonly RuledOut[];
}
export const NodeCounts = messageType<NodeCounts>("cyxwiz.scheduling.v1.NodeCounts", {
  create: (p) => ({
    total: p.total ?? 0,
    fitting: p.fitting ?? 0,
    ruledOut: p.ruledOut?.map((v) => RuledOut.create(v)) ?? [],
  }),
  write(m, w) {
    if (m.total) writeInt32(w.uint32(8), m.total);
    if (m.fitting) writeInt32(w.uint32(16), m.fitting);
    for (const v of m.ruledOut ?? []) writeMessage(w, 26, RuledOut, v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.total = r.int32(); return true;
      case 16: m.fitting = r.int32(); return true;
      case 26: m.ruledOut.push(readMessage(r, RuledOut)); return true;
    }
    return false;
  },
});

export interface RuledOut {
  /** a node reason */
  readonly reason: string;
  readonly nodes: number;
}
export const RuledOut = messageType<RuledOut>("cyxwiz.scheduling.v1.RuledOut", {
  create: (p) => ({
    reason: p.reason ?? "",
    nodes: p.nodes ?? 0,
  }),
  write(m, w) {
    if (m.reason) writeString(w.uint32(10), m.reason);
    if (m.nodes) writeInt32(w.uint32(16), m.nodes);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reason = r.stringVerify(); return true;
      case 16: m.nodes = r.int32(); return true;
    }
    return false;
  },
});

export interface Candidate {
  readonly nodeId: string;
  readonly name: string;
  readonly region: string;
  /** 0..1 */
  readonly score: number;
  readonly terms: ScoreTerms | undefined;
}
export const Candidate = messageType<Candidate>("cyxwiz.scheduling.v1.Candidate", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    name: p.name ?? "",
    region: p.region ?? "",
    score: p.score ?? 0,
    terms: p.terms === undefined ? undefined : ScoreTerms.create(p.terms),
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.name) writeString(w.uint32(18), m.name);
    if (m.region) writeString(w.uint32(26), m.region);
    if (m.score !== undefined && !isZero(m.score)) w.uint32(33).double(m.score);
    if (m.terms !== undefined) writeMessage(w, 42, ScoreTerms, m.terms);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.name = r.stringVerify(); return true;
      case 26: m.region = r.stringVerify(); return true;
      case 33: m.score = r.double(); return true;
      case 42: m.terms = readMessage(r, ScoreTerms, m.terms); return true;
    }
    return false;
  },
});

/** Each 0..1, before weighting: 0.4 reputation + 0.3 availability + 0.2 capability + 0.1 uptime. */
export interface ScoreTerms {
  readonly reputation: number;
  readonly availability: number;
  readonly capability: number;
  readonly uptime: number;
}
export const ScoreTerms = messageType<ScoreTerms>("cyxwiz.scheduling.v1.ScoreTerms", {
  create: (p) => ({
    reputation: p.reputation ?? 0,
    availability: p.availability ?? 0,
    capability: p.capability ?? 0,
    uptime: p.uptime ?? 0,
  }),
  write(m, w) {
    if (m.reputation !== undefined && !isZero(m.reputation)) w.uint32(9).double(m.reputation);
    if (m.availability !== undefined && !isZero(m.availability)) w.uint32(17).double(m.availability);
    if (m.capability !== undefined && !isZero(m.capability)) w.uint32(25).double(m.capability);
    if (m.uptime !== undefined && !isZero(m.uptime)) w.uint32(33).double(m.uptime);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 9: m.reputation = r.double(); return true;
      case 17: m.availability = r.double(); return true;
      case 25: m.capability = r.double(); return true;
      case 33: m.uptime = r.double(); return true;
    }
    return false;
  },
});

export interface Queueing {
  /** 1: next; 0: too far back to be counted */
  readonly position: number;
  readonly length: number;
}
export const Queueing = messageType<Queueing>("cyxwiz.scheduling.v1.Queueing", {
  create: (p) => ({
    position: p.position ?? 0,
    length: p.length ?? 0,
  }),
  write(m, w) {
    if (m.position) writeInt32(w.uint32(8), m.position);
    if (m.length) writeInt32(w.uint32(16), m.length);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.position = r.int32(); return true;
      case 16: m.length = r.int32(); return true;
    }
    return false;
  },
});

export interface EndedAttempt {
  readonly number: number;
  /** by rank; one, unless it was a gang's */
  readonly nodeIds: readonly string[];
  readonly offeredAtMs: bigint;
  /** 0: never */
  readonly startedAtMs: bigint;
  readonly endedAtMs: bigint;
  readonly outcome: string;
  readonly message: string;
}
export const EndedAttempt = messageType<EndedAttempt>("cyxwiz.scheduling.v1.EndedAttempt", {
  create: (p) => ({
    number: p.number ?? 0,
    nodeIds: p.nodeIds?.map((v) => v) ?? [],
    offeredAtMs: p.offeredAtMs ?? 0n,
    startedAtMs: p.startedAtMs ?? 0n,
    endedAtMs: p.endedAtMs ?? 0n,
    outcome: p.outcome ?? "",
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.number) writeInt32(w.uint32(8), m.number);
    for (const v of m.nodeIds ?? []) writeString(w.uint32(18), v);
    if (m.offeredAtMs) writeInt64(w.uint32(24), m.offeredAtMs);
    if (m.startedAtMs) writeInt64(w.uint32(32), m.startedAtMs);
    if (m.endedAtMs) writeInt64(w.uint32(40), m.endedAtMs);
    if (m.outcome) writeString(w.uint32(50), m.outcome);
    if (m.message) writeString(w.uint32(58), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.number = r.int32(); return true;
      case 18: m.nodeIds.push(r.stringVerify()); return true;
      case 24: m.offeredAtMs = readInt64(r); return true;
      case 32: m.startedAtMs = readInt64(r); return true;
      case 40: m.endedAtMs = readInt64(r); return true;
      case 50: m.outcome = r.stringVerify(); return true;
      case 58: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface Failure {
  /** a failure code, or "cancelled" */
  readonly code: string;
  readonly message: string;
}
export const Failure = messageType<Failure>("cyxwiz.scheduling.v1.Failure", {
  create: (p) => ({
    code: p.code ?? "",
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.code) writeString(w.uint32(10), m.code);
    if (m.message) writeString(w.uint32(18), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.code = r.stringVerify(); return true;
      case 18: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface PlanJobRequest {
  readonly config: JobConfig | undefined;
}
export const PlanJobRequest = messageType<PlanJobRequest>("cyxwiz.scheduling.v1.PlanJobRequest", {
  create: (p) => ({
    config: p.config === undefined ? undefined : JobConfig.create(p.config),
  }),
  write(m, w) {
    if (m.config !== undefined) writeMessage(w, 10, JobConfig, m.config);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.config = readMessage(r, JobConfig, m.config); return true;
    }
    return false;
  },
});

export interface JobPlan {
  /** base units, decimal, for the whole job; 10^9 to the token */
  readonly priceUnits: string;
  readonly nodesNeeded: number;
  readonly nodes: NodeCounts | undefined;
  readonly candidates: readonly Candidate[];
  /** why it would wait; empty: it would start at once */
  readonly reason: string;
  readonly summary: string;
  readonly wouldHelp: readonly string[];
  /** "now", "after_others" or "unknown" */
  readonly expectedStart: string;
  /** Unix milliseconds; 0: nothing tells when */
  readonly expectedStartMs: bigint;
}
export const JobPlan = messageType<JobPlan>("cyxwiz.scheduling.v1.JobPlan", {
  create: (p) => ({
    priceUnits: p.priceUnits ?? "",
    nodesNeeded: p.nodesNeeded ?? 0,
    nodes: p.nodes === undefined ? undefined : NodeCounts.create(p.nodes),
    candidates: p.candidates?.map((v) => Candidate.create(v)) ?? [],
    reason: p.reason ?? "",
    summary: p.summary ?? "",
    wouldHelp: p.wouldHelp?.map((v) => v) ?? [],
    expectedStart: p.expectedStart ?? "",
    expectedStartMs: p.expectedStartMs ?? 0n,
  }),
  write(m, w) {
    if (m.priceUnits) writeString(w.uint32(10), m.priceUnits);
    if (m.nodesNeeded) writeInt32(w.uint32(16), m.nodesNeeded);
    if (m.nodes !== undefined) writeMessage(w, 26, NodeCounts, m.nodes);
    for (const v of m.candidates ?? []) writeMessage(w, 34, Candidate, v);
    if (m.reason) writeString(w.uint32(42), m.reason);
    if (m.summary) writeString(w.uint32(50), m.summary);
    for (const v of m.wouldHelp ?? []) writeString(w.uint32(58), v);
    if (m.expectedStart) writeString(w.uint32(66), m.expectedStart);
    if (m.expectedStartMs) writeInt64(w.uint32(72), m.expectedStartMs);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.priceUnits = r.stringVerify(); return true;
      case 16: m.nodesNeeded = r.int32(); return true;
      case 26: m.nodes = readMessage(r, NodeCounts, m.nodes); return true;
      case 34: m.candidates.push(readMessage(r, Candidate)); return true;
      case 42: m.reason = r.stringVerify(); return true;
      case 50: m.summary = r.stringVerify(); return true;
      case 58: m.wouldHelp.push(r.stringVerify()); return true;
      case 66: m.expectedStart = r.stringVerify(); return true;
      case 72: m.expectedStartMs = readInt64(r); return true;
    }
    return false;
  },
});

export const SchedulingServiceDefinition = {
  /** Counted afresh over every node when it is asked. A job that has ended is answered with how it ended. */
  explainJob: method("/cyxwiz.scheduling.v1.SchedulingService/ExplainJob", ExplainJobRequest, JobExplanation, false, false),
  /** Checks the job as SubmitJob does, and submits nothing. */
  planJob: method("/cyxwiz.scheduling.v1.SchedulingService/PlanJob", PlanJobRequest, JobPlan, false, false),
};
