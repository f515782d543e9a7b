// Generated from proto/cyxwiz/execution.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/**
 * Training, peer to peer: the Engine talks to the node directly and the server is not involved.
 * Kept here for our reference node and for tools.
 */
import { copyMap, isZero, messageType, readBytes, readEntry, readInt64, readMessage, readPacked, writeEntries, writeInt32, writeInt64, writeMessage, writePacked, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, DeviceType, ProtocolError } from "./common.ts";
import { JobConfig } from "./job.ts";

export const DatasetSplit = {
  SPLIT_TRAIN: 0,
  SPLIT_VALIDATION: 1,
  SPLIT_TEST: 2,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type DatasetSplit = (typeof DatasetSplit)[keyof typeof DatasetSplit];

export interface PauseTrainingRequest {
  readonly jobId: string;
}
export const PauseTrainingRequest = messageType<PauseTrainingRequest>("cyxwiz.protocol.PauseTrainingRequest", {
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

export interface PauseTrainingResponse {
  readonly success: boolean;
  readonly checkpointPath: string;
  readonly currentEpoch: number;
  readonly currentBatch: number;
  readonly message: string;
}
export const PauseTrainingResponse = messageType<PauseTrainingResponse>("cyxwiz.protocol.PauseTrainingResponse", {
  create: (p) => ({
    success: p.success ?? false,
    checkpointPath: p.checkpointPath ?? "",
    currentEpoch: p.currentEpoch ?? 0,
    currentBatch: p.currentBatch ?? 0,
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.success) w.uint32(8).bool(m.success);
    if (m.checkpointPath) writeString(w.uint32(18), m.checkpointPath);
    if (m.currentEpoch) writeInt32(w.uint32(24), m.currentEpoch);
    if (m.currentBatch) writeInt32(w.uint32(32), m.currentBatch);
    if (m.message) writeString(w.uint32(42), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.success = r.bool(); return true;
      case 18: m.checkpointPath = r.stringVerify(); return true;
      case 24: m.currentEpoch = r.int32(); return true;
      case 32: m.currentBatch = r.int32(); return true;
      case 42: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ResumeTrainingRequest {
  readonly jobId: string;
  readonly checkpointPath: string;
}
export const ResumeTrainingRequest = messageType<ResumeTrainingRequest>("cyxwiz.protocol.ResumeTrainingRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    checkpointPath: p.checkpointPath ?? "",
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.checkpointPath) writeString(w.uint32(18), m.checkpointPath);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.checkpointPath = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ResumeTrainingResponse {
  readonly success: boolean;
  readonly resumedEpoch: number;
  readonly resumedBatch: number;
  readonly message: string;
}
export const ResumeTrainingResponse = messageType<ResumeTrainingResponse>("cyxwiz.protocol.ResumeTrainingResponse", {
  create: (p) => ({
    success: p.success ?? false,
    resumedEpoch: p.resumedEpoch ?? 0,
    resumedBatch: p.resumedBatch ?? 0,
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.success) w.uint32(8).bool(m.success);
    if (m.resumedEpoch) writeInt32(w.uint32(16), m.resumedEpoch);
    if (m.resumedBatch) writeInt32(w.uint32(24), m.resumedBatch);
    if (m.message) writeString(w.uint32(34), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.success = r.bool(); return true;
      case 16: m.resumedEpoch = r.int32(); return true;
      case 24: m.resumedBatch = r.int32(); return true;
      case 34: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface CancelTrainingRequest {
  readonly jobId: string;
  readonly reason: string;
  readonly savePartialModel: boolean;
}
export const CancelTrainingRequest = messageType<CancelTrainingRequest>("cyxwiz.protocol.CancelTrainingRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    reason: p.reason ?? "",
    savePartialModel: p.savePartialModel ?? false,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.reason) writeString(w.uint32(18), m.reason);
    if (m.savePartialModel) w.uint32(24).bool(m.savePartialModel);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.reason = r.stringVerify(); return true;
      case 24: m.savePartialModel = r.bool(); return true;
    }
    return false;
  },
});

export interface CancelTrainingResponse {
  readonly success: boolean;
  readonly epochsCompleted: number;
  readonly partialModelSaved: boolean;
  readonly partialModelPath: string;
  readonly message: string;
}
export const CancelTrainingResponse = messageType<CancelTrainingResponse>("cyxwiz.protocol.CancelTrainingResponse", {
  create: (p) => ({
    success: p.success ?? false,
    epochsCompleted: p.epochsCompleted ?? 0,
    partialModelSaved: p.partialModelSaved ?? false,
    partialModelPath: p.partialModelPath ?? "",
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.success) w.uint32(8).bool(m.success);
    if (m.epochsCompleted) writeInt32(w.uint32(16), m.epochsCompleted);
    if (m.partialModelSaved) w.uint32(24).bool(m.partialModelSaved);
    if (m.partialModelPath) writeString(w.uint32(34), m.partialModelPath);
    if (m.message) writeString(w.uint32(42), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.success = r.bool(); return true;
      case 16: m.epochsCompleted = r.int32(); return true;
      case 24: m.partialModelSaved = r.bool(); return true;
      case 34: m.partialModelPath = r.stringVerify(); return true;
      case 42: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface StartNewJobRequest {
  readonly reservationId: string;
  readonly jobId: string;
  readonly jobConfig: JobConfig | undefined;
}
export const StartNewJobRequest = messageType<StartNewJobRequest>("cyxwiz.protocol.StartNewJobRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    jobId: p.jobId ?? "",
    jobConfig: p.jobConfig === undefined ? undefined : JobConfig.create(p.jobConfig),
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.jobConfig !== undefined) writeMessage(w, 26, JobConfig, m.jobConfig);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.jobConfig = readMessage(r, JobConfig, m.jobConfig); return true;
    }
    return false;
  },
});

export interface StartNewJobResponse {
  readonly accepted: boolean;
  readonly message: string;
}
export const StartNewJobResponse = messageType<StartNewJobResponse>("cyxwiz.protocol.StartNewJobResponse", {
  create: (p) => ({
    accepted: p.accepted ?? false,
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.accepted) w.uint32(8).bool(m.accepted);
    if (m.message) writeString(w.uint32(18), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.accepted = r.bool(); return true;
      case 18: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ConnectRequest {
  /** the token from a NodeAssignment or reservation */
  readonly authToken: string;
  readonly jobId: string;
  readonly engineVersion: string;
}
export const ConnectRequest = messageType<ConnectRequest>("cyxwiz.protocol.ConnectRequest", {
  create: (p) => ({
    authToken: p.authToken ?? "",
    jobId: p.jobId ?? "",
    engineVersion: p.engineVersion ?? "",
  }),
  write(m, w) {
    if (m.authToken) writeString(w.uint32(10), m.authToken);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.engineVersion) writeString(w.uint32(26), m.engineVersion);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.authToken = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.engineVersion = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ConnectResponse {
  readonly status: StatusCode;
  readonly nodeId: string;
  readonly capabilities: NodeCapabilities | undefined;
  readonly error: ProtocolError | undefined;
}
export const ConnectResponse = messageType<ConnectResponse>("cyxwiz.protocol.ConnectResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    nodeId: p.nodeId ?? "",
    capabilities: p.capabilities === undefined ? undefined : NodeCapabilities.create(p.capabilities),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.nodeId) writeString(w.uint32(18), m.nodeId);
    if (m.capabilities !== undefined) writeMessage(w, 26, NodeCapabilities, m.capabilities);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.nodeId = r.stringVerify(); return true;
      case 26: m.capabilities = readMessage(r, NodeCapabilities, m.capabilities); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DisconnectRequest {
  readonly reason: string;
}
export const DisconnectRequest = messageType<DisconnectRequest>("cyxwiz.protocol.DisconnectRequest", {
  create: (p) => ({
    reason: p.reason ?? "",
  }),
  write(m, w) {
    if (m.reason) writeString(w.uint32(10), m.reason);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reason = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DisconnectResponse {
  readonly status: StatusCode;
  readonly message: string;
}
export const DisconnectResponse = messageType<DisconnectResponse>("cyxwiz.protocol.DisconnectResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    message: p.message ?? "",
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.message) writeString(w.uint32(18), m.message);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.message = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface NodeCapabilities {
  readonly supportedDevices: readonly DeviceType[];
  /** bytes */
  readonly maxMemory: bigint;
  readonly maxBatchSize: number;
  readonly supportedOptimizers: readonly string[];
  readonly supportsCheckpointing: boolean;
  readonly supportsDistributed: boolean;
}
export const NodeCapabilities = messageType<NodeCapabilities>("cyxwiz.protocol.NodeCapabilities", {
  create: (p) => ({
    supportedDevices: p.supportedDevices?.map((v) => v) ?? [],
    maxMemory: p.maxMemory ?? 0n,
    maxBatchSize: p.maxBatchSize ?? 0,
    supportedOptimizers: p.supportedOptimizers?.map((v) => v) ?? [],
    supportsCheckpointing: p.supportsCheckpointing ?? false,
    supportsDistributed: p.supportsDistributed ?? false,
  }),
  write(m, w) {
    writePacked(w, 10, m.supportedDevices, writeInt32);
    if (m.maxMemory) writeInt64(w.uint32(16), m.maxMemory);
    if (m.maxBatchSize) writeInt32(w.uint32(24), m.maxBatchSize);
    for (const v of m.supportedOptimizers ?? []) writeString(w.uint32(34), v);
    if (m.supportsCheckpointing) w.uint32(40).bool(m.supportsCheckpointing);
    if (m.supportsDistributed) w.uint32(48).bool(m.supportsDistributed);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: readPacked(r, m.supportedDevices, (r) => r.int32() as DeviceType); return true;
      case 8: m.supportedDevices.push(r.int32() as DeviceType); return true;
      case 16: m.maxMemory = readInt64(r); return true;
      case 24: m.maxBatchSize = r.int32(); return true;
      case 34: m.supportedOptimizers.push(r.stringVerify()); return true;
      case 40: m.supportsCheckpointing = r.bool(); return true;
      case 48: m.supportsDistributed = r.bool(); return true;
    }
    return false;
  },
});

export interface SendJobRequest {
  readonly jobId: string;
  readonly config: JobConfig | undefined;
  readonly initialDataset: Uint8Array;
  readonly datasetUri: string;
}
export const SendJobRequest = messageType<SendJobRequest>("cyxwiz.protocol.SendJobRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    config: p.config === undefined ? undefined : JobConfig.create(p.config),
    initialDataset: p.initialDataset === undefined ? new Uint8Array() : new Uint8Array(p.initialDataset),
    datasetUri: p.datasetUri ?? "",
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.config !== undefined) writeMessage(w, 18, JobConfig, m.config);
    if (m.initialDataset?.length) w.uint32(26).bytes(m.initialDataset);
    if (m.datasetUri) writeString(w.uint32(34), m.datasetUri);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.config = readMessage(r, JobConfig, m.config); return true;
      case 26: m.initialDataset = readBytes(r); return true;
      case 34: m.datasetUri = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface SendJobResponse {
  readonly status: StatusCode;
  readonly accepted: boolean;
  /** clock ticks in existing nodes: do not use it */
  readonly estimatedStartTime: bigint;
  readonly rejectionReason: string;
  readonly error: ProtocolError | undefined;
}
export const SendJobResponse = messageType<SendJobResponse>("cyxwiz.protocol.SendJobResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    accepted: p.accepted ?? false,
    estimatedStartTime: p.estimatedStartTime ?? 0n,
    rejectionReason: p.rejectionReason ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.accepted) w.uint32(16).bool(m.accepted);
    if (m.estimatedStartTime) writeInt64(w.uint32(24), m.estimatedStartTime);
    if (m.rejectionReason) writeString(w.uint32(34), m.rejectionReason);
    if (m.error !== undefined) writeMessage(w, 42, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.accepted = r.bool(); return true;
      case 24: m.estimatedStartTime = readInt64(r); return true;
      case 34: m.rejectionReason = r.stringVerify(); return true;
      case 42: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DatasetInfoRequest {
  readonly jobId: string;
  readonly authToken: string;
}
export const DatasetInfoRequest = messageType<DatasetInfoRequest>("cyxwiz.protocol.DatasetInfoRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    authToken: p.authToken ?? "",
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.authToken) writeString(w.uint32(18), m.authToken);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.authToken = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DatasetInfoResponse {
  readonly status: StatusCode;
  readonly train: SplitInfo | undefined;
  readonly validation: SplitInfo | undefined;
  readonly test: SplitInfo | undefined;
  readonly sampleShape: readonly number[];
  readonly labelShape: readonly number[];
  /** as text, for example "float32" */
  readonly dtype: string;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly error: ProtocolError | undefined;
}
export const DatasetInfoResponse = messageType<DatasetInfoResponse>("cyxwiz.protocol.DatasetInfoResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    train: p.train === undefined ? undefined : SplitInfo.create(p.train),
    validation: p.validation === undefined ? undefined : SplitInfo.create(p.validation),
    test: p.test === undefined ? undefined : SplitInfo.create(p.test),
    sampleShape: p.sampleShape?.map((v) => v) ?? [],
    labelShape: p.labelShape?.map((v) => v) ?? [],
    dtype: p.dtype ?? "",
    numClasses: p.numClasses ?? 0,
    classNames: p.classNames?.map((v) => v) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.train !== undefined) writeMessage(w, 18, SplitInfo, m.train);
    if (m.validation !== undefined) writeMessage(w, 26, SplitInfo, m.validation);
    if (m.test !== undefined) writeMessage(w, 34, SplitInfo, m.test);
    writePacked(w, 82, m.sampleShape, writeInt32);
    writePacked(w, 90, m.labelShape, writeInt32);
    if (m.dtype) writeString(w.uint32(98), m.dtype);
    if (m.numClasses) writeInt32(w.uint32(104), m.numClasses);
    for (const v of m.classNames ?? []) writeString(w.uint32(114), v);
    if (m.error !== undefined) writeMessage(w, 162, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.train = readMessage(r, SplitInfo, m.train); return true;
      case 26: m.validation = readMessage(r, SplitInfo, m.validation); return true;
      case 34: m.test = readMessage(r, SplitInfo, m.test); return true;
      case 82: readPacked(r, m.sampleShape, (r) => r.int32()); return true;
      case 80: m.sampleShape.push(r.int32()); return true;
      case 90: readPacked(r, m.labelShape, (r) => r.int32()); return true;
      case 88: m.labelShape.push(r.int32()); return true;
      case 98: m.dtype = r.stringVerify(); return true;
      case 104: m.numClasses = r.int32(); return true;
      case 114: m.classNames.push(r.stringVerify()); return true;
      case 162: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface SplitInfo {
  readonly numSamples: bigint;
  readonly available: boolean;
  readonly shuffleEnabled: boolean;
}
export const SplitInfo = messageType<SplitInfo>("cyxwiz.protocol.SplitInfo", {
  create: (p) => ({
    numSamples: p.numSamples ?? 0n,
    available: p.available ?? false,
    shuffleEnabled: p.shuffleEnabled ?? false,
  }),
  write(m, w) {
    if (m.numSamples) writeInt64(w.uint32(8), m.numSamples);
    if (m.available) w.uint32(16).bool(m.available);
    if (m.shuffleEnabled) w.uint32(24).bool(m.shuffleEnabled);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.numSamples = readInt64(r); return true;
      case 16: m.available = r.bool(); return true;
      case 24: m.shuffleEnabled = r.bool(); return true;
    }
    return false;
  },
});

/** The node asks for the samples of its next batch; the Engine answers with a TrainingCommand. */
export interface BatchRequest {
  readonly jobId: string;
  readonly authToken: string;
  readonly split: DatasetSplit;
  readonly sampleIndices: readonly bigint[];
  readonly requestId: number;
}
export const BatchRequest = messageType<BatchRequest>("cyxwiz.protocol.BatchRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    authToken: p.authToken ?? "",
    split: p.split ?? 0 as DatasetSplit,
    sampleIndices: p.sampleIndices?.map((v) => v) ?? [],
    requestId: p.requestId ?? 0,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.authToken) writeString(w.uint32(18), m.authToken);
    if (m.split) writeInt32(w.uint32(24), m.split);
    writePacked(w, 34, m.sampleIndices, writeInt64);
    if (m.requestId) writeInt32(w.uint32(40), m.requestId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 18: m.authToken = r.stringVerify(); return true;
      case 24: m.split = r.int32() as DatasetSplit; return true;
      case 34: readPacked(r, m.sampleIndices, (r) => readInt64(r)); return true;
      case 32: m.sampleIndices.push(readInt64(r)); return true;
      case 40: m.requestId = r.int32(); return true;
    }
    return false;
  },
});

export interface BatchResponse {
  readonly status: StatusCode;
  readonly requestId: number;
  /** tensor of batch_shape */
  readonly images: Uint8Array;
  /** tensor of label_shape */
  readonly labels: Uint8Array;
  readonly batchShape: readonly bigint[];
  readonly labelShape: readonly bigint[];
  readonly error: ProtocolError | undefined;
}
export const BatchResponse = messageType<BatchResponse>("cyxwiz.protocol.BatchResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    requestId: p.requestId ?? 0,
    images: p.images === undefined ? new Uint8Array() : new Uint8Array(p.images),
    labels: p.labels === undefined ? new Uint8Array() : new Uint8Array(p.labels),
    batchShape: p.batchShape?.map((v) => v) ?? [],
    labelShape: p.labelShape?.map((v) => v) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.requestId) writeInt32(w.uint32(16), m.requestId);
    if (m.images?.length) w.uint32(26).bytes(m.images);
    if (m.labels?.length) w.uint32(34).bytes(m.labels);
    writePacked(w, 42, m.batchShape, writeInt64);
    writePacked(w, 50, m.labelShape, writeInt64);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.requestId = r.int32(); return true;
      case 26: m.images = readBytes(r); return true;
      case 34: m.labels = readBytes(r); return true;
      case 42: readPacked(r, m.batchShape, (r) => readInt64(r)); return true;
      case 40: m.batchShape.push(readInt64(r)); return true;
      case 50: readPacked(r, m.labelShape, (r) => readInt64(r)); return true;
      case 48: m.labelShape.push(readInt64(r)); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface TrainingCommand {
  /** newJobConfig: next job in the same reservation; its id is <reservation>_<unix seconds> */
  readonly command:
    | { readonly case: "pause"; readonly value: boolean }
    | { readonly case: "resume"; readonly value: boolean }
    | { readonly case: "stop"; readonly value: boolean }
    | { readonly case: "requestCheckpoint"; readonly value: boolean }
    | { readonly case: "updateParams"; readonly value: UpdateHyperparameters }
    | { readonly case: "batchResponse"; readonly value: BatchResponse }
    | { readonly case: "datasetInfoResponse"; readonly value: DatasetInfoResponse }
    | { readonly case: "newJobConfig"; readonly value: JobConfig }
    | { readonly case: "reservationEnd"; readonly value: boolean }
    | undefined;
}
export const TrainingCommand = messageType<TrainingCommand>("cyxwiz.protocol.TrainingCommand", {
  create: (p) => ({
    command: 
      p.command?.case === "updateParams" ? { case: "updateParams", value: UpdateHyperparameters.create(p.command.value) } :
      p.command?.case === "batchResponse" ? { case: "batchResponse", value: BatchResponse.create(p.command.value) } :
      p.command?.case === "datasetInfoResponse" ? { case: "datasetInfoResponse", value: DatasetInfoResponse.create(p.command.value) } :
      p.command?.case === "newJobConfig" ? { case: "newJobConfig", value: JobConfig.create(p.command.value) } :
      p.command,
  }),
  write(m, w) {
    switch (m.command?.case) {
      case "pause": w.uint32(8).bool(m.command.value); break;
      case "resume": w.uint32(16).bool(m.command.value); break;
      case "stop": w.uint32(24).bool(m.command.value); break;
      case "requestCheckpoint": w.uint32(32).bool(m.command.value); break;
      case "updateParams": writeMessage(w, 42, UpdateHyperparameters, m.command.value); break;
      case "batchResponse": writeMessage(w, 82, BatchResponse, m.command.value); break;
      case "datasetInfoResponse": writeMessage(w, 90, DatasetInfoResponse, m.command.value); break;
      case "newJobConfig": writeMessage(w, 162, JobConfig, m.command.value); break;
      case "reservationEnd": w.uint32(168).bool(m.command.value); break;
    }
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.command = { case: "pause", value: r.bool() }; return true;
      case 16: m.command = { case: "resume", value: r.bool() }; return true;
      case 24: m.command = { case: "stop", value: r.bool() }; return true;
      case 32: m.command = { case: "requestCheckpoint", value: r.bool() }; return true;
      case 42: m.command = { case: "updateParams", value: readMessage(r, UpdateHyperparameters, m.command?.case === "updateParams" ? m.command.value : undefined) }; return true;
      case 82: m.command = { case: "batchResponse", value: readMessage(r, BatchResponse, m.command?.case === "batchResponse" ? m.command.value : undefined) }; return true;
      case 90: m.command = { case: "datasetInfoResponse", value: readMessage(r, DatasetInfoResponse, m.command?.case === "datasetInfoResponse" ? m.command.value : undefined) }; return true;
      case 162: m.command = { case: "newJobConfig", value: readMessage(r, JobConfig, m.command?.case === "newJobConfig" ? m.command.value : undefined) }; return true;
      case 168: m.command = { case: "reservationEnd", value: r.bool() }; return true;
    }
    return false;
  },
});

export interface UpdateHyperparameters {
  readonly learningRate: number;
  readonly batchSize: number;
  readonly otherParams: Readonly<Record<string, number>>;
}
export const UpdateHyperparameters = messageType<UpdateHyperparameters>("cyxwiz.protocol.UpdateHyperparameters", {
  create: (p) => ({
    learningRate: p.learningRate ?? 0,
    batchSize: p.batchSize ?? 0,
    otherParams: copyMap(p.otherParams, (v) => v),
  }),
  write(m, w) {
    if (m.learningRate !== undefined && !isZero(m.learningRate)) w.uint32(9).double(m.learningRate);
    if (m.batchSize) writeInt32(w.uint32(16), m.batchSize);
    writeEntries(w, 26, m.otherParams, (w, v) => { w.uint32(17).double(v); });
  },
  readField(tag, r, m) {
    switch (tag) {
      case 9: m.learningRate = r.double(); return true;
      case 16: m.batchSize = r.int32(); return true;
      case 26: readEntry(r, m.otherParams, 17, (r) => r.double(), () => 0); return true;
    }
    return false;
  },
});

export interface TrainingUpdate {
  readonly jobId: string;
  /** unix seconds */
  readonly timestamp: bigint;
  readonly update:
    | { readonly case: "progress"; readonly value: TrainingProgress }
    | { readonly case: "checkpoint"; readonly value: TrainingCheckpoint }
    | { readonly case: "complete"; readonly value: TrainingComplete }
    | { readonly case: "error"; readonly value: TrainingError }
    | { readonly case: "log"; readonly value: LogMessage }
    | { readonly case: "datasetInfoRequest"; readonly value: DatasetInfoRequest }
    | { readonly case: "batchRequest"; readonly value: BatchRequest }
    | undefined;
}
export const TrainingUpdate = messageType<TrainingUpdate>("cyxwiz.protocol.TrainingUpdate", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    timestamp: p.timestamp ?? 0n,
    update: 
      p.update?.case === "progress" ? { case: "progress", value: TrainingProgress.create(p.update.value) } :
      p.update?.case === "checkpoint" ? { case: "checkpoint", value: TrainingCheckpoint.create(p.update.value) } :
      p.update?.case === "complete" ? { case: "complete", value: TrainingComplete.create(p.update.value) } :
      p.update?.case === "error" ? { case: "error", value: TrainingError.create(p.update.value) } :
      p.update?.case === "log" ? { case: "log", value: LogMessage.create(p.update.value) } :
      p.update?.case === "datasetInfoRequest" ? { case: "datasetInfoRequest", value: DatasetInfoRequest.create(p.update.value) } :
      p.update?.case === "batchRequest" ? { case: "batchRequest", value: BatchRequest.create(p.update.value) } :
      p.update,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.timestamp) writeInt64(w.uint32(16), m.timestamp);
    switch (m.update?.case) {
      case "progress": writeMessage(w, 26, TrainingProgress, m.update.value); break;
      case "checkpoint": writeMessage(w, 34, TrainingCheckpoint, m.update.value); break;
      case "complete": writeMessage(w, 42, TrainingComplete, m.update.value); break;
      case "error": writeMessage(w, 50, TrainingError, m.update.value); break;
      case "log": writeMessage(w, 58, LogMessage, m.update.value); break;
      case "datasetInfoRequest": writeMessage(w, 82, DatasetInfoRequest, m.update.value); break;
      case "batchRequest": writeMessage(w, 90, BatchRequest, m.update.value); break;
    }
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 16: m.timestamp = readInt64(r); return true;
      case 26: m.update = { case: "progress", value: readMessage(r, TrainingProgress, m.update?.case === "progress" ? m.update.value : undefined) }; return true;
      case 34: m.update = { case: "checkpoint", value: readMessage(r, TrainingCheckpoint, m.update?.case === "checkpoint" ? m.update.value : undefined) }; return true;
      case 42: m.update = { case: "complete", value: readMessage(r, TrainingComplete, m.update?.case === "complete" ? m.update.value : undefined) }; return true;
      case 50: m.update = { case: "error", value: readMessage(r, TrainingError, m.update?.case === "error" ? m.update.value : undefined) }; return true;
      case 58: m.update = { case: "log", value: readMessage(r, LogMessage, m.update?.case === "log" ? m.update.value : undefined) }; return true;
      case 82: m.update = { case: "datasetInfoRequest", value: readMessage(r, DatasetInfoRequest, m.update?.case === "datasetInfoRequest" ? m.update.value : undefined) }; return true;
      case 90: m.update = { case: "batchRequest", value: readMessage(r, BatchRequest, m.update?.case === "batchRequest" ? m.update.value : undefined) }; return true;
    }
    return false;
  },
});

export interface TrainingProgress {
  readonly currentEpoch: number;
  readonly totalEpochs: number;
  readonly currentBatch: number;
  readonly totalBatches: number;
  readonly progressPercentage: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly gpuUsage: number;
  readonly cpuUsage: number;
  readonly memoryUsage: number;
  /** bytes */
  readonly gpuMemoryUsed: bigint;
  /** bytes */
  readonly gpuMemoryTotal: bigint;
  /** seconds */
  readonly estimatedTimeRemaining: bigint;
  /** seconds */
  readonly elapsedTime: bigint;
  readonly samplesPerSecond: number;
}
export const TrainingProgress = messageType<TrainingProgress>("cyxwiz.protocol.TrainingProgress", {
  create: (p) => ({
    currentEpoch: p.currentEpoch ?? 0,
    totalEpochs: p.totalEpochs ?? 0,
    currentBatch: p.currentBatch ?? 0,
    totalBatches: p.totalBatches ?? 0,
    progressPercentage: p.progressPercentage ?? 0,
    metrics: copyMap(p.metrics, (v) => v),
    gpuUsage: p.gpuUsage ?? 0,
    cpuUsage: p.cpuUsage ?? 0,
    memoryUsage: p.memoryUsage ?? 0,
    gpuMemoryUsed: p.gpuMemoryUsed ?? 0n,
    gpuMemoryTotal: p.gpuMemoryTotal ?? 0n,
    estimatedTimeRemaining: p.estimatedTimeRemaining ?? 0n,
    elapsedTime: p.elapsedTime ?? 0n,
    samplesPerSecond: p.samplesPerSecond ?? 0,
  }),
  write(m, w) {
    if (m.currentEpoch) writeInt32(w.uint32(8), m.currentEpoch);
    if (m.totalEpochs) writeInt32(w.uint32(16), m.totalEpochs);
    if (m.currentBatch) writeInt32(w.uint32(24), m.currentBatch);
    if (m.totalBatches) writeInt32(w.uint32(32), m.totalBatches);
    if (m.progressPercentage !== undefined && !isZero(m.progressPercentage)) w.uint32(41).double(m.progressPercentage);
    writeEntries(w, 50, m.metrics, (w, v) => { w.uint32(17).double(v); });
    if (m.gpuUsage !== undefined && !isZero(m.gpuUsage)) w.uint32(57).double(m.gpuUsage);
    if (m.cpuUsage !== undefined && !isZero(m.cpuUsage)) w.uint32(65).double(m.cpuUsage);
    if (m.memoryUsage !== undefined && !isZero(m.memoryUsage)) w.uint32(73).double(m.memoryUsage);
    if (m.gpuMemoryUsed) writeInt64(w.uint32(80), m.gpuMemoryUsed);
    if (m.gpuMemoryTotal) writeInt64(w.uint32(88), m.gpuMemoryTotal);
    if (m.estimatedTimeRemaining) writeInt64(w.uint32(96), m.estimatedTimeRemaining);
    if (m.elapsedTime) writeInt64(w.uint32(104), m.elapsedTime);
    if (m.samplesPerSecond !== undefined && !isZero(m.samplesPerSecond)) w.uint32(113).double(m.samplesPerSecond);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.currentEpoch = r.int32(); return true;
      case 16: m.totalEpochs = r.int32(); return true;
      case 24: m.currentBatch = r.int32(); return true;
      case 32: m.totalBatches = r.int32(); return true;
      case 41: m.progressPercentage = r.double(); return true;
      case 50: readEntry(r, m.metrics, 17, (r) => r.double(), () => 0); return true;
      case 57: m.gpuUsage = r.double(); return true;
      case 65: m.cpuUsage = r.double(); return true;
      case 73: m.memoryUsage = r.double(); return true;
      case 80: m.gpuMemoryUsed = readInt64(r); return true;
      case 88: m.gpuMemoryTotal = readInt64(r); return true;
      case 96: m.estimatedTimeRemaining = readInt64(r); return true;
      case 104: m.elapsedTime = readInt64(r); return true;
      case 113: m.samplesPerSecond = r.double(); return true;
    }
    return false;
  },
});

export interface TrainingCheckpoint {
  readonly epoch: number;
  readonly weightsData: Uint8Array;
  /** bytes */
  readonly weightsSize: bigint;
  readonly compressionType: string;
  readonly checkpointHash: string;
  readonly metricsAtCheckpoint: Readonly<Record<string, number>>;
}
export const TrainingCheckpoint = messageType<TrainingCheckpoint>("cyxwiz.protocol.TrainingCheckpoint", {
  create: (p) => ({
    epoch: p.epoch ?? 0,
    weightsData: p.weightsData === undefined ? new Uint8Array() : new Uint8Array(p.weightsData),
    weightsSize: p.weightsSize ?? 0n,
    compressionType: p.compressionType ?? "",
    checkpointHash: p.checkpointHash ?? "",
    metricsAtCheckpoint: copyMap(p.metricsAtCheckpoint, (v) => v),
  }),
  write(m, w) {
    if (m.epoch) writeInt32(w.uint32(8), m.epoch);
    if (m.weightsData?.length) w.uint32(18).bytes(m.weightsData);
    if (m.weightsSize) writeInt64(w.uint32(24), m.weightsSize);
    if (m.compressionType) writeString(w.uint32(34), m.compressionType);
    if (m.checkpointHash) writeString(w.uint32(42), m.checkpointHash);
    writeEntries(w, 50, m.metricsAtCheckpoint, (w, v) => { w.uint32(17).double(v); });
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.epoch = r.int32(); return true;
      case 18: m.weightsData = readBytes(r); return true;
      case 24: m.weightsSize = readInt64(r); return true;
      case 34: m.compressionType = r.stringVerify(); return true;
      case 42: m.checkpointHash = r.stringVerify(); return true;
      case 50: readEntry(r, m.metricsAtCheckpoint, 17, (r) => r.double(), () => 0); return true;
    }
    return false;
  },
});

export interface TrainingComplete {
  readonly success: boolean;
  readonly resultHash: string;
  readonly finalMetrics: Readonly<Record<string, number>>;
  /** seconds */
  readonly totalTrainingTime: bigint;
  readonly totalEpochsCompleted: bigint;
  readonly weightsLocation: string;
  /** bytes */
  readonly finalWeightsSize: bigint;
  readonly proofOfCompute: string;
}
export const TrainingComplete = messageType<TrainingComplete>("cyxwiz.protocol.TrainingComplete", {
  create: (p) => ({
    success: p.success ?? false,
    resultHash: p.resultHash ?? "",
    finalMetrics: copyMap(p.finalMetrics, (v) => v),
    totalTrainingTime: p.totalTrainingTime ?? 0n,
    totalEpochsCompleted: p.totalEpochsCompleted ?? 0n,
    weightsLocation: p.weightsLocation ?? "",
    finalWeightsSize: p.finalWeightsSize ?? 0n,
    proofOfCompute: p.proofOfCompute ?? "",
  }),
  write(m, w) {
    if (m.success) w.uint32(8).bool(m.success);
    if (m.resultHash) writeString(w.uint32(18), m.resultHash);
    writeEntries(w, 26, m.finalMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.totalTrainingTime) writeInt64(w.uint32(32), m.totalTrainingTime);
    if (m.totalEpochsCompleted) writeInt64(w.uint32(40), m.totalEpochsCompleted);
    if (m.weightsLocation) writeString(w.uint32(50), m.weightsLocation);
    if (m.finalWeightsSize) writeInt64(w.uint32(56), m.finalWeightsSize);
    if (m.proofOfCompute) writeString(w.uint32(66), m.proofOfCompute);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.success = r.bool(); return true;
      case 18: m.resultHash = r.stringVerify(); return true;
      case 26: readEntry(r, m.finalMetrics, 17, (r) => r.double(), () => 0); return true;
      case 32: m.totalTrainingTime = readInt64(r); return true;
      case 40: m.totalEpochsCompleted = readInt64(r); return true;
      case 50: m.weightsLocation = r.stringVerify(); return true;
      case 56: m.finalWeightsSize = readInt64(r); return true;
      case 66: m.proofOfCompute = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface TrainingError {
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly stackTrace: string;
  readonly epochAtError: number;
  readonly recoverable: boolean;
}
export const TrainingError = messageType<TrainingError>("cyxwiz.protocol.TrainingError", {
  create: (p) => ({
    errorCode: p.errorCode ?? "",
    errorMessage: p.errorMessage ?? "",
    stackTrace: p.stackTrace ?? "",
    epochAtError: p.epochAtError ?? 0,
    recoverable: p.recoverable ?? false,
  }),
  write(m, w) {
    if (m.errorCode) writeString(w.uint32(10), m.errorCode);
    if (m.errorMessage) writeString(w.uint32(18), m.errorMessage);
    if (m.stackTrace) writeString(w.uint32(26), m.stackTrace);
    if (m.epochAtError) writeInt32(w.uint32(32), m.epochAtError);
    if (m.recoverable) w.uint32(40).bool(m.recoverable);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.errorCode = r.stringVerify(); return true;
      case 18: m.errorMessage = r.stringVerify(); return true;
      case 26: m.stackTrace = r.stringVerify(); return true;
      case 32: m.epochAtError = r.int32(); return true;
      case 40: m.recoverable = r.bool(); return true;
    }
    return false;
  },
});

export const LogMessage_Level = {
  DEBUG: 0,
  INFO: 1,
  WARNING: 2,
  ERROR: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type LogMessage_Level = (typeof LogMessage_Level)[keyof typeof LogMessage_Level];

export interface LogMessage {
  readonly level: LogMessage_Level;
  readonly message: string;
  readonly source: string;
}
export const LogMessage = messageType<LogMessage>("cyxwiz.protocol.LogMessage", {
  create: (p) => ({
    level: p.level ?? 0 as LogMessage_Level,
    message: p.message ?? "",
    source: p.source ?? "",
  }),
  write(m, w) {
    if (m.level) writeInt32(w.uint32(8), m.level);
    if (m.message) writeString(w.uint32(18), m.message);
    if (m.source) writeString(w.uint32(26), m.source);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.level = r.int32() as LogMessage_Level; return true;
      case 18: m.message = r.stringVerify(); return true;
      case 26: m.source = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DownloadRequest {
  readonly jobId: string;
  readonly offset: bigint;
  /** bytes */
  readonly chunkSize: number;
}
export const DownloadRequest = messageType<DownloadRequest>("cyxwiz.protocol.DownloadRequest", {
  create: (p) => ({
    jobId: p.jobId ?? "",
    offset: p.offset ?? 0n,
    chunkSize: p.chunkSize ?? 0,
  }),
  write(m, w) {
    if (m.jobId) writeString(w.uint32(10), m.jobId);
    if (m.offset) writeInt64(w.uint32(16), m.offset);
    if (m.chunkSize) writeInt32(w.uint32(24), m.chunkSize);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.jobId = r.stringVerify(); return true;
      case 16: m.offset = readInt64(r); return true;
      case 24: m.chunkSize = r.int32(); return true;
    }
    return false;
  },
});

export interface WeightsChunk {
  readonly data: Uint8Array;
  readonly offset: bigint;
  readonly totalSize: bigint;
  readonly isLastChunk: boolean;
  readonly checksum: string;
}
export const WeightsChunk = messageType<WeightsChunk>("cyxwiz.protocol.WeightsChunk", {
  create: (p) => ({
    data: p.data === undefined ? new Uint8Array() : new Uint8Array(p.data),
    offset: p.offset ?? 0n,
    totalSize: p.totalSize ?? 0n,
    isLastChunk: p.isLastChunk ?? false,
    checksum: p.checksum ?? "",
  }),
  write(m, w) {
    if (m.data?.length) w.uint32(10).bytes(m.data);
    if (m.offset) writeInt64(w.uint32(16), m.offset);
    if (m.totalSize) writeInt64(w.uint32(24), m.totalSize);
    if (m.isLastChunk) w.uint32(32).bool(m.isLastChunk);
    if (m.checksum) writeString(w.uint32(42), m.checksum);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.data = readBytes(r); return true;
      case 16: m.offset = readInt64(r); return true;
      case 24: m.totalSize = readInt64(r); return true;
      case 32: m.isLastChunk = r.bool(); return true;
      case 42: m.checksum = r.stringVerify(); return true;
    }
    return false;
  },
});

/** Served by nodes, on port 50052. */
export const JobExecutionServiceDefinition = {
  connectToNode: method("/cyxwiz.protocol.JobExecutionService/ConnectToNode", ConnectRequest, ConnectResponse, false, false),
  disconnectFromNode: method("/cyxwiz.protocol.JobExecutionService/DisconnectFromNode", DisconnectRequest, DisconnectResponse, false, false),
  sendJob: method("/cyxwiz.protocol.JobExecutionService/SendJob", SendJobRequest, SendJobResponse, false, false),
  /** One stream for everything: commands and data go to the node, progress comes back. */
  streamTrainingMetrics: method("/cyxwiz.protocol.JobExecutionService/StreamTrainingMetrics", TrainingCommand, TrainingUpdate, true, true),
  downloadWeights: method("/cyxwiz.protocol.JobExecutionService/DownloadWeights", DownloadRequest, WeightsChunk, false, true),
  pauseTraining: method("/cyxwiz.protocol.JobExecutionService/PauseTraining", PauseTrainingRequest, PauseTrainingResponse, false, false),
  resumeTraining: method("/cyxwiz.protocol.JobExecutionService/ResumeTraining", ResumeTrainingRequest, ResumeTrainingResponse, false, false),
  cancelTraining: method("/cyxwiz.protocol.JobExecutionService/CancelTraining", CancelTrainingRequest, CancelTrainingResponse, false, false),
  startNewJob: method("/cyxwiz.protocol.JobExecutionService/StartNewJob", StartNewJobRequest, StartNewJobResponse, false, false),
};
