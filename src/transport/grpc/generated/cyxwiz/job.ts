// Generated from proto/cyxwiz/job.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Submitting and following jobs: what the Engine says to the server. */
import { copyMap, isZero, messageType, readBytes, readEntry, readInt64, readMessage, writeEntries, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, DeviceType, ProtocolError } from "./common.ts";

export const JobType = {
  JOB_TYPE_UNKNOWN: 0,
  JOB_TYPE_TRAINING: 1,
  JOB_TYPE_INFERENCE: 2,
  JOB_TYPE_EVALUATION: 3,
  JOB_TYPE_PREPROCESSING: 4,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type JobType = (typeof JobType)[keyof typeof JobType];

export const JobPriority = {
  PRIORITY_LOW: 0,
  PRIORITY_NORMAL: 1,
  PRIORITY_HIGH: 2,
  PRIORITY_CRITICAL: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type JobPriority = (typeof JobPriority)[keyof typeof JobPriority];

/**
 * What to run. A client may choose the id (a UUID), which makes sending the same job twice harmless; otherwise the server
 * chooses it.
 */
export interface JobConfig {
  readonly jobId: string;
  readonly jobType: JobType;
  readonly priority: JobPriority;
  readonly modelDefinition: string;
  readonly hyperparameters: Readonly<Record<string, string>>;
  /** remote:// means the Engine streams the data to the node */
  readonly datasetUri: string;
  readonly batchSize: number;
  readonly epochs: number;
  /** unknown: any device will do */
  readonly requiredDevice: DeviceType;
  /** bytes */
  readonly estimatedMemory: bigint;
  /** seconds */
  readonly estimatedDuration: bigint;
  /** CYXWIZ tokens */
  readonly paymentAmount: number;
  /** wallet; empty means the caller's own */
  readonly paymentAddress: string;
  readonly escrowTxHash: string;
  /** 0 means the node's default of 60 */
  readonly reservationDurationMinutes: number;
}
export const JobConfig = messageType<JobConfig>("cyxwiz.protocol.JobConfig", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    jobType: p.jobType ?? 0 as JobType,
    priority: p.priority ?? 0 as JobPriority,
    modelDefinition: p.modelDefinition ?? "",
    hyperparameters: copyMap(p.hyperparameters, (v) => v),
    datasetUri: p.datasetUri ?? "",
    batchSize: p.batchSize ?? 0,
    epochs: p.epochs ?? 0,
    requiredDevice: p.requiredDevice ?? 0 as DeviceType,
    estimatedMemory: p.estimatedMemory ?? 0n,
    estimatedDuration: p.estimatedDuration ?? 0n,
    paymentAmount: p.paymentAmount ?? 0,
    paymentAddress: p.paymentAddress ?? "",
    escrowTxHash: p.escrowTxHash ?? "",
    reservationDurationMinutes: p.reservationDurationMinutes ?? 0,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.jobType) writeInt32(w.uint32(16), m.jobType);
    if (m.priority) writeInt32(w.uint32(24), m.priority);
    if (m.modelDefinition) writeString(w.uint32(34), m.modelDefinition);
    writeEntries(w, 42, m.hyperparameters, (w, v) => { writeString(w.uint32(18), v); });
    if (m.datasetUri) writeString(w.uint32(50), m.datasetUri);
    if (m.batchSize) writeInt32(w.uint32(56), m.batchSize);
    if (m.epochs) writeInt32(w.uint32(64), m.epochs);
    if (m.requiredDevice) writeInt32(w.uint32(72), m.requiredDevice);
    if (m.estimatedMemory) writeInt64(w.uint32(80), m.estimatedMemory);
    if (m.estimatedDuration) writeInt64(w.uint32(88), m.estimatedDuration);
    if (m.paymentAmount !== undefined && !isZero(m.paymentAmount)) w.uint32(97).double(m.paymentAmount);
    if (m.paymentAddress) writeString(w.uint32(106), m.paymentAddress);
    if (m.escrowTxHash) writeString(w.uint32(114), m.escrowTxHash);
    if (m.reservationDurationMinutes) writeInt32(w.uint32(120), m.reservationDurationMinutes);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 16: m.jobType = r.int32() as JobType; return true;
      case 24: m.priority = r.int32() as JobPriority; return true;
      case 34: m.modelDefinition = r.stringVerify(); return true;
      case 42: readEntry(r, m.hyperparameters, 18, (r) => r.stringVerify(), () => ""); return true;
      case 50: m.datasetUri = r.stringVerify(); return true;
      case 56: m.batchSize = r.int32(); return true;
      case 64: m.epochs = r.int32(); return true;
      case 72: m.requiredDevice = r.int32() as DeviceType; return true;
      case 80: m.estimatedMemory = readInt64(r); return true;
      case 88: m.estimatedDuration = readInt64(r); return true;
      case 97: m.paymentAmount = r.double(); return true;
      case 106: m.paymentAddress = r.stringVerify(); return true;
      case 114: m.escrowTxHash = r.stringVerify(); return true;
      case 120: m.reservationDurationMinutes = r.int32(); return true;
    }
    return false;
  },
});

