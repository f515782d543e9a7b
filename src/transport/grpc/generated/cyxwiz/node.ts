// Generated from proto/cyxwiz/node.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Server Nodes: registering, heartbeats, taking work, and how others discover them. */
import { copyMap, isZero, messageType, readBytes, readEntry, readInt64, readMessage, writeEntries, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, DeviceType, ProtocolError, DeviceCaps, Version } from "./common.ts";
import { JobConfig, JobStatus, JobResult } from "./job.ts";

export interface NodeInfo {
  /** a node sends the id it was given last time, or node_<unix seconds> on its first run */
  readonly nodeId: string;
  readonly name: string;
  readonly version: Version | undefined;
  /** Engines offer "Reserve" only for a node with at least one */
  readonly devices: readonly DeviceCaps[];
  readonly cpuCores: number;
  /** bytes */
  readonly ramTotal: bigint;
  /** bytes */
  readonly ramAvailable: bigint;
  readonly ipAddress: string;
  /** peer-to-peer port; 0 makes Engines assume 50052 */
  readonly port: number;
  readonly region: string;
  readonly computeScore: number;
  /** 0 to 1 on the wire (0 to 100 in the database) */
  readonly reputationScore: number;
  readonly totalJobsCompleted: bigint;
  readonly totalComputeHours: bigint;
  /** 0 to 5 */
  readonly averageRating: number;
  /** CYXWIZ tokens */
  readonly stakedAmount: number;
  readonly walletAddress: string;
  readonly isOnline: boolean;
  /** unix seconds */
  readonly lastHeartbeat: bigint;
  /** 0 to 100 */
  readonly uptimePercentage: number;
  readonly supportedFormats: readonly string[];
  /** bytes */
  readonly maxModelSize: bigint;
  readonly supportsTerminalAccess: boolean;
  readonly availableRuntimes: readonly string[];
  readonly pricing: NodePricing | undefined;
}
export const NodeInfo = messageType<NodeInfo>("cyxwiz.protocol.NodeInfo", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    name: p.name ?? "",
    version: p.version === undefined ? undefined : Version.create(p.version),
    devices: p.devices?.map((v) => DeviceCaps.create(v)) ?? [],
    cpuCores: p.cpuCores ?? 0,
    ramTotal: p.ramTotal ?? 0n,
    ramAvailable: p.ramAvailable ?? 0n,
    ipAddress: p.ipAddress ?? "",
    port: p.port ?? 0,
    region: p.region ?? "",
    computeScore: p.computeScore ?? 0,
    reputationScore: p.reputationScore ?? 0,
    totalJobsCompleted: p.totalJobsCompleted ?? 0n,
    totalComputeHours: p.totalComputeHours ?? 0n,
    averageRating: p.averageRating ?? 0,
    stakedAmount: p.stakedAmount ?? 0,
    walletAddress: p.walletAddress ?? "",
    isOnline: p.isOnline ?? false,
    lastHeartbeat: p.lastHeartbeat ?? 0n,
    uptimePercentage: p.uptimePercentage ?? 0,
    supportedFormats: p.supportedFormats?.map((v) => v) ?? [],
    maxModelSize: p.maxModelSize ?? 0n,
    supportsTerminalAccess: p.supportsTerminalAccess ?? false,
    availableRuntimes: p.availableRuntimes?.map((v) => v) ?? [],
    pricing: p.pricing === undefined ? undefined : NodePricing.create(p.pricing),
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.name) writeString(w.uint32(18), m.name);
    if (m.version !== undefined) writeMessage(w, 26, Version, m.version);
    for (const v of m.devices ?? []) writeMessage(w, 34, DeviceCaps, v);
    if (m.cpuCores) writeInt32(w.uint32(40), m.cpuCores);
    if (m.ramTotal) writeInt64(w.uint32(48), m.ramTotal);
    if (m.ramAvailable) writeInt64(w.uint32(56), m.ramAvailable);
    if (m.ipAddress) writeString(w.uint32(66), m.ipAddress);
    if (m.port) writeInt32(w.uint32(72), m.port);
    if (m.region) writeString(w.uint32(82), m.region);
    if (m.computeScore !== undefined && !isZero(m.computeScore)) w.uint32(89).double(m.computeScore);
    if (m.reputationScore !== undefined && !isZero(m.reputationScore)) w.uint32(97).double(m.reputationScore);
    if (m.totalJobsCompleted) writeInt64(w.uint32(104), m.totalJobsCompleted);
    if (m.totalComputeHours) writeInt64(w.uint32(112), m.totalComputeHours);
    if (m.averageRating !== undefined && !isZero(m.averageRating)) w.uint32(121).double(m.averageRating);
    if (m.stakedAmount !== undefined && !isZero(m.stakedAmount)) w.uint32(129).double(m.stakedAmount);
    if (m.walletAddress) writeString(w.uint32(138), m.walletAddress);
    if (m.isOnline) w.uint32(144).bool(m.isOnline);
    if (m.lastHeartbeat) writeInt64(w.uint32(152), m.lastHeartbeat);
    if (m.uptimePercentage !== undefined && !isZero(m.uptimePercentage)) w.uint32(161).double(m.uptimePercentage);
    for (const v of m.supportedFormats ?? []) writeString(w.uint32(170), v);
    if (m.maxModelSize) writeInt64(w.uint32(176), m.maxModelSize);
    if (m.supportsTerminalAccess) w.uint32(184).bool(m.supportsTerminalAccess);
    for (const v of m.availableRuntimes ?? []) writeString(w.uint32(194), v);
    if (m.pricing !== undefined) writeMessage(w, 202, NodePricing, m.pricing);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.name = r.stringVerify(); return true;
      case 26: m.version = readMessage(r, Version, m.version); return true;
      case 34: m.devices.push(readMessage(r, DeviceCaps)); return true;
      case 40: m.cpuCores = r.int32(); return true;
      case 48: m.ramTotal = readInt64(r); return true;
      case 56: m.ramAvailable = readInt64(r); return true;
      case 66: m.ipAddress = r.stringVerify(); return true;
      case 72: m.port = r.int32(); return true;
      case 82: m.region = r.stringVerify(); return true;
      case 89: m.computeScore = r.double(); return true;
      case 97: m.reputationScore = r.double(); return true;
      case 104: m.totalJobsCompleted = readInt64(r); return true;
      case 112: m.totalComputeHours = readInt64(r); return true;
      case 121: m.averageRating = r.double(); return true;
      case 129: m.stakedAmount = r.double(); return true;
      case 138: m.walletAddress = r.stringVerify(); return true;
      case 144: m.isOnline = r.bool(); return true;
      case 152: m.lastHeartbeat = readInt64(r); return true;
      case 161: m.uptimePercentage = r.double(); return true;
      case 170: m.supportedFormats.push(r.stringVerify()); return true;
      case 176: m.maxModelSize = readInt64(r); return true;
      case 184: m.supportsTerminalAccess = r.bool(); return true;
      case 194: m.availableRuntimes.push(r.stringVerify()); return true;
      case 202: m.pricing = readMessage(r, NodePricing, m.pricing); return true;
    }
    return false;
  },
});

