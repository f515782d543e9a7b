// Generated from proto/cyxwiz/inference.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Asking a deployed model for predictions. Not served by the central server. */
import { isZero, messageType, readBytes, readInt64, readMessage, readPacked, writeInt32, writeInt64, writeMessage, writePacked, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, DataType, ProtocolError, TensorInfo } from "./common.ts";

export interface TensorData {
  readonly name: string;
  readonly shape: readonly bigint[];
  readonly dtype: DataType;
  readonly data: Uint8Array;
}
export const TensorData = messageType<TensorData>("cyxwiz.protocol.TensorData", {
  create: (p) => ({
    name: p.name ?? "",
    shape: p.shape?.map((v) => v) ?? [],
    dtype: p.dtype ?? 0 as DataType,
    data: p.data === undefined ? new Uint8Array() : new Uint8Array(p.data),
  }),
  write(m, w) {
    if (m.name) writeString(w.uint32(10), m.name);
    writePacked(w, 18, m.shape, writeInt64);
    if (m.dtype) writeInt32(w.uint32(24), m.dtype);
    if (m.data?.length) w.uint32(34).bytes(m.data);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.name = r.stringVerify(); return true;
      case 18: readPacked(r, m.shape, (r) => readInt64(r)); return true;
      case 16: m.shape.push(readInt64(r)); return true;
      case 24: m.dtype = r.int32() as DataType; return true;
      case 34: m.data = readBytes(r); return true;
    }
    return false;
  },
});

export interface InferRequest {
  readonly deploymentId: string;
  readonly inputs: readonly TensorData[];
}
export const InferRequest = messageType<InferRequest>("cyxwiz.protocol.InferRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
    inputs: p.inputs?.map((v) => TensorData.create(v)) ?? [],
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
    for (const v of m.inputs ?? []) writeMessage(w, 18, TensorData, v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
      case 18: m.inputs.push(readMessage(r, TensorData)); return true;
    }
    return false;
  },
});

export interface InferResponse {
  readonly status: StatusCode;
  readonly outputs: readonly TensorData[];
  readonly latencyMs: number;
  readonly error: ProtocolError | undefined;
}
export const InferResponse = messageType<InferResponse>("cyxwiz.protocol.InferResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    outputs: p.outputs?.map((v) => TensorData.create(v)) ?? [],
    latencyMs: p.latencyMs ?? 0,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    for (const v of m.outputs ?? []) writeMessage(w, 18, TensorData, v);
    if (m.latencyMs !== undefined && !isZero(m.latencyMs)) w.uint32(25).double(m.latencyMs);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.outputs.push(readMessage(r, TensorData)); return true;
      case 25: m.latencyMs = r.double(); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface GetModelInfoRequest {
  readonly deploymentId: string;
}
export const GetModelInfoRequest = messageType<GetModelInfoRequest>("cyxwiz.protocol.GetModelInfoRequest", {
  create: (p) => ({
    deploymentId: p.deploymentId ?? "",
  }),
  write(m, w) {
    if (m.deploymentId) writeString(w.uint32(10), m.deploymentId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.deploymentId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetModelInfoResponse {
  readonly status: StatusCode;
  readonly inputSpecs: readonly TensorInfo[];
  readonly outputSpecs: readonly TensorInfo[];
  readonly error: ProtocolError | undefined;
}
export const GetModelInfoResponse = messageType<GetModelInfoResponse>("cyxwiz.protocol.GetModelInfoResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    inputSpecs: p.inputSpecs?.map((v) => TensorInfo.create(v)) ?? [],
    outputSpecs: p.outputSpecs?.map((v) => TensorInfo.create(v)) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    for (const v of m.inputSpecs ?? []) writeMessage(w, 18, TensorInfo, v);
    for (const v of m.outputSpecs ?? []) writeMessage(w, 26, TensorInfo, v);
    if (m.error !== undefined) writeMessage(w, 34, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.inputSpecs.push(readMessage(r, TensorInfo)); return true;
      case 26: m.outputSpecs.push(readMessage(r, TensorInfo)); return true;
      case 34: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export const InferenceServiceDefinition = {
  infer: method("/cyxwiz.protocol.InferenceService/Infer", InferRequest, InferResponse, false, false),
  getModelInfo: method("/cyxwiz.protocol.InferenceService/GetModelInfo", GetModelInfoRequest, GetModelInfoResponse, false, false),
};