export interface JobStatus {
  readonly jobId: string;
  readonly status: StatusCode;
  /** 0 to 1 */
  readonly progress: number;
  readonly currentNodeId: string;
  /** unix seconds, 0 while not started */
  readonly startTime: bigint;
  /** unix seconds, 0 while not ended */
  readonly endTime: bigint;
  readonly error: ProtocolError | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly currentEpoch: number;
}
export const JobStatus = messageType<JobStatus>("cyxwiz.protocol.JobStatus", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    status: p.status ?? 0 as StatusCode,
    progress: p.progress ?? 0,
    currentNodeId: p.currentNodeId ?? "",
    startTime: p.startTime ?? 0n,
    endTime: p.endTime ?? 0n,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
    metrics: copyMap(p.metrics, (v) => v),
    currentEpoch: p.currentEpoch ?? 0,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.status) writeInt32(w.uint32(16), m.status);
    if (m.progress !== undefined && !isZero(m.progress)) w.uint32(25).double(m.progress);
    if (m.currentNodeId) writeString(w.uint32(34), m.currentNodeId);
    if (m.startTime) writeInt64(w.uint32(40), m.startTime);
    if (m.endTime) writeInt64(w.uint32(48), m.endTime);
    if (m.error !== undefined) writeMessage(w, 58, ProtocolError, m.error);
    writeEntries(w, 66, m.metrics, (w, v) => { w.uint32(17).double(v); });
    if (m.currentEpoch) writeInt32(w.uint32(72), m.currentEpoch);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 16: m.status = r.int32() as StatusCode; return true;
      case 25: m.progress = r.double(); return true;
      case 34: m.currentNodeId = r.stringVerify(); return true;
      case 40: m.startTime = readInt64(r); return true;
      case 48: m.endTime = readInt64(r); return true;
      case 58: m.error = readMessage(r, ProtocolError, m.error); return true;
      case 66: readEntry(r, m.metrics, 17, (r) => r.double(), () => 0); return true;
      case 72: m.currentEpoch = r.int32(); return true;
    }
    return false;
  },
});