export const NodePricing_BillingModel = {
  BILLING_HOURLY: 0,
  BILLING_PER_EPOCH: 1,
  BILLING_PER_JOB: 2,
  BILLING_PER_INFERENCE: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type NodePricing_BillingModel = (typeof NodePricing_BillingModel)[keyof typeof NodePricing_BillingModel];

/** Prices in CYXWIZ tokens. */
export interface NodePricing {
  readonly billingModel: NodePricing_BillingModel;
  readonly pricePerHour: number;
  readonly pricePerEpoch: number;
  readonly pricePerJobBase: number;
  readonly pricePerInference: number;
  readonly minimumCharge: number;
  readonly minimumDurationMinutes: number;
  /** fraction off beyond one hour: 0.1 is 10 % */
  readonly discount1hPlus: number;
  /** fraction off beyond a day */
  readonly discount24hPlus: number;
  /** fraction */
  readonly discountBulk: number;
  /** US dollars per hour */
  readonly usdEquivalent: number;
  /** unix seconds */
  readonly priceUpdatedAt: bigint;
  readonly acceptsCyxwizToken: boolean;
  readonly acceptsSol: boolean;
  readonly acceptsUsdc: boolean;
  readonly freeTierAvailable: boolean;
  readonly freeTierMinutes: number;
}
export const NodePricing = messageType<NodePricing>("cyxwiz.protocol.NodePricing", {
  create: (p) => ({
    billingModel: p.billingModel ?? 0 as NodePricing_BillingModel,
    pricePerHour: p.pricePerHour ?? 0,
    pricePerEpoch: p.pricePerEpoch ?? 0,
    pricePerJobBase: p.pricePerJobBase ?? 0,
    pricePerInference: p.pricePerInference ?? 0,
    minimumCharge: p.minimumCharge ?? 0,
    minimumDurationMinutes: p.minimumDurationMinutes ?? 0,
    discount1hPlus: p.discount1hPlus ?? 0,
    discount24hPlus: p.discount24hPlus ?? 0,
    discountBulk: p.discountBulk ?? 0,
    usdEquivalent: p.usdEquivalent ?? 0,
    priceUpdatedAt: p.priceUpdatedAt ?? 0n,
    acceptsCyxwizToken: p.acceptsCyxwizToken ?? false,
    acceptsSol: p.acceptsSol ?? false,
    acceptsUsdc: p.acceptsUsdc ?? false,
    freeTierAvailable: p.freeTierAvailable ?? false,
    freeTierMinutes: p.freeTierMinutes ?? 0,
  }),
  write(m, w) {
    if (m.billingModel) writeInt32(w.uint32(8), m.billingModel);
    if (m.pricePerHour !== undefined && !isZero(m.pricePerHour)) w.uint32(17).double(m.pricePerHour);
    if (m.pricePerEpoch !== undefined && !isZero(m.pricePerEpoch)) w.uint32(25).double(m.pricePerEpoch);
    if (m.pricePerJobBase !== undefined && !isZero(m.pricePerJobBase)) w.uint32(33).double(m.pricePerJobBase);
    if (m.pricePerInference !== undefined && !isZero(m.pricePerInference)) w.uint32(41).double(m.pricePerInference);
    if (m.minimumCharge !== undefined && !isZero(m.minimumCharge)) w.uint32(49).double(m.minimumCharge);
    if (m.minimumDurationMinutes) writeInt32(w.uint32(56), m.minimumDurationMinutes);
    if (m.discount1hPlus !== undefined && !isZero(m.discount1hPlus)) w.uint32(65).double(m.discount1hPlus);
    if (m.discount24hPlus !== undefined && !isZero(m.discount24hPlus)) w.uint32(73).double(m.discount24hPlus);
    if (m.discountBulk !== undefined && !isZero(m.discountBulk)) w.uint32(81).double(m.discountBulk);
    if (m.usdEquivalent !== undefined && !isZero(m.usdEquivalent)) w.uint32(89).double(m.usdEquivalent);
    if (m.priceUpdatedAt) writeInt64(w.uint32(96), m.priceUpdatedAt);
    if (m.acceptsCyxwizToken) w.uint32(104).bool(m.acceptsCyxwizToken);
    if (m.acceptsSol) w.uint32(112).bool(m.acceptsSol);
    if (m.acceptsUsdc) w.uint32(120).bool(m.acceptsUsdc);
    if (m.freeTierAvailable) w.uint32(128).bool(m.freeTierAvailable);
    if (m.freeTierMinutes) writeInt32(w.uint32(136), m.freeTierMinutes);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.billingModel = r.int32() as NodePricing_BillingModel; return true;
      case 17: m.pricePerHour = r.double(); return true;
      case 25: m.pricePerEpoch = r.double(); return true;
      case 33: m.pricePerJobBase = r.double(); return true;
      case 41: m.pricePerInference = r.double(); return true;
      case 49: m.minimumCharge = r.double(); return true;
      case 56: m.minimumDurationMinutes = r.int32(); return true;
      case 65: m.discount1hPlus = r.double(); return true;
      case 73: m.discount24hPlus = r.double(); return true;
      case 81: m.discountBulk = r.double(); return true;
      case 89: m.usdEquivalent = r.double(); return true;
      case 96: m.priceUpdatedAt = readInt64(r); return true;
      case 104: m.acceptsCyxwizToken = r.bool(); return true;
      case 112: m.acceptsSol = r.bool(); return true;
      case 120: m.acceptsUsdc = r.bool(); return true;
      case 128: m.freeTierAvailable = r.bool(); return true;
      case 136: m.freeTierMinutes = r.int32(); return true;
    }
    return false;
  },
});

