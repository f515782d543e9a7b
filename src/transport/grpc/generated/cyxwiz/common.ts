// Generated from proto/cyxwiz/common.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Values every other file uses. */
import { isZero, messageType, readInt64, readPacked, writeInt32, writeInt64, writePacked, writeString } from "../../codec.ts";

/** Answers whether a call worked as well as where a job stands, hence the mix. */
export const StatusCode = {
  STATUS_UNKNOWN: 0,
  /** the call worked; Engines also read it as "job finished" */
  STATUS_SUCCESS: 1,
  STATUS_ERROR: 2,
  STATUS_PENDING: 3,
  STATUS_IN_PROGRESS: 4,
  /** job done; existing Engines do not treat it as final and go on polling */
  STATUS_COMPLETED: 5,
  STATUS_FAILED: 6,
  STATUS_CANCELLED: 7,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

export const DeviceType = {
  DEVICE_UNKNOWN: 0,
  DEVICE_CPU: 1,
  DEVICE_CUDA: 2,
  DEVICE_OPENCL: 3,
  DEVICE_METAL: 4,
  DEVICE_VULKAN: 5,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type DeviceType = (typeof DeviceType)[keyof typeof DeviceType];

export const DataType = {
  DATA_TYPE_UNKNOWN: 0,
  DATA_TYPE_FLOAT32: 1,
  DATA_TYPE_FLOAT64: 2,
  DATA_TYPE_INT32: 3,
  DATA_TYPE_INT64: 4,
  DATA_TYPE_UINT8: 5,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type DataType = (typeof DataType)[keyof typeof DataType];

/** An application error, beside an OK status of gRPC itself. */
export interface ProtocolError {
  /** 0 none; reservation calls use HTTP-like codes (404, 409, 410) */
  readonly code: number;
  readonly message: string;
  readonly details: string;
}
export const ProtocolError = messageType<ProtocolError>("cyxwiz.protocol.Error", {
  create: (p) => ({
    code: p.code ?? 0,
    message: p.message ?? "",
    details: p.details ?? "",
  }),
  write(m, w) {
    if (m.code) writeInt32(w.uint32(8), m.code);
    if (m.message) writeString(w.uint32(18), m.message);
    if (m.details) writeString(w.uint32(26), m.details);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.code = r.int32(); return true;
      case 18: m.message = r.stringVerify(); return true;
      case 26: m.details = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface TensorInfo {
  /** one length per dimension */
  readonly shape: readonly bigint[];
  readonly dtype: DataType;
  readonly name: string;
}
export const TensorInfo = messageType<TensorInfo>("cyxwiz.protocol.TensorInfo", {
  create: (p) => ({
    shape: p.shape?.map((v) => v) ?? [],
    dtype: p.dtype ?? 0 as DataType,
    name: p.name ?? "",
  }),
  write(m, w) {
    writePacked(w, 10, m.shape, writeInt64);
    if (m.dtype) writeInt32(w.uint32(16), m.dtype);
    if (m.name) writeString(w.uint32(26), m.name);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: readPacked(r, m.shape, (r) => readInt64(r)); return true;
      case 8: m.shape.push(readInt64(r)); return true;
      case 16: m.dtype = r.int32() as DataType; return true;
      case 26: m.name = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface DeviceCaps {
  readonly deviceType: DeviceType;
  readonly deviceName: string;
  /** bytes */
  readonly memoryTotal: bigint;
  /** bytes; existing nodes send the VRAM they allot to the network */
  readonly memoryAvailable: bigint;
  /** cores of a CPU, multiprocessors of a GPU */
  readonly computeUnits: number;
  readonly supportsFp64: boolean;
  readonly supportsFp16: boolean;
  readonly gpuModel: string;
  /** bytes; 0 means see memory_total */
  readonly vramTotal: bigint;
  /** bytes */
  readonly vramAvailable: bigint;
  readonly driverVersion: string;
  readonly cudaVersion: string;
  readonly pcieGeneration: number;
  readonly pcieLanes: number;
  readonly computeCapability: number;
}
export const DeviceCaps = messageType<DeviceCaps>("cyxwiz.protocol.DeviceCaps", {
  create: (p) => ({
    deviceType: p.deviceType ?? 0 as DeviceType,
    deviceName: p.deviceName ?? "",
    memoryTotal: p.memoryTotal ?? 0n,
    memoryAvailable: p.memoryAvailable ?? 0n,
    computeUnits: p.computeUnits ?? 0,
    supportsFp64: p.supportsFp64 ?? false,
    supportsFp16: p.supportsFp16 ?? false,
    gpuModel: p.gpuModel ?? "",
    vramTotal: p.vramTotal ?? 0n,
    vramAvailable: p.vramAvailable ?? 0n,
    driverVersion: p.driverVersion ?? "",
    cudaVersion: p.cudaVersion ?? "",
    pcieGeneration: p.pcieGeneration ?? 0,
    pcieLanes: p.pcieLanes ?? 0,
    computeCapability: p.computeCapability ?? 0,
  }),
  write(m, w) {
    if (m.deviceType) writeInt32(w.uint32(8), m.deviceType);
    if (m.deviceName) writeString(w.uint32(18), m.deviceName);
    if (m.memoryTotal) writeInt64(w.uint32(24), m.memoryTotal);
    if (m.memoryAvailable) writeInt64(w.uint32(32), m.memoryAvailable);
    if (m.computeUnits) writeInt32(w.uint32(40), m.computeUnits);
    if (m.supportsFp64) w.uint32(48).bool(m.supportsFp64);
    if (m.supportsFp16) w.uint32(56).bool(m.supportsFp16);
    if (m.gpuModel) writeString(w.uint32(66), m.gpuModel);
    if (m.vramTotal) writeInt64(w.uint32(72), m.vramTotal);
    if (m.vramAvailable) writeInt64(w.uint32(80), m.vramAvailable);
    if (m.driverVersion) writeString(w.uint32(90), m.driverVersion);
    if (m.cudaVersion) writeString(w.uint32(98), m.cudaVersion);
    if (m.pcieGeneration) writeInt32(w.uint32(104), m.pcieGeneration);
    if (m.pcieLanes) writeInt32(w.uint32(112), m.pcieLanes);
    if (m.computeCapability !== undefined && !isZero(m.computeCapability)) w.uint32(121).double(m.computeCapability);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.deviceType = r.int32() as DeviceType; return true;
      case 18: m.deviceName = r.stringVerify(); return true;
      case 24: m.memoryTotal = readInt64(r); return true;
      case 32: m.memoryAvailable = readInt64(r); return true;
      case 40: m.computeUnits = r.int32(); return true;
      case 48: m.supportsFp64 = r.bool(); return true;
      case 56: m.supportsFp16 = r.bool(); return true;
      case 66: m.gpuModel = r.stringVerify(); return true;
      case 72: m.vramTotal = readInt64(r); return true;
      case 80: m.vramAvailable = readInt64(r); return true;
      case 90: m.driverVersion = r.stringVerify(); return true;
      case 98: m.cudaVersion = r.stringVerify(); return true;
      case 104: m.pcieGeneration = r.int32(); return true;
      case 112: m.pcieLanes = r.int32(); return true;
      case 121: m.computeCapability = r.double(); return true;
    }
    return false;
  },
});

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly build: string;
}
export const Version = messageType<Version>("cyxwiz.protocol.Version", {
  create: (p) => ({
    major: p.major ?? 0,
    minor: p.minor ?? 0,
    patch: p.patch ?? 0,
    build: p.build ?? "",
  }),
  write(m, w) {
    if (m.major) writeInt32(w.uint32(8), m.major);
    if (m.minor) writeInt32(w.uint32(16), m.minor);
    if (m.patch) writeInt32(w.uint32(24), m.patch);
    if (m.build) writeString(w.uint32(34), m.build);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.major = r.int32(); return true;
      case 16: m.minor = r.int32(); return true;
      case 24: m.patch = r.int32(); return true;
      case 34: m.build = r.stringVerify(); return true;
    }
    return false;
  },
});