export interface JobResult {
  readonly jobId: string;
  readonly status: StatusCode;
  readonly modelWeightsUri: string;
  readonly modelWeightsHash: string;
  /** bytes */
  readonly modelSize: bigint;
  readonly finalMetrics: Readonly<Record<string, number>>;
  /** seconds (ReportJobResult counts milliseconds) */
  readonly totalComputeTime: bigint;
  readonly energyConsumed: number;
  readonly proofOfCompute: string;
  readonly signatures: readonly string[];
}
export const JobResult = messageType<JobResult>("cyxwiz.protocol.JobResult", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    status: p.status ?? 0 as StatusCode,
    modelWeightsUri: p.modelWeightsUri ?? "",
    modelWeightsHash: p.modelWeightsHash ?? "",
    modelSize: p.modelSize ?? 0n,
    finalMetrics: copyMap(p.finalMetrics, (v) => v),
    totalComputeTime: p.totalComputeTime ?? 0n,
    energyConsumed: p.energyConsumed ?? 0,
    proofOfCompute: p.proofOfCompute ?? "",
    signatures: p.signatures?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.status) writeInt32(w.uint32(16), m.status);
    if (m.modelWeightsUri) writeString(w.uint32(26), m.modelWeightsUri);
    if (m.modelWeightsHash) writeString(w.uint32(34), m.modelWeightsHash);
    if (m.modelSize) writeInt64(w.uint32(40), m.modelSize);
    writeEntries(w, 50, m.finalMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.totalComputeTime) writeInt64(w.uint32(56), m.totalComputeTime);
    if (m.energyConsumed !== undefined && !isZero(m.energyConsumed)) w.uint32(65).double(m.energyConsumed);
    if (m.proofOfCompute) writeString(w.uint32(74), m.proofOfCompute);
    for (const v of m.signatures ?? []) writeString(w.uint32(82), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 16: m.status = r.int32() as StatusCode; return true;
      case 26: m.modelWeightsUri = r.stringVerify(); return true;
      case 34: m.modelWeightsHash = r.stringVerify(); return true;
      case 40: m.modelSize = readInt64(r); return true;
      case 50: readEntry(r, m.finalMetrics, 17, (r) => r.double(), () => 0); return true;
      case 56: m.totalComputeTime = readInt64(r); return true;
      case 65: m.energyConsumed = r.double(); return true;
      case 74: m.proofOfCompute = r.stringVerify(); return true;
      case 82: m.signatures.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface SubmitJobRequest {
  readonly config: JobConfig | undefined;
  readonly initialData: Uint8Array;
}
export const SubmitJobRequest = messageType<SubmitJobRequest>("cyxwiz.protocol.SubmitJobRequest", {
  create: (p) => ({
    config: p.config === undefined ? undefined : JobConfig.create(p.config),
    initialData: p.initialData === undefined ? new Uint8Array() : new Uint8Array(p.initialData),
  }),
  write(m, w) {
    if (m.config !== undefined) writeMessage(w, 10, JobConfig, m.config);
    if (m.initialData?.length) w.uint32(18).bytes(m.initialData);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.config = readMessage(r, JobConfig, m.config); return true;
      case 18: m.initialData = readBytes(r); return true;
    }
    return false;
  },
});

/** Where the Engine meets its node. The token is a JWT the node checks against the job and itself. */
export interface NodeAssignment {
  readonly nodeId: string;
  /** host:port without a scheme, the node's peer-to-peer port */
  readonly nodeEndpoint: string;
  readonly authToken: string;
  /** unix seconds */
  readonly tokenExpiresAt: bigint;
  readonly nodePublicKey: string;
}
export const NodeAssignment = messageType<NodeAssignment>("cyxwiz.protocol.NodeAssignment", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    nodeEndpoint: p.nodeEndpoint ?? "",
    authToken: p.authToken ?? "",
    tokenExpiresAt: p.tokenExpiresAt ?? 0n,
    nodePublicKey: p.nodePublicKey ?? "",
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.nodeEndpoint) writeString(w.uint32(18), m.nodeEndpoint);
    if (m.authToken) writeString(w.uint32(26), m.authToken);
    if (m.tokenExpiresAt) writeInt64(w.uint32(32), m.tokenExpiresAt);
    if (m.nodePublicKey) writeString(w.uint32(42), m.nodePublicKey);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.nodeEndpoint = r.stringVerify(); return true;
      case 26: m.authToken = r.stringVerify(); return true;
      case 32: m.tokenExpiresAt = readInt64(r); return true;
      case 42: m.nodePublicKey = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface SubmitJobResponse {
  readonly jobId: string;
  /** Engines expect STATUS_SUCCESS and a job_id */
  readonly status: StatusCode;
  /** absent until a node has taken the job */
  readonly nodeAssignment: NodeAssignment | undefined;
  readonly assignedNodeId: string;
  readonly error: ProtocolError | undefined;
  /** unix seconds, 0 unknown */
  readonly estimatedStartTime: bigint;
}
export const SubmitJobResponse = messageType<SubmitJobResponse>("cyxwiz.protocol.SubmitJobResponse", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    status: p.status ?? 0 as StatusCode,
    nodeAssignment: p.nodeAssignment === undefined ? undefined : NodeAssignment.create(p.nodeAssignment),
    assignedNodeId: p.assignedNodeId ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
    estimatedStartTime: p.estimatedStartTime ?? 0n,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.status) writeInt32(w.uint32(16), m.status);
    if (m.nodeAssignment !== undefined) writeMessage(w, 26, NodeAssignment, m.nodeAssignment);
    if (m.assignedNodeId) writeString(w.uint32(34), m.assignedNodeId);
    if (m.error !== undefined) writeMessage(w, 42, ProtocolError, m.error);
    if (m.estimatedStartTime) writeInt64(w.uint32(48), m.estimatedStartTime);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 16: m.status = r.int32() as StatusCode; return true;
      case 26: m.nodeAssignment = readMessage(r, NodeAssignment, m.nodeAssignment); return true;
      case 34: m.assignedNodeId = r.stringVerify(); return true;
      case 42: m.error = readMessage(r, ProtocolError, m.error); return true;
      case 48: m.estimatedStartTime = readInt64(r); return true;
    }
    return false;
  },
});