export interface RegisterNodeRequest {
  readonly info: NodeInfo | undefined;
  readonly authenticationToken: string;
  readonly publicKey: Uint8Array;
}
export const RegisterNodeRequest = messageType<RegisterNodeRequest>("cyxwiz.protocol.RegisterNodeRequest", {
  create: (p) => ({
    info: p.info === undefined ? undefined : NodeInfo.create(p.info),
    authenticationToken: p.authenticationToken ?? "",
    publicKey: p.publicKey === undefined ? new Uint8Array() : new Uint8Array(p.publicKey),
  }),
  write(m, w) {
    if (m.info !== undefined) writeMessage(w, 10, NodeInfo, m.info);
    if (m.authenticationToken) writeString(w.uint32(18), m.authenticationToken);
    if (m.publicKey?.length) w.uint32(26).bytes(m.publicKey);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.info = readMessage(r, NodeInfo, m.info); return true;
      case 18: m.authenticationToken = r.stringVerify(); return true;
      case 26: m.publicKey = readBytes(r); return true;
    }
    return false;
  },
});

export interface RegisterNodeResponse {
  /** nodes take anything but STATUS_SUCCESS with a node_id for a refusal */
  readonly status: StatusCode;
  /** the same id every time the same node comes back */
  readonly nodeId: string;
  readonly sessionToken: string;
  readonly error: ProtocolError | undefined;
}
export const RegisterNodeResponse = messageType<RegisterNodeResponse>("cyxwiz.protocol.RegisterNodeResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    nodeId: p.nodeId ?? "",
    sessionToken: p.sessionToken ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.nodeId) writeString(w.uint32(18), m.nodeId);
    if (m.sessionToken) writeString(w.uint32(26), m.sessionToken);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.nodeId = r.stringVerify(); return true;
      case 26: m.sessionToken = r.stringVerify(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** Existing nodes send one every 10 seconds, with only liveness and free RAM in current_status. */
export interface HeartbeatRequest {
  readonly nodeId: string;
  readonly currentStatus: NodeInfo | undefined;
  /** existing nodes leave this empty whatever they run */
  readonly activeJobs: readonly string[];
}
export const HeartbeatRequest = messageType<HeartbeatRequest>("cyxwiz.protocol.HeartbeatRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    currentStatus: p.currentStatus === undefined ? undefined : NodeInfo.create(p.currentStatus),
    activeJobs: p.activeJobs?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.currentStatus !== undefined) writeMessage(w, 18, NodeInfo, m.currentStatus);
    for (const v of m.activeJobs ?? []) writeString(w.uint32(26), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.currentStatus = readMessage(r, NodeInfo, m.currentStatus); return true;
      case 26: m.activeJobs.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface HeartbeatResponse {
  readonly status: StatusCode;
  /** false makes a node believe its link is lost */
  readonly keepAlive: boolean;
  readonly jobsToCancel: readonly string[];
  readonly error: ProtocolError | undefined;
}
export const HeartbeatResponse = messageType<HeartbeatResponse>("cyxwiz.protocol.HeartbeatResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    keepAlive: p.keepAlive ?? false,
    jobsToCancel: p.jobsToCancel?.map((v) => v) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.keepAlive) w.uint32(16).bool(m.keepAlive);
    for (const v of m.jobsToCancel ?? []) writeString(w.uint32(26), v);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.keepAlive = r.bool(); return true;
      case 26: m.jobsToCancel.push(r.stringVerify()); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** Server to node, on the node's peer-to-peer port plus 3. */
export interface AssignJobRequest {
  readonly nodeId: string;
  readonly job: JobConfig | undefined;
  readonly authorizationToken: string;
}
export const AssignJobRequest = messageType<AssignJobRequest>("cyxwiz.protocol.AssignJobRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    job: p.job === undefined ? undefined : JobConfig.create(p.job),
    authorizationToken: p.authorizationToken ?? "",
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.job !== undefined) writeMessage(w, 18, JobConfig, m.job);
    if (m.authorizationToken) writeString(w.uint32(26), m.authorizationToken);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.job = readMessage(r, JobConfig, m.job); return true;
      case 26: m.authorizationToken = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface AssignJobResponse {
  readonly status: StatusCode;
  readonly jobId: string;
  /** false with error 400 (bad job) or 429 (busy) */
  readonly accepted: boolean;
  readonly error: ProtocolError | undefined;
  /** text: "immediate" or "waiting_for_p2p" */
  readonly estimatedStartTime: string;
}
export const AssignJobResponse = messageType<AssignJobResponse>("cyxwiz.protocol.AssignJobResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    jobId: p.jobId ?? "",
    accepted: p.accepted ?? false,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
    estimatedStartTime: p.estimatedStartTime ?? "",
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.accepted) w.uint32(24).bool(m.accepted);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
    if (m.estimatedStartTime) writeString(w.uint32(42), m.estimatedStartTime);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 24: m.accepted = r.bool(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
      case 42: m.estimatedStartTime = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ReportProgressRequest {
  readonly nodeId: string;
  readonly jobId: string;
  readonly status: JobStatus | undefined;
  readonly currentMetrics: Readonly<Record<string, number>>;
}
export const ReportProgressRequest = messageType<ReportProgressRequest>("cyxwiz.protocol.ReportProgressRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    jobId: p.jobId ?? "",
    status: p.status === undefined ? undefined : JobStatus.create(p.status),
    currentMetrics: copyMap(p.currentMetrics, (v) => v),
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.status !== undefined) writeMessage(w, 26, JobStatus, m.status);
    writeEntries(w, 34, m.currentMetrics, (w, v) => { w.uint32(17).double(v); });
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.status = readMessage(r, JobStatus, m.status); return true;
      case 34: readEntry(r, m.currentMetrics, 17, (r) => r.double(), () => 0); return true;
    }
    return false;
  },
});

