// Generated from proto/cyxwiz/compute.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Single tensor operations on a node. Not served by the central server. */
import { copyMap, isZero, messageType, readBytes, readEntry, readInt64, readMessage, writeEntries, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, DeviceType, ProtocolError, TensorInfo } from "./common.ts";

export const OperationType = {
  OP_UNKNOWN: 0,
  OP_MATMUL: 1,
  OP_CONV2D: 2,
  OP_POOL: 3,
  OP_ACTIVATION: 4,
  OP_LOSS: 5,
  OP_OPTIMIZER_STEP: 6,
  OP_CUSTOM: 100,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type OperationType = (typeof OperationType)[keyof typeof OperationType];

export const OptimizerType = {
  OPTIMIZER_SGD: 0,
  OPTIMIZER_ADAM: 1,
  OPTIMIZER_ADAMW: 2,
  OPTIMIZER_RMSPROP: 3,
  OPTIMIZER_ADAGRAD: 4,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type OptimizerType = (typeof OptimizerType)[keyof typeof OptimizerType];

export interface Tensor {
  readonly info: TensorInfo | undefined;
  readonly data: Uint8Array;
  /** where the data is when it is not inline */
  readonly ipfsHash: string;
  readonly compressed: boolean;
}
export const Tensor = messageType<Tensor>("cyxwiz.protocol.Tensor", {
  create: (p) => ({
    info: p.info === undefined ? undefined : TensorInfo.create(p.info),
    data: p.data === undefined ? new Uint8Array() : new Uint8Array(p.data),
    ipfsHash: p.ipfsHash ?? "",
    compressed: p.compressed ?? false,
  }),
  write(m, w) {
    if (m.info !== undefined) writeMessage(w, 10, TensorInfo, m.info);
    if (m.data?.length) w.uint32(18).bytes(m.data);
    if (m.ipfsHash) writeString(w.uint32(26), m.ipfsHash);
    if (m.compressed) w.uint32(32).bool(m.compressed);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.info = readMessage(r, TensorInfo, m.info); return true;
      case 18: m.data = readBytes(r); return true;
      case 26: m.ipfsHash = r.stringVerify(); return true;
      case 32: m.compressed = r.bool(); return true;
    }
    return false;
  },
});

export interface LayerConfig {
  readonly layerName: string;
  readonly layerType: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}
export const LayerConfig = messageType<LayerConfig>("cyxwiz.protocol.LayerConfig", {
  create: (p) => ({
    layerName: p.layerName ?? "",
    layerType: p.layerType ?? "",
    parameters: copyMap(p.parameters, (v) => v),
    inputNames: p.inputNames?.map((v) => v) ?? [],
    outputNames: p.outputNames?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.layerName) writeString(w.uint32(10), m.layerName);
    if (m.layerType) writeString(w.uint32(18), m.layerType);
    writeEntries(w, 26, m.parameters, (w, v) => { writeString(w.uint32(18), v); });
    for (const v of m.inputNames ?? []) writeString(w.uint32(34), v);
    for (const v of m.outputNames ?? []) writeString(w.uint32(42), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.layerName = r.stringVerify(); return true;
      case 18: m.layerType = r.stringVerify(); return true;
      case 26: readEntry(r, m.parameters, 18, (r) => r.stringVerify(), () => ""); return true;
      case 34: m.inputNames.push(r.stringVerify()); return true;
      case 42: m.outputNames.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface ModelArchitecture {
  readonly modelName: string;
  readonly modelType: string;
  readonly layers: readonly LayerConfig[];
  readonly lossFunction: string;
  readonly optimizer: OptimizerType;
  readonly optimizerParams: Readonly<Record<string, number>>;
  readonly metrics: readonly string[];
}
export const ModelArchitecture = messageType<ModelArchitecture>("cyxwiz.protocol.ModelArchitecture", {
  create: (p) => ({
    modelName: p.modelName ?? "",
    modelType: p.modelType ?? "",
    layers: p.layers?.map((v) => LayerConfig.create(v)) ?? [],
    lossFunction: p.lossFunction ?? "",
    optimizer: p.optimizer ?? 0 as OptimizerType,
    optimizerParams: copyMap(p.optimizerParams, (v) => v),
    metrics: p.metrics?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.modelName) writeString(w.uint32(10), m.modelName);
    if (m.modelType) writeString(w.uint32(18), m.modelType);
    for (const v of m.layers ?? []) writeMessage(w, 26, LayerConfig, v);
    if (m.lossFunction) writeString(w.uint32(34), m.lossFunction);
    if (m.optimizer) writeInt32(w.uint32(40), m.optimizer);
    writeEntries(w, 50, m.optimizerParams, (w, v) => { w.uint32(17).double(v); });
    for (const v of m.metrics ?? []) writeString(w.uint32(58), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.modelName = r.stringVerify(); return true;
      case 18: m.modelType = r.stringVerify(); return true;
      case 26: m.layers.push(readMessage(r, LayerConfig)); return true;
      case 34: m.lossFunction = r.stringVerify(); return true;
      case 40: m.optimizer = r.int32() as OptimizerType; return true;
      case 50: readEntry(r, m.optimizerParams, 17, (r) => r.double(), () => 0); return true;
      case 58: m.metrics.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface TrainingConfig {
  readonly batchSize: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly shuffleData: boolean;
  readonly validationSplit: number;
  readonly randomSeed: number;
  readonly useMixedPrecision: boolean;
  readonly checkpointFrequency: number;
}
export const TrainingConfig = messageType<TrainingConfig>("cyxwiz.protocol.TrainingConfig", {
  create: (p) => ({
    batchSize: p.batchSize ?? 0,
    epochs: p.epochs ?? 0,
    learningRate: p.learningRate ?? 0,
    shuffleData: p.shuffleData ?? false,
    validationSplit: p.validationSplit ?? 0,
    randomSeed: p.randomSeed ?? 0,
    useMixedPrecision: p.useMixedPrecision ?? false,
    checkpointFrequency: p.checkpointFrequency ?? 0,
  }),
  write(m, w) {
    if (m.batchSize) writeInt32(w.uint32(8), m.batchSize);
    if (m.epochs) writeInt32(w.uint32(16), m.epochs);
    if (m.learningRate !== undefined && !isZero(m.learningRate)) w.uint32(25).double(m.learningRate);
    if (m.shuffleData) w.uint32(32).bool(m.shuffleData);
    if (m.validationSplit) writeInt32(w.uint32(40), m.validationSplit);
    if (m.randomSeed) writeInt32(w.uint32(48), m.randomSeed);
    if (m.useMixedPrecision) w.uint32(56).bool(m.useMixedPrecision);
    if (m.checkpointFrequency) writeInt32(w.uint32(64), m.checkpointFrequency);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.batchSize = r.int32(); return true;
      case 16: m.epochs = r.int32(); return true;
      case 25: m.learningRate = r.double(); return true;
      case 32: m.shuffleData = r.bool(); return true;
      case 40: m.validationSplit = r.int32(); return true;
      case 48: m.randomSeed = r.int32(); return true;
      case 56: m.useMixedPrecision = r.bool(); return true;
      case 64: m.checkpointFrequency = r.int32(); return true;
    }
    return false;
  },
});

export interface ComputeRequest {
  readonly operationId: string;
  readonly operation: OperationType;
  readonly inputs: readonly Tensor[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly targetDevice: DeviceType;
}
export const ComputeRequest = messageType<ComputeRequest>("cyxwiz.protocol.ComputeRequest", {
  create: (p) => ({
    operationId: p.operationId ?? "",
    operation: p.operation ?? 0 as OperationType,
    inputs: p.inputs?.map((v) => Tensor.create(v)) ?? [],
    parameters: copyMap(p.parameters, (v) => v),
    targetDevice: p.targetDevice ?? 0 as DeviceType,
  }),
  write(m, w) {
    if (m.operationId) writeString(w.uint32(10), m.operationId);
    if (m.operation) writeInt32(w.uint32(16), m.operation);
    for (const v of m.inputs ?? []) writeMessage(w, 26, Tensor, v);
    writeEntries(w, 34, m.parameters, (w, v) => { writeString(w.uint32(18), v); });
    if (m.targetDevice) writeInt32(w.uint32(40), m.targetDevice);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.operationId = r.stringVerify(); return true;
      case 16: m.operation = r.int32() as OperationType; return true;
      case 26: m.inputs.push(readMessage(r, Tensor)); return true;
      case 34: readEntry(r, m.parameters, 18, (r) => r.stringVerify(), () => ""); return true;
      case 40: m.targetDevice = r.int32() as DeviceType; return true;
    }
    return false;
  },
});

export interface ComputeResponse {
  readonly operationId: string;
  readonly status: StatusCode;
  readonly outputs: readonly Tensor[];
  readonly computeTimeMs: bigint;
  readonly error: ProtocolError | undefined;
}
export const ComputeResponse = messageType<ComputeResponse>("cyxwiz.protocol.ComputeResponse", {
  create: (p) => ({
    operationId: p.operationId ?? "",
    status: p.status ?? 0 as StatusCode,
    outputs: p.outputs?.map((v) => Tensor.create(v)) ?? [],
    computeTimeMs: p.computeTimeMs ?? 0n,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.operationId) writeString(w.uint32(10), m.operationId);
    if (m.status) writeInt32(w.uint32(16), m.status);
    for (const v of m.outputs ?? []) writeMessage(w, 26, Tensor, v);
    if (m.computeTimeMs) writeInt64(w.uint32(32), m.computeTimeMs);
    if (m.error !== undefined) writeMessage(w, 42, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.operationId = r.stringVerify(); return true;
      case 16: m.status = r.int32() as StatusCode; return true;
      case 26: m.outputs.push(readMessage(r, Tensor)); return true;
      case 32: m.computeTimeMs = readInt64(r); return true;
      case 42: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ExecuteGraphRequest {
  readonly graphId: string;
  readonly operations: readonly ComputeRequest[];
  /** operation ids */
  readonly executionOrder: readonly string[];
}
export const ExecuteGraphRequest = messageType<ExecuteGraphRequest>("cyxwiz.protocol.ExecuteGraphRequest", {
  create: (p) => ({
    graphId: p.graphId ?? "",
    operations: p.operations?.map((v) => ComputeRequest.create(v)) ?? [],
    executionOrder: p.executionOrder?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.graphId) writeString(w.uint32(10), m.graphId);
    for (const v of m.operations ?? []) writeMessage(w, 18, ComputeRequest, v);
    for (const v of m.executionOrder ?? []) writeString(w.uint32(26), v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.graphId = r.stringVerify(); return true;
      case 18: m.operations.push(readMessage(r, ComputeRequest)); return true;
      case 26: m.executionOrder.push(r.stringVerify()); return true;
    }
    return false;
  },
});

export interface ExecuteGraphResponse {
  readonly graphId: string;
  readonly status: StatusCode;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly totalComputeTimeMs: bigint;
  readonly error: ProtocolError | undefined;
}
export const ExecuteGraphResponse = messageType<ExecuteGraphResponse>("cyxwiz.protocol.ExecuteGraphResponse", {
  create: (p) => ({
    graphId: p.graphId ?? "",
    status: p.status ?? 0 as StatusCode,
    outputs: copyMap(p.outputs, (v) => Tensor.create(v)),
    totalComputeTimeMs: p.totalComputeTimeMs ?? 0n,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.graphId) writeString(w.uint32(10), m.graphId);
    if (m.status) writeInt32(w.uint32(16), m.status);
    writeEntries(w, 26, m.outputs, (w, v) => { writeMessage(w, 18, Tensor, v); });
    if (m.totalComputeTimeMs) writeInt64(w.uint32(32), m.totalComputeTimeMs);
    if (m.error !== undefined) writeMessage(w, 42, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.graphId = r.stringVerify(); return true;
      case 16: m.status = r.int32() as StatusCode; return true;
      case 26: readEntry(r, m.outputs, 18, (r) => readMessage(r, Tensor), () => Tensor.create()); return true;
      case 32: m.totalComputeTimeMs = readInt64(r); return true;
      case 42: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export const ComputeServiceDefinition = {
  execute: method("/cyxwiz.protocol.ComputeService/Execute", ComputeRequest, ComputeResponse, false, false),
  executeGraph: method("/cyxwiz.protocol.ComputeService/ExecuteGraph", ExecuteGraphRequest, ExecuteGraphResponse, false, false),
  streamExecute: method("/cyxwiz.protocol.ComputeService/StreamExecute", ComputeRequest, ComputeResponse, true, true),
};
