// Generated from proto/cyxwiz/deployment.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Serving trained models: deployments, their terminals, and the model registry. */
import { copyMap, isZero, messageType, readBytes, readEntry, readInt64, readMessage, writeEntries, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, DeviceType, ProtocolError } from "./common.ts";
import { NodeInfo } from "./node.ts";

export const ModelFormat = {
  MODEL_FORMAT_UNKNOWN: 0,
  MODEL_FORMAT_ONNX: 1,
  MODEL_FORMAT_GGUF: 2,
  MODEL_FORMAT_PYTORCH: 3,
  MODEL_FORMAT_TENSORFLOW: 4,
  MODEL_FORMAT_SAFETENSORS: 5,
  MODEL_FORMAT_TFLITE: 6,
  MODEL_FORMAT_TORCHSCRIPT: 7,
  MODEL_FORMAT_CYXMODEL: 8,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type ModelFormat = (typeof ModelFormat)[keyof typeof ModelFormat];

export const DeploymentType = {
  DEPLOYMENT_TYPE_UNKNOWN: 0,
  DEPLOYMENT_TYPE_EMBEDDED: 1,
  DEPLOYMENT_TYPE_LOCAL_NODE: 2,
  DEPLOYMENT_TYPE_NETWORK: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type DeploymentType = (typeof DeploymentType)[keyof typeof DeploymentType];

export const DeploymentStatus = {
  DEPLOYMENT_STATUS_UNKNOWN: 0,
  DEPLOYMENT_STATUS_PENDING: 1,
  DEPLOYMENT_STATUS_PROVISIONING: 2,
  DEPLOYMENT_STATUS_LOADING: 3,
  DEPLOYMENT_STATUS_READY: 4,
  DEPLOYMENT_STATUS_RUNNING: 5,
  DEPLOYMENT_STATUS_STOPPED: 6,
  DEPLOYMENT_STATUS_FAILED: 7,
  DEPLOYMENT_STATUS_TERMINATED: 8,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type DeploymentStatus = (typeof DeploymentStatus)[keyof typeof DeploymentStatus];

export const TerminalSessionStatus = {
  TERMINAL_SESSION_UNKNOWN: 0,
  TERMINAL_SESSION_ACTIVE: 1,
  TERMINAL_SESSION_CLOSED: 2,
  TERMINAL_SESSION_ERROR: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type TerminalSessionStatus = (typeof TerminalSessionStatus)[keyof typeof TerminalSessionStatus];

export const ModelSource = {
  MODEL_SOURCE_UNKNOWN: 0,
  MODEL_SOURCE_LOCAL: 1,
  MODEL_SOURCE_HUGGINGFACE: 2,
  MODEL_SOURCE_CYXWIZ_HUB: 3,
  MODEL_SOURCE_URL: 4,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type ModelSource = (typeof ModelSource)[keyof typeof ModelSource];

export interface HardwareRequirements {
  /** bytes */
  readonly minVram: bigint;
  /** bytes */
  readonly minRam: bigint;
  readonly minCpuCores: number;
  readonly requiredDevice: DeviceType;
  readonly gpuNamePreference: string;
  readonly supportedFormats: readonly string[];
}
export const HardwareRequirements = messageType<HardwareRequirements>("cyxwiz.protocol.HardwareRequirements", {
  create: (p) => ({
    minVram: p.minVram ?? 0n,
    minRam: p.minRam ?? 0n,
    minCpuCores: p.minCpuCores ?? 0,
    requiredDevice: p.requiredDevice ?? 0 as DeviceType,
    gpuNamePreference: p.gpuNamePreference ?? "",
    supportedFormats: p.supportedFormats?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.minVram) writeInt64(w.uint32(8), m.minVram);
    if (m.minRam) writeInt64(w.uint32(16), m.minRam);
    if (m.minCpuCores) writeInt32(w.uint32(24), m.minCpuCores);
    if (m.requiredDevice) writeInt32(w.uint32(32), m.requiredDevice);
    if (m.gpuNamePreference) writeString(w.uint32(42), m.gpuNamePreference);
    for (const v of m.supportedFormats ?? []) writeString(w.uint32(50), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.minVram = readInt64(r); return true;
      case 16: m.minRam = readInt64(r); return true;
      case 24: m.minCpuCores = r.int32(); return true;
      case 32: m.requiredDevice = r.int32() as DeviceType; return true;
      case 42: m.gpuNamePreference = r.stringVerify(); return true;
      case 50: m.supportedFormats.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface ModelInfo {
  readonly modelId: string;
  readonly name: string;
  readonly description: string;
  readonly format: ModelFormat;
  readonly source: ModelSource;
  readonly sourceUrl: string;
  readonly localPath: string;
  readonly sizeBytes: bigint;
  readonly requirements: HardwareRequirements | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}
export const ModelInfo = messageType<ModelInfo>("cyxwiz.protocol.ModelInfo", {
  create: (p) => ({
    modelId: p.modelId ?? "",
    name: p.name ?? "",
    description: p.description ?? "",
    format: p.format ?? 0 as ModelFormat,
    source: p.source ?? 0 as ModelSource,
    sourceUrl: p.sourceUrl ?? "",
    localPath: p.localPath ?? "",
    sizeBytes: p.sizeBytes ?? 0n,
    requirements: p.requirements === undefined ? undefined : HardwareRequirements.create(p.requirements),
    metadata: copyMap(p.metadata, (v) => v),
  }),
  write(m, w) {
    if (m.modelId) writeString(w.uint32(10), m.modelId);
    if (m.name) writeString(w.uint32(18), m.name);
    if (m.description) writeString(w.uint32(26), m.description);
    if (m.format) writeInt32(w.uint32(32), m.format);
    if (m.source) writeInt32(w.uint32(40), m.source);
    if (m.sourceUrl) writeString(w.uint32(50), m.sourceUrl);
    if (m.localPath) writeString(w.uint32(58), m.localPath);
    if (m.sizeBytes) writeInt64(w.uint32(64), m.sizeBytes);
    if (m.requirements !== undefined) writeMessage(w, 74, HardwareRequirements, m.requirements);
    writeEntries(w, 82, m.metadata, (w, v) => { writeString(w.uint32(18), v); });
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelId = r.stringVerify(); return true;
      case 18: m.name = r.stringVerify(); return true;
      case 26: m.description = r.stringVerify(); return true;
      case 32: m.format = r.int32() as ModelFormat; return true;
      case 40: m.source = r.int32() as ModelSource; return true;
      case 50: m.sourceUrl = r.stringVerify(); return true;
      case 58: m.localPath = r.stringVerify(); return true;
      case 64: m.sizeBytes = readInt64(r); return true;
      case 74: m.requirements = readMessage(r, HardwareRequirements, m.requirements); return true;
      case 82: readEntry(r, m.metadata, 18, (r) => r.stringVerify(), () => ""); return true;
    }
    return false;
  },
});

export interface DeploymentConfig {
  readonly deploymentId: string;
  readonly userId: string;
  readonly type: DeploymentType;
  readonly model: ModelInfo | undefined;
  readonly nodeId: string;
  readonly requirements: HardwareRequirements | undefined;
  /** CYXWIZ tokens */
  readonly maxPricePerHour: number;
  readonly preferredRegion: string;
  readonly environmentVars: Readonly<Record<string, string>>;
  readonly runtimeParams: Readonly<Record<string, string>>;
  readonly port: number;
  readonly enableTerminal: boolean;
  readonly gpuLayers: number;
  readonly contextSize: number;
  readonly batchSize: number;
  readonly threads: number;
  readonly serverAddress: string;
}
export const DeploymentConfig = messageType<DeploymentConfig>("cyxwiz.protocol.DeploymentConfig", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    userId: p.userId ?? "",
    type: p.type ?? 0 as DeploymentType,
    model: p.model === undefined ? undefined : ModelInfo.create(p.model),
    nodeId: p.nodeId ?? "",
    requirements: p.requirements === undefined ? undefined : HardwareRequirements.create(p.requirements),
    maxPricePerHour: p.maxPricePerHour ?? 0,
    preferredRegion: p.preferredRegion ?? "",
    environmentVars: copyMap(p.environmentVars, (v) => v),
    runtimeParams: copyMap(p.runtimeParams, (v) => v),
    port: p.port ?? 0,
    enableTerminal: p.enableTerminal ?? false,
    gpuLayers: p.gpuLayers ?? 0,
    contextSize: p.contextSize ?? 0,
    batchSize: p.batchSize ?? 0,
    threads: p.threads ?? 0,
    serverAddress: p.serverAddress ?? "",
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.userId) writeString(w.uint32(18), m.userId);
    if (m.type) writeInt32(w.uint32(24), m.type);
    if (m.model !== undefined) writeMessage(w, 34, ModelInfo, m.model);
    if (m.nodeId) writeString(w.uint32(42), m.nodeId);
    if (m.requirements !== undefined) writeMessage(w, 50, HardwareRequirements, m.requirements);
    if (m.maxPricePerHour !== undefined && !isZero(m.maxPricePerHour)) w.uint32(57).double(m.maxPricePerHour);
    if (m.preferredRegion) writeString(w.uint32(66), m.preferredRegion);
    writeEntries(w, 74, m.environmentVars, (w, v) => { writeString(w.uint32(18), v); });
    writeEntries(w, 82, m.runtimeParams, (w, v) => { writeString(w.uint32(18), v); });
    if (m.port) writeInt32(w.uint32(88), m.port);
    if (m.enableTerminal) w.uint32(96).bool(m.enableTerminal);
    if (m.gpuLayers) writeInt32(w.uint32(104), m.gpuLayers);
    if (m.contextSize) writeInt32(w.uint32(112), m.contextSize);
    if (m.batchSize) writeInt32(w.uint32(120), m.batchSize);
    if (m.threads) writeInt32(w.uint32(128), m.threads);
    if (m.serverAddress) writeString(w.uint32(138), m.serverAddress);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
      case 24: m.type = r.int32() as DeploymentType; return true;
      case 34: m.model = readMessage(r, ModelInfo, m.model); return true;
      case 42: m.nodeId = r.stringVerify(); return true;
      case 50: m.requirements = readMessage(r, HardwareRequirements, m.requirements); return true;
      case 57: m.maxPricePerHour = r.double(); return true;
      case 66: m.preferredRegion = r.stringVerify(); return true;
      case 74: readEntry(r, m.environmentVars, 18, (r) => r.stringVerify(), () => ""); return true;
      case 82: readEntry(r, m.runtimeParams, 18, (r) => r.stringVerify(), () => ""); return true;
      case 88: m.port = r.int32(); return true;
      case 96: m.enableTerminal = r.bool(); return true;
      case 104: m.gpuLayers = r.int32(); return true;
      case 112: m.contextSize = r.int32(); return true;
      case 120: m.batchSize = r.int32(); return true;
      case 128: m.threads = r.int32(); return true;
      case 138: m.serverAddress = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface Deployment {
  readonly deploymentId: string;
  readonly config: DeploymentConfig | undefined;
  readonly status: DeploymentStatus;
  readonly assignedNode: NodeInfo | undefined;
  readonly statusMessage: string;
  /** unix seconds */
  readonly createdAt: bigint;
  /** unix seconds, 0 while not started */
  readonly startedAt: bigint;
  /** unix seconds, 0 while not stopped */
  readonly stoppedAt: bigint;
  readonly endpointUrl: string;
  readonly terminalEndpoint: string;
  readonly paymentEscrowAddress: string;
  /** CYXWIZ tokens */
  readonly hourlyRate: number;
  /** CYXWIZ tokens */
  readonly totalCost: number;
  readonly paymentTxHash: string;
  readonly uptimeSeconds: bigint;
  readonly totalRequests: bigint;
  readonly avgLatencyMs: number;
  readonly error: ProtocolError | undefined;
}
export const Deployment = messageType<Deployment>("cyxwiz.protocol.Deployment", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    config: p.config === undefined ? undefined : DeploymentConfig.create(p.config),
    status: p.status ?? 0 as DeploymentStatus,
    assignedNode: p.assignedNode === undefined ? undefined : NodeInfo.create(p.assignedNode),
    statusMessage: p.statusMessage ?? "",
    createdAt: p.createdAt ?? 0n,
    startedAt: p.startedAt ?? 0n,
    stoppedAt: p.stoppedAt ?? 0n,
    endpointUrl: p.endpointUrl ?? "",
    terminalEndpoint: p.terminalEndpoint ?? "",
    paymentEscrowAddress: p.paymentEscrowAddress ?? "",
    hourlyRate: p.hourlyRate ?? 0,
    totalCost: p.totalCost ?? 0,
    paymentTxHash: p.paymentTxHash ?? "",
    uptimeSeconds: p.uptimeSeconds ?? 0n,
    totalRequests: p.totalRequests ?? 0n,
    avgLatencyMs: p.avgLatencyMs ?? 0,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.config !== undefined) writeMessage(w, 18, DeploymentConfig, m.config);
    if (m.status) writeInt32(w.uint32(24), m.status);
    if (m.assignedNode !== undefined) writeMessage(w, 34, NodeInfo, m.assignedNode);
    if (m.statusMessage) writeString(w.uint32(42), m.statusMessage);
    if (m.createdAt) writeInt64(w.uint32(48), m.createdAt);
    if (m.startedAt) writeInt64(w.uint32(56), m.startedAt);
    if (m.stoppedAt) writeInt64(w.uint32(64), m.stoppedAt);
    if (m.endpointUrl) writeString(w.uint32(74), m.endpointUrl);
    if (m.terminalEndpoint) writeString(w.uint32(82), m.terminalEndpoint);
    if (m.paymentEscrowAddress) writeString(w.uint32(90), m.paymentEscrowAddress);
    if (m.hourlyRate !== undefined && !isZero(m.hourlyRate)) w.uint32(97).double(m.hourlyRate);
    if (m.totalCost !== undefined && !isZero(m.totalCost)) w.uint32(105).double(m.totalCost);
    if (m.paymentTxHash) writeString(w.uint32(114), m.paymentTxHash);
    if (m.uptimeSeconds) writeInt64(w.uint32(120), m.uptimeSeconds);
    if (m.totalRequests) writeInt64(w.uint32(128), m.totalRequests);
    if (m.avgLatencyMs !== undefined && !isZero(m.avgLatencyMs)) w.uint32(137).double(m.avgLatencyMs);
    if (m.error !== undefined) writeMessage(w, 146, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.config = readMessage(r, DeploymentConfig, m.config); return true;
      case 24: m.status = r.int32() as DeploymentStatus; return true;
      case 34: m.assignedNode = readMessage(r, NodeInfo, m.assignedNode); return true;
      case 42: m.statusMessage = r.stringVerify(); return true;
      case 48: m.createdAt = readInt64(r); return true;
      case 56: m.startedAt = readInt64(r); return true;
      case 64: m.stoppedAt = readInt64(r); return true;
      case 74: m.endpointUrl = r.stringVerify(); return true;
      case 82: m.terminalEndpoint = r.stringVerify(); return true;
      case 90: m.paymentEscrowAddress = r.stringVerify(); return true;
      case 97: m.hourlyRate = r.double(); return true;
      case 105: m.totalCost = r.double(); return true;
      case 114: m.paymentTxHash = r.stringVerify(); return true;
      case 120: m.uptimeSeconds = readInt64(r); return true;
      case 128: m.totalRequests = readInt64(r); return true;
      case 137: m.avgLatencyMs = r.double(); return true;
      case 146: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** The first message of a stream carries the session id; is_eof ends it. */
export interface TerminalData {
  readonly sessionId: string;
  readonly deploymentId: string;
  readonly data: Uint8Array;
  readonly isEof: boolean;
  readonly sequenceNumber: number;
}
export const TerminalData = messageType<TerminalData>("cyxwiz.protocol.TerminalData", {
  create: (p) => ({
    sessionId: p.sessionId ?? "",
    deploymentId: p.deploymentId ?? "",
    data: p.data === undefined ? new Uint8Array() : new Uint8Array(p.data),
    isEof: p.isEof ?? false,
    sequenceNumber: p.sequenceNumber ?? 0,
  }),
  write(m, w) {
    if (m.sessionId) writeString(w.uint32(10), m.sessionId);
    if (m.deploymentId) writeString(w.uint32(18), m.deploymentId);
    if (m.data?.length) w.uint32(26).bytes(m.data);
    if (m.isEof) w.uint32(32).bool(m.isEof);
    if (m.sequenceNumber) writeInt32(w.uint32(40), m.sequenceNumber);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.sessionId = r.stringVerify(); return true;
      case 18: m.deploymentId = r.stringVerify(); return true;
      case 26: m.data = readBytes(r); return true;
      case 32: m.isEof = r.bool(); return true;
      case 40: m.sequenceNumber = r.int32(); return true;
    }
    return false;
  },
});

export interface TerminalResize {
  readonly sessionId: string;
  readonly rows: number;
  readonly cols: number;
}
export const TerminalResize = messageType<TerminalResize>("cyxwiz.protocol.TerminalResize", {
  create: (p) => ({
    sessionId: p.sessionId ?? "",
    rows: p.rows ?? 0,
    cols: p.cols ?? 0,
  }),
  write(m, w) {
    if (m.sessionId) writeString(w.uint32(10), m.sessionId);
    if (m.rows) writeInt32(w.uint32(16), m.rows);
    if (m.cols) writeInt32(w.uint32(24), m.cols);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.sessionId = r.stringVerify(); return true;
      case 16: m.rows = r.int32(); return true;
      case 24: m.cols = r.int32(); return true;
    }
    return false;
  },
});

export interface TerminalSession {
  readonly sessionId: string;
  readonly deploymentId: string;
  readonly userId: string;
  readonly status: TerminalSessionStatus;
  /** unix seconds */
  readonly createdAt: bigint;
  /** unix seconds */
  readonly lastActivity: bigint;
  readonly rows: number;
  readonly cols: number;
}
export const TerminalSession = messageType<TerminalSession>("cyxwiz.protocol.TerminalSession", {
  create: (p) => ({
    sessionId: p.sessionId ?? "",
    deploymentId: p.deploymentId ?? "",
    userId: p.userId ?? "",
    status: p.status ?? 0 as TerminalSessionStatus,
    createdAt: p.createdAt ?? 0n,
    lastActivity: p.lastActivity ?? 0n,
    rows: p.rows ?? 0,
    cols: p.cols ?? 0,
  }),
  write(m, w) {
    if (m.sessionId) writeString(w.uint32(10), m.sessionId);
    if (m.deploymentId) writeString(w.uint32(18), m.deploymentId);
    if (m.userId) writeString(w.uint32(26), m.userId);
    if (m.status) writeInt32(w.uint32(32), m.status);
    if (m.createdAt) writeInt64(w.uint32(40), m.createdAt);
    if (m.lastActivity) writeInt64(w.uint32(48), m.lastActivity);
    if (m.rows) writeInt32(w.uint32(56), m.rows);
    if (m.cols) writeInt32(w.uint32(64), m.cols);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.sessionId = r.stringVerify(); return true;
      case 18: m.deploymentId = r.stringVerify(); return true;
      case 26: m.userId = r.stringVerify(); return true;
      case 32: m.status = r.int32() as TerminalSessionStatus; return true;
      case 40: m.createdAt = readInt64(r); return true;
      case 48: m.lastActivity = readInt64(r); return true;
      case 56: m.rows = r.int32(); return true;
      case 64: m.cols = r.int32(); return true;
    }
    return false;
  },
});

/** At most 1 MiB of a model. An upload ends with is_final and the SHA-256 of the whole. */
export interface ModelChunk {
  readonly modelId: string;
  readonly data: Uint8Array;
  /** bytes */
  readonly offset: bigint;
  /** bytes */
  readonly totalSize: bigint;
  readonly isFinal: boolean;
  /** SHA-256, on the final chunk */
  readonly checksum: string;
}
export const ModelChunk = messageType<ModelChunk>("cyxwiz.protocol.ModelChunk", {
  create: (p) => ({
    modelId: p.modelId ?? "",
    data: p.data === undefined ? new Uint8Array() : new Uint8Array(p.data),
    offset: p.offset ?? 0n,
    totalSize: p.totalSize ?? 0n,
    isFinal: p.isFinal ?? false,
    checksum: p.checksum ?? "",
  }),
  write(m, w) {
    if (m.modelId) writeString(w.uint32(10), m.modelId);
    if (m.data?.length) w.uint32(18).bytes(m.data);
    if (m.offset) writeInt64(w.uint32(24), m.offset);
    if (m.totalSize) writeInt64(w.uint32(32), m.totalSize);
    if (m.isFinal) w.uint32(40).bool(m.isFinal);
    if (m.checksum) writeString(w.uint32(50), m.checksum);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelId = r.stringVerify(); return true;
      case 18: m.data = readBytes(r); return true;
      case 24: m.offset = readInt64(r); return true;
      case 32: m.totalSize = readInt64(r); return true;
      case 40: m.isFinal = r.bool(); return true;
      case 50: m.checksum = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ModelRegistryEntry {
  readonly modelId: string;
  readonly info: ModelInfo | undefined;
  readonly ownerId: string;
  readonly isPublic: boolean;
  readonly downloadCount: bigint;
  readonly rating: number;
  readonly tags: readonly string[];
  /** unix seconds */
  readonly uploadedAt: bigint;
  readonly storagePath: string;
}
export const ModelRegistryEntry = messageType<ModelRegistryEntry>("cyxwiz.protocol.ModelRegistryEntry", {
  create: (p) => ({
    modelId: p.modelId ?? "",
    info: p.info === undefined ? undefined : ModelInfo.create(p.info),
    ownerId: p.ownerId ?? "",
    isPublic: p.isPublic ?? false,
    downloadCount: p.downloadCount ?? 0n,
    rating: p.rating ?? 0,
    tags: p.tags?.map((v) => v) ?? [],
    uploadedAt: p.uploadedAt ?? 0n,
    storagePath: p.storagePath ?? "",
  }),
  write(m, w) {
    if (m.modelId) writeString(w.uint32(10), m.modelId);
    if (m.info !== undefined) writeMessage(w, 18, ModelInfo, m.info);
    if (m.ownerId) writeString(w.uint32(26), m.ownerId);
    if (m.isPublic) w.uint32(32).bool(m.isPublic);
    if (m.downloadCount) writeInt64(w.uint32(40), m.downloadCount);
    if (m.rating !== undefined && !isZero(m.rating)) w.uint32(49).double(m.rating);
    for (const v of m.tags ?? []) writeString(w.uint32(58), v);
    if (m.uploadedAt) writeInt64(w.uint32(64), m.uploadedAt);
    if (m.storagePath) writeString(w.uint32(74), m.storagePath);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelId = r.stringVerify(); return true;
      case 18: m.info = readMessage(r, ModelInfo, m.info); return true;
      case 26: m.ownerId = r.stringVerify(); return true;
      case 32: m.isPublic = r.bool(); return true;
      case 40: m.downloadCount = readInt64(r); return true;
      case 49: m.rating = r.double(); return true;
      case 58: m.tags.push(r.stringVerify()); return true;
      case 64: m.uploadedAt = readInt64(r); return true;
      case 74: m.storagePath = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface CreateDeploymentRequest {
  readonly config: DeploymentConfig | undefined;
  readonly authenticationToken: string;
}
export const CreateDeploymentRequest = messageType<CreateDeploymentRequest>("cyxwiz.protocol.CreateDeploymentRequest", {
  create: (p) => ({
    config: p.config === undefined ? undefined : DeploymentConfig.create(p.config),
    authenticationToken: p.authenticationToken ?? "",
  }),
  write(m, w) {
    if (m.config !== undefined) writeMessage(w, 10, DeploymentConfig, m.config);
    if (m.authenticationToken) writeString(w.uint32(18), m.authenticationToken);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.config = readMessage(r, DeploymentConfig, m.config); return true;
      case 18: m.authenticationToken = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface CreateDeploymentResponse {
  readonly status: StatusCode;
  readonly deployment: Deployment | undefined;
  readonly error: ProtocolError | undefined;
}
export const CreateDeploymentResponse = messageType<CreateDeploymentResponse>("cyxwiz.protocol.CreateDeploymentResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    deployment: p.deployment === undefined ? undefined : Deployment.create(p.deployment),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.deployment !== undefined) writeMessage(w, 18, Deployment, m.deployment);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.deployment = readMessage(r, Deployment, m.deployment); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface GetDeploymentRequest {
  readonly deploymentId: string;
  readonly userId: string;
}
export const GetDeploymentRequest = messageType<GetDeploymentRequest>("cyxwiz.protocol.GetDeploymentRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    userId: p.userId ?? "",
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.userId) writeString(w.uint32(18), m.userId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetDeploymentResponse {
  readonly deployment: Deployment | undefined;
  readonly error: ProtocolError | undefined;
}
export const GetDeploymentResponse = messageType<GetDeploymentResponse>("cyxwiz.protocol.GetDeploymentResponse", {
  create: (p) => ({
    deployment: p.deployment === undefined ? undefined : Deployment.create(p.deployment),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.deployment !== undefined) writeMessage(w, 10, Deployment, m.deployment);
    if (m.error !== undefined) writeMessage(w, 18, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deployment = readMessage(r, Deployment, m.deployment); return true;
      case 18: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ListDeploymentsRequest {
  readonly userId: string;
  readonly typeFilter: DeploymentType;
  readonly statusFilter: DeploymentStatus;
  /** 0 means 20, at most 100 */
  readonly pageSize: number;
  readonly pageToken: string;
}
export const ListDeploymentsRequest = messageType<ListDeploymentsRequest>("cyxwiz.protocol.ListDeploymentsRequest", {
  create: (p) => ({
    userId: p.userId ?? "",
    typeFilter: p.typeFilter ?? 0 as DeploymentType,
    statusFilter: p.statusFilter ?? 0 as DeploymentStatus,
    pageSize: p.pageSize ?? 0,
    pageToken: p.pageToken ?? "",
  }),
  write(m, w) {
    if (m.userId) writeString(w.uint32(10), m.userId);
    if (m.typeFilter) writeInt32(w.uint32(16), m.typeFilter);
    if (m.statusFilter) writeInt32(w.uint32(24), m.statusFilter);
    if (m.pageSize) writeInt32(w.uint32(32), m.pageSize);
    if (m.pageToken) writeString(w.uint32(42), m.pageToken);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.userId = r.stringVerify(); return true;
      case 16: m.typeFilter = r.int32() as DeploymentType; return true;
      case 24: m.statusFilter = r.int32() as DeploymentStatus; return true;
      case 32: m.pageSize = r.int32(); return true;
      case 42: m.pageToken = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ListDeploymentsResponse {
  readonly deployments: readonly Deployment[];
  readonly nextPageToken: string;
  readonly totalCount: number;
  readonly error: ProtocolError | undefined;
}
export const ListDeploymentsResponse = messageType<ListDeploymentsResponse>("cyxwiz.protocol.ListDeploymentsResponse", {
  create: (p) => ({
    deployments: p.deployments?.map((v) => Deployment.create(v)) ?? [],
    nextPageToken: p.nextPageToken ?? "",
    totalCount: p.totalCount ?? 0,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    for (const v of m.deployments ?? []) writeMessage(w, 10, Deployment, v);
    if (m.nextPageToken) writeString(w.uint32(18), m.nextPageToken);
    if (m.totalCount) writeInt32(w.uint32(24), m.totalCount);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deployments.push(readMessage(r, Deployment)); return true;
      case 18: m.nextPageToken = r.stringVerify(); return true;
      case 24: m.totalCount = r.int32(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface StopDeploymentRequest {
  readonly deploymentId: string;
  readonly userId: string;
}
export const StopDeploymentRequest = messageType<StopDeploymentRequest>("cyxwiz.protocol.StopDeploymentRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    userId: p.userId ?? "",
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.userId) writeString(w.uint32(18), m.userId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface StopDeploymentResponse {
  readonly status: StatusCode;
  readonly deployment: Deployment | undefined;
  readonly error: ProtocolError | undefined;
}
export const StopDeploymentResponse = messageType<StopDeploymentResponse>("cyxwiz.protocol.StopDeploymentResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    deployment: p.deployment === undefined ? undefined : Deployment.create(p.deployment),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.deployment !== undefined) writeMessage(w, 18, Deployment, m.deployment);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.deployment = readMessage(r, Deployment, m.deployment); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DeleteDeploymentRequest {
  readonly deploymentId: string;
  readonly userId: string;
}
export const DeleteDeploymentRequest = messageType<DeleteDeploymentRequest>("cyxwiz.protocol.DeleteDeploymentRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    userId: p.userId ?? "",
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.userId) writeString(w.uint32(18), m.userId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DeleteDeploymentResponse {
  readonly status: StatusCode;
  readonly error: ProtocolError | undefined;
}
export const DeleteDeploymentResponse = messageType<DeleteDeploymentResponse>("cyxwiz.protocol.DeleteDeploymentResponse", {
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

export interface GetDeploymentMetricsRequest {
  readonly deploymentId: string;
  /** unix seconds */
  readonly startTime: bigint;
  /** unix seconds */
  readonly endTime: bigint;
}
export const GetDeploymentMetricsRequest = messageType<GetDeploymentMetricsRequest>("cyxwiz.protocol.GetDeploymentMetricsRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    startTime: p.startTime ?? 0n,
    endTime: p.endTime ?? 0n,
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.startTime) writeInt64(w.uint32(16), m.startTime);
    if (m.endTime) writeInt64(w.uint32(24), m.endTime);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 16: m.startTime = readInt64(r); return true;
      case 24: m.endTime = readInt64(r); return true;
    }
    return false;
  },
});

export interface GetDeploymentMetricsResponse {
  readonly metrics: readonly DeploymentMetricPoint[];
  readonly error: ProtocolError | undefined;
}
export const GetDeploymentMetricsResponse = messageType<GetDeploymentMetricsResponse>("cyxwiz.protocol.GetDeploymentMetricsResponse", {
  create: (p) => ({
    metrics: p.metrics?.map((v) => DeploymentMetricPoint.create(v)) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    for (const v of m.metrics ?? []) writeMessage(w, 10, DeploymentMetricPoint, v);
    if (m.error !== undefined) writeMessage(w, 18, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.metrics.push(readMessage(r, DeploymentMetricPoint)); return true;
      case 18: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DeploymentMetricPoint {
  /** unix seconds */
  readonly timestamp: bigint;
  readonly cpuUsage: number;
  readonly gpuUsage: number;
  readonly memoryUsage: number;
  readonly requestCount: bigint;
  readonly avgLatencyMs: number;
  readonly throughputRps: number;
}
export const DeploymentMetricPoint = messageType<DeploymentMetricPoint>("cyxwiz.protocol.DeploymentMetricPoint", {
  create: (p) => ({
    timestamp: p.timestamp ?? 0n,
    cpuUsage: p.cpuUsage ?? 0,
    gpuUsage: p.gpuUsage ?? 0,
    memoryUsage: p.memoryUsage ?? 0,
    requestCount: p.requestCount ?? 0n,
    avgLatencyMs: p.avgLatencyMs ?? 0,
    throughputRps: p.throughputRps ?? 0,
  }),
  write(m, w) {
    if (m.timestamp) writeInt64(w.uint32(8), m.timestamp);
    if (m.cpuUsage !== undefined && !isZero(m.cpuUsage)) w.uint32(17).double(m.cpuUsage);
    if (m.gpuUsage !== undefined && !isZero(m.gpuUsage)) w.uint32(25).double(m.gpuUsage);
    if (m.memoryUsage !== undefined && !isZero(m.memoryUsage)) w.uint32(33).double(m.memoryUsage);
    if (m.requestCount) writeInt64(w.uint32(40), m.requestCount);
    if (m.avgLatencyMs !== undefined && !isZero(m.avgLatencyMs)) w.uint32(49).double(m.avgLatencyMs);
    if (m.throughputRps !== undefined && !isZero(m.throughputRps)) w.uint32(57).double(m.throughputRps);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.timestamp = readInt64(r); return true;
      case 17: m.cpuUsage = r.double(); return true;
      case 25: m.gpuUsage = r.double(); return true;
      case 33: m.memoryUsage = r.double(); return true;
      case 40: m.requestCount = readInt64(r); return true;
      case 49: m.avgLatencyMs = r.double(); return true;
      case 57: m.throughputRps = r.double(); return true;
    }
    return false;
  },
});

export interface CreateTerminalSessionRequest {
  readonly deploymentId: string;
  readonly userId: string;
  /** 0 means 24 */
  readonly rows: number;
  /** 0 means 80 */
  readonly cols: number;
}
export const CreateTerminalSessionRequest = messageType<CreateTerminalSessionRequest>("cyxwiz.protocol.CreateTerminalSessionRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    userId: p.userId ?? "",
    rows: p.rows ?? 0,
    cols: p.cols ?? 0,
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    if (m.userId) writeString(w.uint32(18), m.userId);
    if (m.rows) writeInt32(w.uint32(24), m.rows);
    if (m.cols) writeInt32(w.uint32(32), m.cols);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
      case 24: m.rows = r.int32(); return true;
      case 32: m.cols = r.int32(); return true;
    }
    return false;
  },
});

export interface CreateTerminalSessionResponse {
  readonly status: StatusCode;
  readonly session: TerminalSession | undefined;
  readonly error: ProtocolError | undefined;
}
export const CreateTerminalSessionResponse = messageType<CreateTerminalSessionResponse>("cyxwiz.protocol.CreateTerminalSessionResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    session: p.session === undefined ? undefined : TerminalSession.create(p.session),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.session !== undefined) writeMessage(w, 18, TerminalSession, m.session);
    if (m.error !== undefined) writeMessage(w, 26, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.session = readMessage(r, TerminalSession, m.session); return true;
      case 26: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface CloseTerminalSessionRequest {
  readonly sessionId: string;
}
export const CloseTerminalSessionRequest = messageType<CloseTerminalSessionRequest>("cyxwiz.protocol.CloseTerminalSessionRequest", {
  create: (p) => ({
    sessionId: p.sessionId ?? "",
  }),
  write(m, w) {
    if (m.sessionId) writeString(w.uint32(10), m.sessionId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.sessionId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface CloseTerminalSessionResponse {
  readonly status: StatusCode;
  readonly error: ProtocolError | undefined;
}
export const CloseTerminalSessionResponse = messageType<CloseTerminalSessionResponse>("cyxwiz.protocol.CloseTerminalSessionResponse", {
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

export interface UploadModelMetadataRequest {
  readonly info: ModelInfo | undefined;
  readonly userId: string;
  readonly isPublic: boolean;
  readonly tags: readonly string[];
}
export const UploadModelMetadataRequest = messageType<UploadModelMetadataRequest>("cyxwiz.protocol.UploadModelMetadataRequest", {
  create: (p) => ({
    info: p.info === undefined ? undefined : ModelInfo.create(p.info),
    userId: p.userId ?? "",
    isPublic: p.isPublic ?? false,
    tags: p.tags?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.info !== undefined) writeMessage(w, 10, ModelInfo, m.info);
    if (m.userId) writeString(w.uint32(18), m.userId);
    if (m.isPublic) w.uint32(24).bool(m.isPublic);
    for (const v of m.tags ?? []) writeString(w.uint32(34), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.info = readMessage(r, ModelInfo, m.info); return true;
      case 18: m.userId = r.stringVerify(); return true;
      case 24: m.isPublic = r.bool(); return true;
      case 34: m.tags.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface UploadModelMetadataResponse {
  readonly status: StatusCode;
  readonly modelId: string;
  readonly uploadUrl: string;
  readonly error: ProtocolError | undefined;
}
export const UploadModelMetadataResponse = messageType<UploadModelMetadataResponse>("cyxwiz.protocol.UploadModelMetadataResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    modelId: p.modelId ?? "",
    uploadUrl: p.uploadUrl ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.modelId) writeString(w.uint32(18), m.modelId);
    if (m.uploadUrl) writeString(w.uint32(26), m.uploadUrl);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.modelId = r.stringVerify(); return true;
      case 26: m.uploadUrl = r.stringVerify(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DownloadModelMetadataRequest {
  readonly modelId: string;
}
export const DownloadModelMetadataRequest = messageType<DownloadModelMetadataRequest>("cyxwiz.protocol.DownloadModelMetadataRequest", {
  create: (p) => ({
    modelId: p.modelId ?? "",
  }),
  write(m, w) {
    if (m.modelId) writeString(w.uint32(10), m.modelId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DownloadModelMetadataResponse {
  readonly status: StatusCode;
  readonly entry: ModelRegistryEntry | undefined;
  readonly downloadUrl: string;
  readonly error: ProtocolError | undefined;
}
export const DownloadModelMetadataResponse = messageType<DownloadModelMetadataResponse>("cyxwiz.protocol.DownloadModelMetadataResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    entry: p.entry === undefined ? undefined : ModelRegistryEntry.create(p.entry),
    downloadUrl: p.downloadUrl ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.entry !== undefined) writeMessage(w, 18, ModelRegistryEntry, m.entry);
    if (m.downloadUrl) writeString(w.uint32(26), m.downloadUrl);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.entry = readMessage(r, ModelRegistryEntry, m.entry); return true;
      case 26: m.downloadUrl = r.stringVerify(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ListModelsRequest {
  readonly searchQuery: string;
  readonly tags: readonly string[];
  readonly formatFilter: ModelFormat;
  /** 0 means 20, at most 100 */
  readonly pageSize: number;
  readonly pageToken: string;
  readonly publicOnly: boolean;
}
export const ListModelsRequest = messageType<ListModelsRequest>("cyxwiz.protocol.ListModelsRequest", {
  create: (p) => ({
    searchQuery: p.searchQuery ?? "",
    tags: p.tags?.map((v) => v) ?? [],
    formatFilter: p.formatFilter ?? 0 as ModelFormat,
    pageSize: p.pageSize ?? 0,
    pageToken: p.pageToken ?? "",
    publicOnly: p.publicOnly ?? false,
  }),
  write(m, w) {
    if (m.searchQuery) writeString(w.uint32(10), m.searchQuery);
    for (const v of m.tags ?? []) writeString(w.uint32(18), v);
    if (m.formatFilter) writeInt32(w.uint32(24), m.formatFilter);
    if (m.pageSize) writeInt32(w.uint32(32), m.pageSize);
    if (m.pageToken) writeString(w.uint32(42), m.pageToken);
    if (m.publicOnly) w.uint32(48).bool(m.publicOnly);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.searchQuery = r.stringVerify(); return true;
      case 18: m.tags.push(r.stringVerify()); return true;
      case 24: m.formatFilter = r.int32() as ModelFormat; return true;
      case 32: m.pageSize = r.int32(); return true;
      case 42: m.pageToken = r.stringVerify(); return true;
      case 48: m.publicOnly = r.bool(); return true;
    }
    return false;
  },
});

export interface ListModelsResponse {
  readonly models: readonly ModelRegistryEntry[];
  readonly nextPageToken: string;
  readonly totalCount: number;
  readonly error: ProtocolError | undefined;
}
export const ListModelsResponse = messageType<ListModelsResponse>("cyxwiz.protocol.ListModelsResponse", {
  create: (p) => ({
    models: p.models?.map((v) => ModelRegistryEntry.create(v)) ?? [],
    nextPageToken: p.nextPageToken ?? "",
    totalCount: p.totalCount ?? 0,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    for (const v of m.models ?? []) writeMessage(w, 10, ModelRegistryEntry, v);
    if (m.nextPageToken) writeString(w.uint32(18), m.nextPageToken);
    if (m.totalCount) writeInt32(w.uint32(24), m.totalCount);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.models.push(readMessage(r, ModelRegistryEntry)); return true;
      case 18: m.nextPageToken = r.stringVerify(); return true;
      case 24: m.totalCount = r.int32(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface DeleteModelRequest {
  readonly modelId: string;
  readonly userId: string;
}
export const DeleteModelRequest = messageType<DeleteModelRequest>("cyxwiz.protocol.DeleteModelRequest", {
  create: (p) => ({
    modelId: p.modelId ?? "",
    userId: p.userId ?? "",
  }),
  write(m, w) {
    if (m.modelId) writeString(w.uint32(10), m.modelId);
    if (m.userId) writeString(w.uint32(18), m.userId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DeleteModelResponse {
  readonly status: StatusCode;
  readonly error: ProtocolError | undefined;
}
export const DeleteModelResponse = messageType<DeleteModelResponse>("cyxwiz.protocol.DeleteModelResponse", {
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

export interface SimpleResponse {
  readonly status: StatusCode;
  readonly error: ProtocolError | undefined;
}
export const SimpleResponse = messageType<SimpleResponse>("cyxwiz.protocol.SimpleResponse", {
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

export const DeploymentServiceDefinition = {
  createDeployment: method("/cyxwiz.protocol.DeploymentService/CreateDeployment", CreateDeploymentRequest, CreateDeploymentResponse, false, false),
  getDeployment: method("/cyxwiz.protocol.DeploymentService/GetDeployment", GetDeploymentRequest, GetDeploymentResponse, false, false),
  listDeployments: method("/cyxwiz.protocol.DeploymentService/ListDeployments", ListDeploymentsRequest, ListDeploymentsResponse, false, false),
  stopDeployment: method("/cyxwiz.protocol.DeploymentService/StopDeployment", StopDeploymentRequest, StopDeploymentResponse, false, false),
  deleteDeployment: method("/cyxwiz.protocol.DeploymentService/DeleteDeployment", DeleteDeploymentRequest, DeleteDeploymentResponse, false, false),
  getDeploymentMetrics: method("/cyxwiz.protocol.DeploymentService/GetDeploymentMetrics", GetDeploymentMetricsRequest, GetDeploymentMetricsResponse, false, false),
};

export const TerminalServiceDefinition = {
  createSession: method("/cyxwiz.protocol.TerminalService/CreateSession", CreateTerminalSessionRequest, CreateTerminalSessionResponse, false, false),
  streamTerminal: method("/cyxwiz.protocol.TerminalService/StreamTerminal", TerminalData, TerminalData, true, true),
  resizeTerminal: method("/cyxwiz.protocol.TerminalService/ResizeTerminal", TerminalResize, SimpleResponse, false, false),
  closeSession: method("/cyxwiz.protocol.TerminalService/CloseSession", CloseTerminalSessionRequest, CloseTerminalSessionResponse, false, false),
};

export const ModelServiceDefinition = {
  uploadMetadata: method("/cyxwiz.protocol.ModelService/UploadMetadata", UploadModelMetadataRequest, UploadModelMetadataResponse, false, false),
  uploadModel: method("/cyxwiz.protocol.ModelService/UploadModel", ModelChunk, SimpleResponse, true, false),
  downloadMetadata: method("/cyxwiz.protocol.ModelService/DownloadMetadata", DownloadModelMetadataRequest, DownloadModelMetadataResponse, false, false),
  downloadModel: method("/cyxwiz.protocol.ModelService/DownloadModel", DownloadModelMetadataRequest, ModelChunk, false, true),
  listModels: method("/cyxwiz.protocol.ModelService/ListModels", ListModelsRequest, ListModelsResponse, false, false),
  deleteModel: method("/cyxwiz.protocol.ModelService/DeleteModel", DeleteModelRequest, DeleteModelResponse, false, false),
};