export interface GetJobStatusRequest {
  readonly jobId: string;
}
export const GetJobStatusRequest = messageType<GetJobStatusRequest>("cyxwiz.protocol.GetJobStatusRequest", {
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

export interface GetJobStatusResponse {
  readonly status: JobStatus | undefined;
  /** with it present and the job not finished, Engines connect to the node */
  readonly nodeAssignment: NodeAssignment | undefined;
  readonly error: ProtocolError | undefined;
}
export const GetJobStatusResponse = messageType<GetJobStatusResponse>("cyxwiz.protocol.GetJobStatusResponse", {
  create: (p) => ({
    status: p.status === undefined ? undefined : JobStatus.create(p.status),
    nodeAssignment: p.nodeAssignment === undefined ? undefined : NodeAssignment.create(p.nodeAssignment),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status !== undefined) writeMessage(w, 10, JobStatus, m.status);
    if (m.nodeAssignment !== undefined) writeMessage(w, 18, NodeAssignment, m.nodeAssignment);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.status = readMessage(r, JobStatus, m.status); return true;
      case 18: m.nodeAssignment = readMessage(r, NodeAssignment, m.nodeAssignment); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface CancelJobRequest {
  readonly jobId: string;
  readonly reason: string;
}
export const CancelJobRequest = messageType<CancelJobRequest>("cyxwiz.protocol.CancelJobRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    reason: p.reason ?? "",
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.reason) writeString(w.uint32(18), m.reason);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.reason = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface CancelJobResponse {
  /** STATUS_SUCCESS when cancelled: Engines take anything else for a failure */
  readonly status: StatusCode;
  readonly refundIssued: boolean;
  readonly error: ProtocolError | undefined;
}
export const CancelJobResponse = messageType<CancelJobResponse>("cyxwiz.protocol.CancelJobResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    refundIssued: p.refundIssued ?? false,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.refundIssued) w.uint32(16).bool(m.refundIssued);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.refundIssued = r.bool(); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DeleteJobRequest {
  readonly jobId: string;
}
export const DeleteJobRequest = messageType<DeleteJobRequest>("cyxwiz.protocol.DeleteJobRequest", {
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

export interface DeleteJobResponse {
  readonly status: StatusCode;
  readonly error: ProtocolError | undefined;
}
export const DeleteJobResponse = messageType<DeleteJobResponse>("cyxwiz.protocol.DeleteJobResponse", {
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

/** One moment in the life of a job, sent as it happens. */
export interface JobUpdateStream {
  readonly jobId: string;
  readonly status: JobStatus | undefined;
  readonly liveMetrics: Readonly<Record<string, number>>;
  readonly logMessage: string;
  readonly visualizationData: Uint8Array;
}
export const JobUpdateStream = messageType<JobUpdateStream>("cyxwiz.protocol.JobUpdateStream", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    status: p.status === undefined ? undefined : JobStatus.create(p.status),
    liveMetrics: copyMap(p.liveMetrics, (v) => v),
    logMessage: p.logMessage ?? "",
    visualizationData: p.visualizationData === undefined ? new Uint8Array() : new Uint8Array(p.visualizationData),
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.status !== undefined) writeMessage(w, 18, JobStatus, m.status);
    writeEntries(w, 26, m.liveMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.logMessage) writeString(w.uint32(34), m.logMessage);
    if (m.visualizationData?.length) w.uint32(42).bytes(m.visualizationData);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.status = readMessage(r, JobStatus, m.status); return true;
      case 26: readEntry(r, m.liveMetrics, 17, (r) => r.double(), () => 0); return true;
      case 34: m.logMessage = r.stringVerify(); return true;
      case 42: m.visualizationData = readBytes(r); return true;
    }
    return false;
  },
});

export interface ListJobsRequest {
  readonly userId: string;
  /** 0 means 100 */
  readonly pageSize: number;
  readonly pageToken: string;
  /** unknown filters nothing */
  readonly filterType: JobType;
  /** unknown filters nothing */
  readonly filterStatus: StatusCode;
}
export const ListJobsRequest = messageType<ListJobsRequest>("cyxwiz.protocol.ListJobsRequest", {
  create: (p) => ({
    userId: p.userId ?? "",
    pageSize: p.pageSize ?? 0,
    pageToken: p.pageToken ?? "",
    filterType: p.filterType ?? 0 as JobType,
    filterStatus: p.filterStatus ?? 0 as StatusCode,
  }),
  write(m, w) {
    if (m.userId) writeString(w.uint32(10), m.userId);
    if (m.pageSize) writeInt32(w.uint32(16), m.pageSize);
    if (m.pageToken) writeString(w.uint32(26), m.pageToken);
    if (m.filterType) writeInt32(w.uint32(32), m.filterType);
    if (m.filterStatus) writeInt32(w.uint32(40), m.filterStatus);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.userId = r.stringVerify(); return true;
      case 16: m.pageSize = r.int32(); return true;
      case 26: m.pageToken = r.stringVerify(); return true;
      case 32: m.filterType = r.int32() as JobType; return true;
      case 40: m.filterStatus = r.int32() as StatusCode; return true;
    }
    return false;
  },
});

export interface ListJobsResponse {
  readonly jobs: readonly JobStatus[];
  readonly nextPageToken: string;
  readonly totalCount: number;
}
export const ListJobsResponse = messageType<ListJobsResponse>("cyxwiz.protocol.ListJobsResponse", {
  create: (p) => ({
    jobs: p.jobs?.map((v) => JobStatus.create(v)) ?? [],
    nextPageToken: p.nextPageToken ?? "",
    totalCount: p.totalCount ?? 0,
  }),
  write(m, w) {
    for (const v of m.jobs ?? []) writeMessage(w, 10, JobStatus, v);
    if (m.nextPageToken) writeString(w.uint32(18), m.nextPageToken);
    if (m.totalCount) writeInt32(w.uint32(24), m.totalCount);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobs.push(readMessage(r, JobStatus)); return true;
      case 18: m.nextPageToken = r.stringVerify(); return true;
      case 24: m.totalCount = r.int32(); return true;
    }
    return false;
  },
});

export const JobServiceDefinition = {
  submitJob: method("/cyxwiz.protocol.JobService/SubmitJob", SubmitJobRequest, SubmitJobResponse, false, false),
  getJobStatus: method("/cyxwiz.protocol.JobService/GetJobStatus", GetJobStatusRequest, GetJobStatusResponse, false, false),
  cancelJob: method("/cyxwiz.protocol.JobService/CancelJob", CancelJobRequest, CancelJobResponse, false, false),
  /** Starts with the job as it stands; ends by itself once the job is in a final state. */
  streamJobUpdates: method("/cyxwiz.protocol.JobService/StreamJobUpdates", GetJobStatusRequest, JobUpdateStream, false, true),
  listJobs: method("/cyxwiz.protocol.JobService/ListJobs", ListJobsRequest, ListJobsResponse, false, false),
  /** Forgets a finished job; deleting an unknown one succeeds, an active one is refused. */
  deleteJob: method("/cyxwiz.protocol.JobService/DeleteJob", DeleteJobRequest, DeleteJobResponse, false, false),
};