export interface ReportProgressResponse {
  readonly status: StatusCode;
  /** false asks the node to stop */
  readonly continueJob: boolean;
  readonly error: ProtocolError | undefined;
}
export const ReportProgressResponse = messageType<ReportProgressResponse>("cyxwiz.protocol.ReportProgressResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    continueJob: p.continueJob ?? false,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.continueJob) w.uint32(16).bool(m.continueJob);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.continueJob = r.bool(); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ReportCompletionRequest {
  readonly nodeId: string;
  readonly jobId: string;
  readonly result: JobResult | undefined;
  readonly signature: Uint8Array;
}
export const ReportCompletionRequest = messageType<ReportCompletionRequest>("cyxwiz.protocol.ReportCompletionRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    jobId: p.jobId ?? "",
    result: p.result === undefined ? undefined : JobResult.create(p.result),
    signature: p.signature === undefined ? new Uint8Array() : new Uint8Array(p.signature),
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.result !== undefined) writeMessage(w, 26, JobResult, m.result);
    if (m.signature?.length) w.uint32(34).bytes(m.signature);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.result = readMessage(r, JobResult, m.result); return true;
      case 34: m.signature = readBytes(r); return true;
    }
    return false;
  },
});

export interface ReportCompletionResponse {
  readonly status: StatusCode;
  readonly paymentReleased: boolean;
  readonly paymentTxHash: string;
  readonly error: ProtocolError | undefined;
}
export const ReportCompletionResponse = messageType<ReportCompletionResponse>("cyxwiz.protocol.ReportCompletionResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    paymentReleased: p.paymentReleased ?? false,
    paymentTxHash: p.paymentTxHash ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.paymentReleased) w.uint32(16).bool(m.paymentReleased);
    if (m.paymentTxHash) writeString(w.uint32(26), m.paymentTxHash);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.paymentReleased = r.bool(); return true;
      case 26: m.paymentTxHash = r.stringVerify(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface GetNodeMetricsRequest {
  readonly nodeId: string;
  /** unix seconds */
  readonly startTime: bigint;
  /** unix seconds */
  readonly endTime: bigint;
}
export const GetNodeMetricsRequest = messageType<GetNodeMetricsRequest>("cyxwiz.protocol.GetNodeMetricsRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    startTime: p.startTime ?? 0n,
    endTime: p.endTime ?? 0n,
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.startTime) writeInt64(w.uint32(16), m.startTime);
    if (m.endTime) writeInt64(w.uint32(24), m.endTime);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 16: m.startTime = readInt64(r); return true;
      case 24: m.endTime = readInt64(r); return true;
    }
    return false;
  },
});

export interface GetNodeMetricsResponse {
  readonly metrics: readonly MetricPoint[];
  readonly error: ProtocolError | undefined;
}
export const GetNodeMetricsResponse = messageType<GetNodeMetricsResponse>("cyxwiz.protocol.GetNodeMetricsResponse", {
  create: (p) => ({
    metrics: p.metrics?.map((v) => MetricPoint.create(v)) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    for (const v of m.metrics ?? []) writeMessage(w, 10, MetricPoint, v);
    if (m.error !== undefined) writeMessage(w, 18, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.metrics.push(readMessage(r, MetricPoint)); return true;
      case 18: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface MetricPoint {
  /** unix seconds */
  readonly timestamp: bigint;
  readonly cpuUsage: number;
  readonly gpuUsage: number;
  readonly memoryUsage: number;
  /** bytes sent and received */
  readonly networkThroughput: number;
  readonly powerConsumption: number;
}
export const MetricPoint = messageType<MetricPoint>("cyxwiz.protocol.MetricPoint", {
  create: (p) => ({
    timestamp: p.timestamp ?? 0n,
    cpuUsage: p.cpuUsage ?? 0,
    gpuUsage: p.gpuUsage ?? 0,
    memoryUsage: p.memoryUsage ?? 0,
    networkThroughput: p.networkThroughput ?? 0,
    powerConsumption: p.powerConsumption ?? 0,
  }),
  write(m, w) {
    if (m.timestamp) writeInt64(w.uint32(8), m.timestamp);
    if (m.cpuUsage !== undefined && !isZero(m.cpuUsage)) w.uint32(17).double(m.cpuUsage);
    if (m.gpuUsage !== undefined && !isZero(m.gpuUsage)) w.uint32(25).double(m.gpuUsage);
    if (m.memoryUsage !== undefined && !isZero(m.memoryUsage)) w.uint32(33).double(m.memoryUsage);
    if (m.networkThroughput !== undefined && !isZero(m.networkThroughput)) w.uint32(41).double(m.networkThroughput);
    if (m.powerConsumption !== undefined && !isZero(m.powerConsumption)) w.uint32(49).double(m.powerConsumption);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.timestamp = readInt64(r); return true;
      case 17: m.cpuUsage = r.double(); return true;
      case 25: m.gpuUsage = r.double(); return true;
      case 33: m.memoryUsage = r.double(); return true;
      case 41: m.networkThroughput = r.double(); return true;
      case 49: m.powerConsumption = r.double(); return true;
    }
    return false;
  },
});

/** The node tells the server that an Engine has handed it the job. Existing nodes send no credentials with it. */
export interface JobAcceptedRequest {
  readonly nodeId: string;
  readonly jobId: string;
  readonly engineAddress: string;
  /** raw clock ticks, unit differs between platforms: never trust it */
  readonly acceptedAt: bigint;
  readonly nodeEndpoint: string;
}
export const JobAcceptedRequest = messageType<JobAcceptedRequest>("cyxwiz.protocol.JobAcceptedRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    jobId: p.jobId ?? "",
    engineAddress: p.engineAddress ?? "",
    acceptedAt: p.acceptedAt ?? 0n,
    nodeEndpoint: p.nodeEndpoint ?? "",
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.engineAddress) writeString(w.uint32(26), m.engineAddress);
    if (m.acceptedAt) writeInt64(w.uint32(32), m.acceptedAt);
    if (m.nodeEndpoint) writeString(w.uint32(42), m.nodeEndpoint);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.engineAddress = r.stringVerify(); return true;
      case 32: m.acceptedAt = readInt64(r); return true;
      case 42: m.nodeEndpoint = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface JobAcceptedResponse {
  readonly status: StatusCode;
  readonly acknowledged: boolean;
  readonly error: ProtocolError | undefined;
}
export const JobAcceptedResponse = messageType<JobAcceptedResponse>("cyxwiz.protocol.JobAcceptedResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    acknowledged: p.acknowledged ?? false,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.acknowledged) w.uint32(16).bool(m.acknowledged);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.acknowledged = r.bool(); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export const FindNodesRequest_SortBy = {
  SORT_BY_PRICE: 0,
  SORT_BY_PERFORMANCE: 1,
  SORT_BY_REPUTATION: 2,
  SORT_BY_AVAILABILITY: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type FindNodesRequest_SortBy = (typeof FindNodesRequest_SortBy)[keyof typeof FindNodesRequest_SortBy];

/** Zero and empty mean "does not matter". */
export interface FindNodesRequest {
  readonly requiredDevice: DeviceType;
  /** bytes */
  readonly minMemory: bigint;
  /** 0 to 1 */
  readonly minReputation: number;
  readonly preferredRegion: string;
  /** 0 means all */
  readonly maxResults: number;
  /** CYXWIZ tokens */
  readonly maxPricePerHour: number;
  /** US dollars per hour */
  readonly maxPriceUsd: number;
  readonly preferredBilling: NodePricing_BillingModel;
  readonly requireFreeTier: boolean;
  /** bytes */
  readonly minVram: bigint;
  readonly minComputeScore: number;
  /** CYXWIZ tokens */
  readonly minStake: number;
  readonly allowedRegions: readonly string[];
  readonly blockedRegions: readonly string[];
  readonly sortBy: FindNodesRequest_SortBy;
}
export const FindNodesRequest = messageType<FindNodesRequest>("cyxwiz.protocol.FindNodesRequest", {
  create: (p) => ({
    requiredDevice: p.requiredDevice ?? 0 as DeviceType,
    minMemory: p.minMemory ?? 0n,
    minReputation: p.minReputation ?? 0,
    preferredRegion: p.preferredRegion ?? "",
    maxResults: p.maxResults ?? 0,
    maxPricePerHour: p.maxPricePerHour ?? 0,
    maxPriceUsd: p.maxPriceUsd ?? 0,
    preferredBilling: p.preferredBilling ?? 0 as NodePricing_BillingModel,
    requireFreeTier: p.requireFreeTier ?? false,
    minVram: p.minVram ?? 0n,
    minComputeScore: p.minComputeScore ?? 0,
    minStake: p.minStake ?? 0,
    allowedRegions: p.allowedRegions?.map((v) => v) ?? [],
    blockedRegions: p.blockedRegions?.map((v) => v) ?? [],
    sortBy: p.sortBy ?? 0 as FindNodesRequest_SortBy,
  }),
  write(m, w) {
    if (m.requiredDevice) writeInt32(w.uint32(8), m.requiredDevice);
    if (m.minMemory) writeInt64(w.uint32(16), m.minMemory);
    if (m.minReputation !== undefined && !isZero(m.minReputation)) w.uint32(25).double(m.minReputation);
    if (m.preferredRegion) writeString(w.uint32(34), m.preferredRegion);
    if (m.maxResults) writeInt32(w.uint32(40), m.maxResults);
    if (m.maxPricePerHour !== undefined && !isZero(m.maxPricePerHour)) w.uint32(49).double(m.maxPricePerHour);
    if (m.maxPriceUsd !== undefined && !isZero(m.maxPriceUsd)) w.uint32(57).double(m.maxPriceUsd);
    if (m.preferredBilling) writeInt32(w.uint32(64), m.preferredBilling);
    if (m.requireFreeTier) w.uint32(72).bool(m.requireFreeTier);
    if (m.minVram) writeInt64(w.uint32(80), m.minVram);
    if (m.minComputeScore !== undefined && !isZero(m.minComputeScore)) w.uint32(89).double(m.minComputeScore);
    if (m.minStake !== undefined && !isZero(m.minStake)) w.uint32(97).double(m.minStake);
    for (const v of m.allowedRegions ?? []) writeString(w.uint32(106), v);
    for (const v of m.blockedRegions ?? []) writeString(w.uint32(114), v);
    if (m.sortBy) writeInt32(w.uint32(120), m.sortBy);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.requiredDevice = r.int32() as DeviceType; return true;
      case 16: m.minMemory = readInt64(r); return true;
      case 25: m.minReputation = r.double(); return true;
      case 34: m.preferredRegion = r.stringVerify(); return true;
      case 40: m.maxResults = r.int32(); return true;
      case 49: m.maxPricePerHour = r.double(); return true;
      case 57: m.maxPriceUsd = r.double(); return true;
      case 64: m.preferredBilling = r.int32() as NodePricing_BillingModel; return true;
      case 72: m.requireFreeTier = r.bool(); return true;
      case 80: m.minVram = readInt64(r); return true;
      case 89: m.minComputeScore = r.double(); return true;
      case 97: m.minStake = r.double(); return true;
      case 106: m.allowedRegions.push(r.stringVerify()); return true;
      case 114: m.blockedRegions.push(r.stringVerify()); return true;
      case 120: m.sortBy = r.int32() as FindNodesRequest_SortBy; return true;
    }
    return false;
  },
});

export interface FindNodesResponse {
  readonly nodes: readonly NodeInfo[];
  /** before max_results cut the list */
  readonly totalMatching: number;
  readonly avgPricePerHour: number;
  readonly minPricePerHour: number;
  readonly maxPricePerHour: number;
  readonly error: ProtocolError | undefined;
}
export const FindNodesResponse = messageType<FindNodesResponse>("cyxwiz.protocol.FindNodesResponse", {
  create: (p) => ({
    nodes: p.nodes?.map((v) => NodeInfo.create(v)) ?? [],
    totalMatching: p.totalMatching ?? 0,
    avgPricePerHour: p.avgPricePerHour ?? 0,
    minPricePerHour: p.minPricePerHour ?? 0,
    maxPricePerHour: p.maxPricePerHour ?? 0,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    for (const v of m.nodes ?? []) writeMessage(w, 10, NodeInfo, v);
    if (m.totalMatching) writeInt32(w.uint32(16), m.totalMatching);
    if (m.avgPricePerHour !== undefined && !isZero(m.avgPricePerHour)) w.uint32(25).double(m.avgPricePerHour);
    if (m.minPricePerHour !== undefined && !isZero(m.minPricePerHour)) w.uint32(33).double(m.minPricePerHour);
    if (m.maxPricePerHour !== undefined && !isZero(m.maxPricePerHour)) w.uint32(41).double(m.maxPricePerHour);
    if (m.error !== undefined) writeMessage(w, 50, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodes.push(readMessage(r, NodeInfo)); return true;
      case 16: m.totalMatching = r.int32(); return true;
      case 25: m.avgPricePerHour = r.double(); return true;
      case 33: m.minPricePerHour = r.double(); return true;
      case 41: m.maxPricePerHour = r.double(); return true;
      case 50: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ListNodesRequest {
  /** 0 means all */
  readonly pageSize: number;
  readonly pageToken: string;
  readonly onlineOnly: boolean;
  readonly filterDevice: DeviceType;
  readonly filterRegion: string;
  readonly minPricePerHour: number;
  readonly maxPricePerHour: number;
  readonly sortBy: FindNodesRequest_SortBy;
  readonly sortDescending: boolean;
}
export const ListNodesRequest = messageType<ListNodesRequest>("cyxwiz.protocol.ListNodesRequest", {
  create: (p) => ({
    pageSize: p.pageSize ?? 0,
    pageToken: p.pageToken ?? "",
    onlineOnly: p.onlineOnly ?? false,
    filterDevice: p.filterDevice ?? 0 as DeviceType,
    filterRegion: p.filterRegion ?? "",
    minPricePerHour: p.minPricePerHour ?? 0,
    maxPricePerHour: p.maxPricePerHour ?? 0,
    sortBy: p.sortBy ?? 0 as FindNodesRequest_SortBy,
    sortDescending: p.sortDescending ?? false,
  }),
  write(m, w) {
    if (m.pageSize) writeInt32(w.uint32(8), m.pageSize);
    if (m.pageToken) writeString(w.uint32(18), m.pageToken);
    if (m.onlineOnly) w.uint32(24).bool(m.onlineOnly);
    if (m.filterDevice) writeInt32(w.uint32(32), m.filterDevice);
    if (m.filterRegion) writeString(w.uint32(42), m.filterRegion);
    if (m.minPricePerHour !== undefined && !isZero(m.minPricePerHour)) w.uint32(49).double(m.minPricePerHour);
    if (m.maxPricePerHour !== undefined && !isZero(m.maxPricePerHour)) w.uint32(57).double(m.maxPricePerHour);
    if (m.sortBy) writeInt32(w.uint32(64), m.sortBy);
    if (m.sortDescending) w.uint32(72).bool(m.sortDescending);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.pageSize = r.int32(); return true;
      case 18: m.pageToken = r.stringVerify(); return true;
      case 24: m.onlineOnly = r.bool(); return true;
      case 32: m.filterDevice = r.int32() as DeviceType; return true;
      case 42: m.filterRegion = r.stringVerify(); return true;
      case 49: m.minPricePerHour = r.double(); return true;
      case 57: m.maxPricePerHour = r.double(); return true;
      case 64: m.sortBy = r.int32() as FindNodesRequest_SortBy; return true;
      case 72: m.sortDescending = r.bool(); return true;
    }
    return false;
  },
});

export interface ListNodesResponse {
  readonly nodes: readonly NodeInfo[];
  readonly nextPageToken: string;
  readonly totalCount: number;
  readonly onlineCount: number;
  /** CYXWIZ tokens per hour */
  readonly networkAvgPrice: number;
  readonly networkTotalCompute: number;
}
export const ListNodesResponse = messageType<ListNodesResponse>("cyxwiz.protocol.ListNodesResponse", {
  create: (p) => ({
    nodes: p.nodes?.map((v) => NodeInfo.create(v)) ?? [],
    nextPageToken: p.nextPageToken ?? "",
    totalCount: p.totalCount ?? 0,
    onlineCount: p.onlineCount ?? 0,
    networkAvgPrice: p.networkAvgPrice ?? 0,
    networkTotalCompute: p.networkTotalCompute ?? 0,
  }),
  write(m, w) {
    for (const v of m.nodes ?? []) writeMessage(w, 10, NodeInfo, v);
    if (m.nextPageToken) writeString(w.uint32(18), m.nextPageToken);
    if (m.totalCount) writeInt32(w.uint32(24), m.totalCount);
    if (m.onlineCount) writeInt32(w.uint32(32), m.onlineCount);
    if (m.networkAvgPrice !== undefined && !isZero(m.networkAvgPrice)) w.uint32(41).double(m.networkAvgPrice);
    if (m.networkTotalCompute !== undefined && !isZero(m.networkTotalCompute)) w.uint32(49).double(m.networkTotalCompute);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodes.push(readMessage(r, NodeInfo)); return true;
      case 18: m.nextPageToken = r.stringVerify(); return true;
      case 24: m.totalCount = r.int32(); return true;
      case 32: m.onlineCount = r.int32(); return true;
      case 41: m.networkAvgPrice = r.double(); return true;
      case 49: m.networkTotalCompute = r.double(); return true;
    }
    return false;
  },
});

export interface GetNodeInfoRequest {
  readonly nodeId: string;
}
export const GetNodeInfoRequest = messageType<GetNodeInfoRequest>("cyxwiz.protocol.GetNodeInfoRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetNodeInfoResponse {
  readonly info: NodeInfo | undefined;
  readonly error: ProtocolError | undefined;
}
export const GetNodeInfoResponse = messageType<GetNodeInfoResponse>("cyxwiz.protocol.GetNodeInfoResponse", {
  create: (p) => ({
    info: p.info === undefined ? undefined : NodeInfo.create(p.info),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.info !== undefined) writeMessage(w, 10, NodeInfo, m.info);
    if (m.error !== undefined) writeMessage(w, 18, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.info = readMessage(r, NodeInfo, m.info); return true;
      case 18: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface UpdateJobStatusRequest {
  readonly nodeId: string;
  readonly jobId: string;
  readonly status: StatusCode;
  /** 0 to 1 */
  readonly progress: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly currentEpoch: number;
  readonly logMessage: string;
}
export const UpdateJobStatusRequest = messageType<UpdateJobStatusRequest>("cyxwiz.protocol.UpdateJobStatusRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    jobId: p.jobId ?? "",
    status: p.status ?? 0 as StatusCode,
    progress: p.progress ?? 0,
    metrics: copyMap(p.metrics, (v) => v),
    currentEpoch: p.currentEpoch ?? 0,
    logMessage: p.logMessage ?? "",
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.status) writeInt32(w.uint32(24), m.status);
    if (m.progress !== undefined && !isZero(m.progress)) w.uint32(33).double(m.progress);
    writeEntries(w, 42, m.metrics, (w, v) => { w.uint32(17).double(v); });
    if (m.currentEpoch) writeInt32(w.uint32(48), m.currentEpoch);
    if (m.logMessage) writeString(w.uint32(58), m.logMessage);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 24: m.status = r.int32() as StatusCode; return true;
      case 33: m.progress = r.double(); return true;
      case 42: readEntry(r, m.metrics, 17, (r) => r.double(), () => 0); return true;
      case 48: m.currentEpoch = r.int32(); return true;
      case 58: m.logMessage = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface UpdateJobStatusResponse {
  readonly status: StatusCode;
  /** false asks the node to stop */
  readonly shouldContinue: boolean;
  readonly error: ProtocolError | undefined;
}
export const UpdateJobStatusResponse = messageType<UpdateJobStatusResponse>("cyxwiz.protocol.UpdateJobStatusResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    shouldContinue: p.shouldContinue ?? false,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.shouldContinue) w.uint32(16).bool(m.shouldContinue);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.shouldContinue = r.bool(); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ReportJobResultRequest {
  readonly nodeId: string;
  readonly jobId: string;
  readonly finalStatus: StatusCode;
  readonly finalMetrics: Readonly<Record<string, number>>;
  readonly modelWeightsUri: string;
  readonly modelWeightsHash: string;
  /** bytes */
  readonly modelSize: bigint;
  /** milliseconds (JobResult counts seconds) */
  readonly totalComputeTime: bigint;
  readonly errorMessage: string;
}
export const ReportJobResultRequest = messageType<ReportJobResultRequest>("cyxwiz.protocol.ReportJobResultRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    jobId: p.jobId ?? "",
    finalStatus: p.finalStatus ?? 0 as StatusCode,
    finalMetrics: copyMap(p.finalMetrics, (v) => v),
    modelWeightsUri: p.modelWeightsUri ?? "",
    modelWeightsHash: p.modelWeightsHash ?? "",
    modelSize: p.modelSize ?? 0n,
    totalComputeTime: p.totalComputeTime ?? 0n,
    errorMessage: p.errorMessage ?? "",
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.finalStatus) writeInt32(w.uint32(24), m.finalStatus);
    writeEntries(w, 34, m.finalMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.modelWeightsUri) writeString(w.uint32(42), m.modelWeightsUri);
    if (m.modelWeightsHash) writeString(w.uint32(50), m.modelWeightsHash);
    if (m.modelSize) writeInt64(w.uint32(56), m.modelSize);
    if (m.totalComputeTime) writeInt64(w.uint32(64), m.totalComputeTime);
    if (m.errorMessage) writeString(w.uint32(74), m.errorMessage);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 24: m.finalStatus = r.int32() as StatusCode; return true;
      case 34: readEntry(r, m.finalMetrics, 17, (r) => r.double(), () => 0); return true;
      case 42: m.modelWeightsUri = r.stringVerify(); return true;
      case 50: m.modelWeightsHash = r.stringVerify(); return true;
      case 56: m.modelSize = readInt64(r); return true;
      case 64: m.totalComputeTime = readInt64(r); return true;
      case 74: m.errorMessage = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ReportJobResultResponse {
  readonly status: StatusCode;
  readonly error: ProtocolError | undefined;
}
export const ReportJobResultResponse = messageType<ReportJobResultResponse>("cyxwiz.protocol.ReportJobResultResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.error !== undefined) writeMessage(w, 18, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export const NodeServiceDefinition = {
  registerNode: method("/cyxwiz.protocol.NodeService/RegisterNode", RegisterNodeRequest, RegisterNodeResponse, false, false),
  heartbeat: method("/cyxwiz.protocol.NodeService/Heartbeat", HeartbeatRequest, HeartbeatResponse, false, false),
  /** Served by nodes; the central server calls it. */
  assignJob: method("/cyxwiz.protocol.NodeService/AssignJob", AssignJobRequest, AssignJobResponse, false, false),
  reportProgress: method("/cyxwiz.protocol.NodeService/ReportProgress", ReportProgressRequest, ReportProgressResponse, false, false),
  reportCompletion: method("/cyxwiz.protocol.NodeService/ReportCompletion", ReportCompletionRequest, ReportCompletionResponse, false, false),
  getNodeMetrics: method("/cyxwiz.protocol.NodeService/GetNodeMetrics", GetNodeMetricsRequest, GetNodeMetricsResponse, false, false),
  notifyJobAccepted: method("/cyxwiz.protocol.NodeService/NotifyJobAccepted", JobAcceptedRequest, JobAcceptedResponse, false, false),
};

/** Public: answers without a token. */
export const NodeDiscoveryServiceDefinition = {
  findNodes: method("/cyxwiz.protocol.NodeDiscoveryService/FindNodes", FindNodesRequest, FindNodesResponse, false, false),
  listNodes: method("/cyxwiz.protocol.NodeDiscoveryService/ListNodes", ListNodesRequest, ListNodesResponse, false, false),
  getNodeInfo: method("/cyxwiz.protocol.NodeDiscoveryService/GetNodeInfo", GetNodeInfoRequest, GetNodeInfoResponse, false, false),
};

/** How a node that runs a job keeps the server informed. */
export const JobStatusServiceDefinition = {
  updateJobStatus: method("/cyxwiz.protocol.JobStatusService/UpdateJobStatus", UpdateJobStatusRequest, UpdateJobStatusResponse, false, false),
  reportJobResult: method("/cyxwiz.protocol.JobStatusService/ReportJobResult", ReportJobResultRequest, ReportJobResultResponse, false, false),
};
