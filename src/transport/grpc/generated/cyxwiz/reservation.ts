// Generated from proto/cyxwiz/reservation.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** Renting a whole node for a stretch of time (the "hotel room"): jobs come and go, the room stays paid. */
import { copyMap, isZero, messageType, readEntry, readInt64, readMessage, writeEntries, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";
import { StatusCode, ProtocolError } from "./common.ts";
import { JobConfig } from "./job.ts";
import { PauseTrainingRequest, PauseTrainingResponse, ResumeTrainingRequest, ResumeTrainingResponse, CancelTrainingRequest, CancelTrainingResponse, StartNewJobRequest, StartNewJobResponse } from "./execution.ts";

export const ReservationStatus = {
  RESERVATION_UNKNOWN: 0,
  RESERVATION_PENDING: 1,
  RESERVATION_ACTIVE: 2,
  RESERVATION_PAUSED: 3,
  RESERVATION_COMPLETING: 4,
  RESERVATION_COMPLETED: 5,
  RESERVATION_CANCELLED: 6,
  RESERVATION_EXPIRED: 7,
  RESERVATION_FAILED: 8,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type ReservationStatus = (typeof ReservationStatus)[keyof typeof ReservationStatus];

export interface ReserveNodeRequest {
  readonly nodeId: string;
  readonly userWallet: string;
  /** 10 to 1440 */
  readonly durationMinutes: number;
  readonly jobConfig: JobConfig | undefined;
}
export const ReserveNodeRequest = messageType<ReserveNodeRequest>("cyxwiz.protocol.ReserveNodeRequest", {
  create: (p) => ({
    nodeId: p.nodeId ?? "",
    userWallet: p.userWallet ?? "",
    durationMinutes: p.durationMinutes ?? 0,
    jobConfig: p.jobConfig === undefined ? undefined : JobConfig.create(p.jobConfig),
  }),
  write(m, w) {
    if (m.nodeId) writeString(w.uint32(10), m.nodeId);
    if (m.userWallet) writeString(w.uint32(18), m.userWallet);
    if (m.durationMinutes) writeInt32(w.uint32(24), m.durationMinutes);
    if (m.jobConfig !== undefined) writeMessage(w, 34, JobConfig, m.jobConfig);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.nodeId = r.stringVerify(); return true;
      case 18: m.userWallet = r.stringVerify(); return true;
      case 24: m.durationMinutes = r.int32(); return true;
      case 34: m.jobConfig = readMessage(r, JobConfig, m.jobConfig); return true;
    }
    return false;
  },
});

export interface ReserveNodeResponse {
  readonly status: StatusCode;
  readonly reservationId: string;
  /** the first job of a reservation has the reservation's id */
  readonly jobId: string;
  /** host:port without a scheme */
  readonly nodeEndpoint: string;
  readonly p2pAuthToken: string;
  /** unix seconds, some minutes after the reservation ends */
  readonly p2pTokenExpires: bigint;
  readonly escrowAccount: string;
  /** smallest units, 10^9 to the token */
  readonly escrowAmount: bigint;
  /** unix seconds */
  readonly reservationStart: bigint;
  /** unix seconds */
  readonly reservationExpires: bigint;
  /** CYXWIZ tokens */
  readonly pricePerHour: number;
  readonly error: ProtocolError | undefined;
}
export const ReserveNodeResponse = messageType<ReserveNodeResponse>("cyxwiz.protocol.ReserveNodeResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    reservationId: p.reservationId ?? "",
    jobId: p.jobId ?? "",
    nodeEndpoint: p.nodeEndpoint ?? "",
    p2pAuthToken: p.p2pAuthToken ?? "",
    p2pTokenExpires: p.p2pTokenExpires ?? 0n,
    escrowAccount: p.escrowAccount ?? "",
    escrowAmount: p.escrowAmount ?? 0n,
    reservationStart: p.reservationStart ?? 0n,
    reservationExpires: p.reservationExpires ?? 0n,
    pricePerHour: p.pricePerHour ?? 0,
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.reservationId) writeString(w.uint32(18), m.reservationId);
    if (m.jobId) writeString(w.uint32(26), m.jobId);
    if (m.nodeEndpoint) writeString(w.uint32(34), m.nodeEndpoint);
    if (m.p2pAuthToken) writeString(w.uint32(42), m.p2pAuthToken);
    if (m.p2pTokenExpires) writeInt64(w.uint32(48), m.p2pTokenExpires);
    if (m.escrowAccount) writeString(w.uint32(58), m.escrowAccount);
    if (m.escrowAmount) writeInt64(w.uint32(64), m.escrowAmount);
    if (m.reservationStart) writeInt64(w.uint32(72), m.reservationStart);
    if (m.reservationExpires) writeInt64(w.uint32(80), m.reservationExpires);
    if (m.pricePerHour !== undefined && !isZero(m.pricePerHour)) w.uint32(89).double(m.pricePerHour);
    if (m.error !== undefined) writeMessage(w, 122, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.reservationId = r.stringVerify(); return true;
      case 26: m.jobId = r.stringVerify(); return true;
      case 34: m.nodeEndpoint = r.stringVerify(); return true;
      case 42: m.p2pAuthToken = r.stringVerify(); return true;
      case 48: m.p2pTokenExpires = readInt64(r); return true;
      case 58: m.escrowAccount = r.stringVerify(); return true;
      case 64: m.escrowAmount = readInt64(r); return true;
      case 72: m.reservationStart = readInt64(r); return true;
      case 80: m.reservationExpires = readInt64(r); return true;
      case 89: m.pricePerHour = r.double(); return true;
      case 122: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** The early way to end a reservation with its only job; kept for old clients. */
export interface ConfirmJobCompleteRequest {
  readonly reservationId: string;
  readonly jobId: string;
  readonly modelHash: string;
  readonly finalMetrics: Readonly<Record<string, number>>;
  readonly success: boolean;
}
export const ConfirmJobCompleteRequest = messageType<ConfirmJobCompleteRequest>("cyxwiz.protocol.ConfirmJobCompleteRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    jobId: p.jobId ?? "",
    modelHash: p.modelHash ?? "",
    finalMetrics: copyMap(p.finalMetrics, (v) => v),
    success: p.success ?? false,
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.modelHash) writeString(w.uint32(26), m.modelHash);
    writeEntries(w, 34, m.finalMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.success) w.uint32(40).bool(m.success);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.modelHash = r.stringVerify(); return true;
      case 34: readEntry(r, m.finalMetrics, 17, (r) => r.double(), () => 0); return true;
      case 40: m.success = r.bool(); return true;
    }
    return false;
  },
});

export interface ConfirmJobCompleteResponse {
  readonly status: StatusCode;
  readonly paymentReleased: boolean;
  readonly paymentTxHash: string;
  readonly error: ProtocolError | undefined;
}
export const ConfirmJobCompleteResponse = messageType<ConfirmJobCompleteResponse>("cyxwiz.protocol.ConfirmJobCompleteResponse", {
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
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.paymentReleased = r.bool(); return true;
      case 26: m.paymentTxHash = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ExtendReservationRequest {
  readonly reservationId: string;
  readonly additionalMinutes: number;
}
export const ExtendReservationRequest = messageType<ExtendReservationRequest>("cyxwiz.protocol.ExtendReservationRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    additionalMinutes: p.additionalMinutes ?? 0,
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.additionalMinutes) writeInt32(w.uint32(16), m.additionalMinutes);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 16: m.additionalMinutes = r.int32(); return true;
    }
    return false;
  },
});

export interface ExtendReservationResponse {
  readonly status: StatusCode;
  /** unix seconds */
  readonly newExpires: bigint;
  /** smallest units */
  readonly additionalEscrow: bigint;
  readonly escrowTxHash: string;
  readonly error: ProtocolError | undefined;
}
export const ExtendReservationResponse = messageType<ExtendReservationResponse>("cyxwiz.protocol.ExtendReservationResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    newExpires: p.newExpires ?? 0n,
    additionalEscrow: p.additionalEscrow ?? 0n,
    escrowTxHash: p.escrowTxHash ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.newExpires) writeInt64(w.uint32(16), m.newExpires);
    if (m.additionalEscrow) writeInt64(w.uint32(24), m.additionalEscrow);
    if (m.escrowTxHash) writeString(w.uint32(34), m.escrowTxHash);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.newExpires = readInt64(r); return true;
      case 24: m.additionalEscrow = readInt64(r); return true;
      case 34: m.escrowTxHash = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ReleaseReservationRequest {
  readonly reservationId: string;
  readonly reason: string;
}
export const ReleaseReservationRequest = messageType<ReleaseReservationRequest>("cyxwiz.protocol.ReleaseReservationRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    reason: p.reason ?? "",
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.reason) writeString(w.uint32(18), m.reason);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.reason = r.stringVerify(); return true;
    }
    return false;
  },
});

/** Leaving early: the node is paid for the time used, the rest goes back. */
export interface ReleaseReservationResponse {
  readonly status: StatusCode;
  readonly timeUsedSeconds: bigint;
  /** smallest units */
  readonly paymentReleased: bigint;
  /** smallest units */
  readonly refundAmount: bigint;
  readonly paymentTxHash: string;
  readonly refundTxHash: string;
  readonly error: ProtocolError | undefined;
}
export const ReleaseReservationResponse = messageType<ReleaseReservationResponse>("cyxwiz.protocol.ReleaseReservationResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    timeUsedSeconds: p.timeUsedSeconds ?? 0n,
    paymentReleased: p.paymentReleased ?? 0n,
    refundAmount: p.refundAmount ?? 0n,
    paymentTxHash: p.paymentTxHash ?? "",
    refundTxHash: p.refundTxHash ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.timeUsedSeconds) writeInt64(w.uint32(16), m.timeUsedSeconds);
    if (m.paymentReleased) writeInt64(w.uint32(24), m.paymentReleased);
    if (m.refundAmount) writeInt64(w.uint32(32), m.refundAmount);
    if (m.paymentTxHash) writeString(w.uint32(42), m.paymentTxHash);
    if (m.refundTxHash) writeString(w.uint32(50), m.refundTxHash);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.timeUsedSeconds = readInt64(r); return true;
      case 24: m.paymentReleased = readInt64(r); return true;
      case 32: m.refundAmount = readInt64(r); return true;
      case 42: m.paymentTxHash = r.stringVerify(); return true;
      case 50: m.refundTxHash = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface GetReservationRequest {
  readonly reservationId: string;
}
export const GetReservationRequest = messageType<GetReservationRequest>("cyxwiz.protocol.GetReservationRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetReservationResponse {
  readonly status: StatusCode;
  readonly reservation: ReservationInfo | undefined;
  readonly error: ProtocolError | undefined;
}
export const GetReservationResponse = messageType<GetReservationResponse>("cyxwiz.protocol.GetReservationResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    reservation: p.reservation === undefined ? undefined : ReservationInfo.create(p.reservation),
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.reservation !== undefined) writeMessage(w, 18, ReservationInfo, m.reservation);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.reservation = readMessage(r, ReservationInfo, m.reservation); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ReservationInfo {
  readonly reservationId: string;
  readonly userId: string;
  readonly userWallet: string;
  readonly nodeId: string;
  readonly nodeWallet: string;
  readonly nodeEndpoint: string;
  readonly status: ReservationStatus;
  /** unix seconds */
  readonly startTime: bigint;
  /** unix seconds */
  readonly endTime: bigint;
  readonly timeRemainingSeconds: bigint;
  readonly escrowAccount: string;
  /** smallest units */
  readonly escrowAmount: bigint;
  /** CYXWIZ tokens */
  readonly pricePerHour: number;
  readonly currentJobId: string;
  /** 0 to 1 */
  readonly jobProgress: number;
  readonly currentMetrics: Readonly<Record<string, number>>;
  readonly jobsCompleted: number;
}
export const ReservationInfo = messageType<ReservationInfo>("cyxwiz.protocol.ReservationInfo", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    userId: p.userId ?? "",
    userWallet: p.userWallet ?? "",
    nodeId: p.nodeId ?? "",
    nodeWallet: p.nodeWallet ?? "",
    nodeEndpoint: p.nodeEndpoint ?? "",
    status: p.status ?? 0 as ReservationStatus,
    startTime: p.startTime ?? 0n,
    endTime: p.endTime ?? 0n,
    timeRemainingSeconds: p.timeRemainingSeconds ?? 0n,
    escrowAccount: p.escrowAccount ?? "",
    escrowAmount: p.escrowAmount ?? 0n,
    pricePerHour: p.pricePerHour ?? 0,
    currentJobId: p.currentJobId ?? "",
    jobProgress: p.jobProgress ?? 0,
    currentMetrics: copyMap(p.currentMetrics, (v) => v),
    jobsCompleted: p.jobsCompleted ?? 0,
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.userId) writeString(w.uint32(18), m.userId);
    if (m.userWallet) writeString(w.uint32(26), m.userWallet);
    if (m.nodeId) writeString(w.uint32(34), m.nodeId);
    if (m.nodeWallet) writeString(w.uint32(42), m.nodeWallet);
    if (m.nodeEndpoint) writeString(w.uint32(50), m.nodeEndpoint);
    if (m.status) writeInt32(w.uint32(56), m.status);
    if (m.startTime) writeInt64(w.uint32(64), m.startTime);
    if (m.endTime) writeInt64(w.uint32(72), m.endTime);
    if (m.timeRemainingSeconds) writeInt64(w.uint32(80), m.timeRemainingSeconds);
    if (m.escrowAccount) writeString(w.uint32(90), m.escrowAccount);
    if (m.escrowAmount) writeInt64(w.uint32(96), m.escrowAmount);
    if (m.pricePerHour !== undefined && !isZero(m.pricePerHour)) w.uint32(105).double(m.pricePerHour);
    if (m.currentJobId) writeString(w.uint32(114), m.currentJobId);
    if (m.jobProgress !== undefined && !isZero(m.jobProgress)) w.uint32(121).double(m.jobProgress);
    writeEntries(w, 130, m.currentMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.jobsCompleted) writeInt32(w.uint32(136), m.jobsCompleted);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.userId = r.stringVerify(); return true;
      case 26: m.userWallet = r.stringVerify(); return true;
      case 34: m.nodeId = r.stringVerify(); return true;
      case 42: m.nodeWallet = r.stringVerify(); return true;
      case 50: m.nodeEndpoint = r.stringVerify(); return true;
      case 56: m.status = r.int32() as ReservationStatus; return true;
      case 64: m.startTime = readInt64(r); return true;
      case 72: m.endTime = readInt64(r); return true;
      case 80: m.timeRemainingSeconds = readInt64(r); return true;
      case 90: m.escrowAccount = r.stringVerify(); return true;
      case 96: m.escrowAmount = readInt64(r); return true;
      case 105: m.pricePerHour = r.double(); return true;
      case 114: m.currentJobId = r.stringVerify(); return true;
      case 121: m.jobProgress = r.double(); return true;
      case 130: readEntry(r, m.currentMetrics, 17, (r) => r.double(), () => 0); return true;
      case 136: m.jobsCompleted = r.int32(); return true;
    }
    return false;
  },
});

export interface ListReservationsRequest {
  /** existing Engines put the wallet here */
  readonly userId: string;
  readonly pageSize: number;
  readonly pageToken: string;
  /** pending and active ones only */
  readonly activeOnly: boolean;
}
export const ListReservationsRequest = messageType<ListReservationsRequest>("cyxwiz.protocol.ListReservationsRequest", {
  create: (p) => ({
    userId: p.userId ?? "",
    pageSize: p.pageSize ?? 0,
    pageToken: p.pageToken ?? "",
    activeOnly: p.activeOnly ?? false,
  }),
  write(m, w) {
    if (m.userId) writeString(w.uint32(10), m.userId);
    if (m.pageSize) writeInt32(w.uint32(16), m.pageSize);
    if (m.pageToken) writeString(w.uint32(26), m.pageToken);
    if (m.activeOnly) w.uint32(32).bool(m.activeOnly);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.userId = r.stringVerify(); return true;
      case 16: m.pageSize = r.int32(); return true;
      case 26: m.pageToken = r.stringVerify(); return true;
      case 32: m.activeOnly = r.bool(); return true;
    }
    return false;
  },
});

export interface ListReservationsResponse {
  readonly reservations: readonly ReservationInfo[];
  readonly nextPageToken: string;
  readonly totalCount: number;
}
export const ListReservationsResponse = messageType<ListReservationsResponse>("cyxwiz.protocol.ListReservationsResponse", {
  create: (p) => ({
    reservations: p.reservations?.map((v) => ReservationInfo.create(v)) ?? [],
    nextPageToken: p.nextPageToken ?? "",
    totalCount: p.totalCount ?? 0,
  }),
  write(m, w) {
    for (const v of m.reservations ?? []) writeMessage(w, 10, ReservationInfo, v);
    if (m.nextPageToken) writeString(w.uint32(18), m.nextPageToken);
    if (m.totalCount) writeInt32(w.uint32(24), m.totalCount);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservations.push(readMessage(r, ReservationInfo)); return true;
      case 18: m.nextPageToken = r.stringVerify(); return true;
      case 24: m.totalCount = r.int32(); return true;
    }
    return false;
  },
});

export interface GetActiveReservationsRequest {
  readonly userWallet: string;
}
export const GetActiveReservationsRequest = messageType<GetActiveReservationsRequest>("cyxwiz.protocol.GetActiveReservationsRequest", {
  create: (p) => ({
    userWallet: p.userWallet ?? "",
  }),
  write(m, w) {
    if (m.userWallet) writeString(w.uint32(10), m.userWallet);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.userWallet = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface GetActiveReservationsResponse {
  readonly status: StatusCode;
  readonly reservations: readonly ActiveReservationInfo[];
  readonly error: ProtocolError | undefined;
}
export const GetActiveReservationsResponse = messageType<GetActiveReservationsResponse>("cyxwiz.protocol.GetActiveReservationsResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    reservations: p.reservations?.map((v) => ActiveReservationInfo.create(v)) ?? [],
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    for (const v of m.reservations ?? []) writeMessage(w, 18, ActiveReservationInfo, v);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.reservations.push(readMessage(r, ActiveReservationInfo)); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ActiveReservationInfo {
  readonly reservationId: string;
  readonly nodeId: string;
  readonly nodeEndpoint: string;
  readonly timeRemainingSeconds: bigint;
  readonly engineConnected: boolean;
  readonly status: ReservationStatus;
  readonly jobsCompleted: number;
}
export const ActiveReservationInfo = messageType<ActiveReservationInfo>("cyxwiz.protocol.ActiveReservationInfo", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    nodeId: p.nodeId ?? "",
    nodeEndpoint: p.nodeEndpoint ?? "",
    timeRemainingSeconds: p.timeRemainingSeconds ?? 0n,
    engineConnected: p.engineConnected ?? false,
    status: p.status ?? 0 as ReservationStatus,
    jobsCompleted: p.jobsCompleted ?? 0,
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.nodeId) writeString(w.uint32(18), m.nodeId);
    if (m.nodeEndpoint) writeString(w.uint32(26), m.nodeEndpoint);
    if (m.timeRemainingSeconds) writeInt64(w.uint32(32), m.timeRemainingSeconds);
    if (m.engineConnected) w.uint32(40).bool(m.engineConnected);
    if (m.status) writeInt32(w.uint32(48), m.status);
    if (m.jobsCompleted) writeInt32(w.uint32(56), m.jobsCompleted);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.nodeId = r.stringVerify(); return true;
      case 26: m.nodeEndpoint = r.stringVerify(); return true;
      case 32: m.timeRemainingSeconds = readInt64(r); return true;
      case 40: m.engineConnected = r.bool(); return true;
      case 48: m.status = r.int32() as ReservationStatus; return true;
      case 56: m.jobsCompleted = r.int32(); return true;
    }
    return false;
  },
});

export interface GetReconnectionTokenRequest {
  readonly reservationId: string;
  readonly userWallet: string;
}
export const GetReconnectionTokenRequest = messageType<GetReconnectionTokenRequest>("cyxwiz.protocol.GetReconnectionTokenRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    userWallet: p.userWallet ?? "",
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.userWallet) writeString(w.uint32(18), m.userWallet);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.userWallet = r.stringVerify(); return true;
    }
    return false;
  },
});

/** A fresh token for an Engine that lost its node connection or was restarted. */
export interface GetReconnectionTokenResponse {
  readonly status: StatusCode;
  readonly p2pAuthToken: string;
  /** unix seconds */
  readonly p2pTokenExpires: bigint;
  readonly nodeEndpoint: string;
  readonly timeRemainingSeconds: bigint;
  readonly currentJobId: string;
  readonly error: ProtocolError | undefined;
}
export const GetReconnectionTokenResponse = messageType<GetReconnectionTokenResponse>("cyxwiz.protocol.GetReconnectionTokenResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    p2pAuthToken: p.p2pAuthToken ?? "",
    p2pTokenExpires: p.p2pTokenExpires ?? 0n,
    nodeEndpoint: p.nodeEndpoint ?? "",
    timeRemainingSeconds: p.timeRemainingSeconds ?? 0n,
    currentJobId: p.currentJobId ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.p2pAuthToken) writeString(w.uint32(18), m.p2pAuthToken);
    if (m.p2pTokenExpires) writeInt64(w.uint32(24), m.p2pTokenExpires);
    if (m.nodeEndpoint) writeString(w.uint32(34), m.nodeEndpoint);
    if (m.timeRemainingSeconds) writeInt64(w.uint32(40), m.timeRemainingSeconds);
    if (m.currentJobId) writeString(w.uint32(50), m.currentJobId);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 18: m.p2pAuthToken = r.stringVerify(); return true;
      case 24: m.p2pTokenExpires = readInt64(r); return true;
      case 34: m.nodeEndpoint = r.stringVerify(); return true;
      case 40: m.timeRemainingSeconds = readInt64(r); return true;
      case 50: m.currentJobId = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** Sent every 30 seconds while a reservation is held; the first one makes it active. */
export interface EngineHeartbeatRequest {
  readonly reservationId: string;
  readonly jobId: string;
  /** existing Engines always say false */
  readonly trainingActive: boolean;
  /** 0 to 1 */
  readonly jobProgress: number;
  readonly currentMetrics: Readonly<Record<string, number>>;
}
export const EngineHeartbeatRequest = messageType<EngineHeartbeatRequest>("cyxwiz.protocol.EngineHeartbeatRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    jobId: p.jobId ?? "",
    trainingActive: p.trainingActive ?? false,
    jobProgress: p.jobProgress ?? 0,
    currentMetrics: copyMap(p.currentMetrics, (v) => v),
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.trainingActive) w.uint32(24).bool(m.trainingActive);
    if (m.jobProgress !== undefined && !isZero(m.jobProgress)) w.uint32(33).double(m.jobProgress);
    writeEntries(w, 42, m.currentMetrics, (w, v) => { w.uint32(17).double(v); });
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 24: m.trainingActive = r.bool(); return true;
      case 33: m.jobProgress = r.double(); return true;
      case 42: readEntry(r, m.currentMetrics, 17, (r) => r.double(), () => 0); return true;
    }
    return false;
  },
});

export interface EngineHeartbeatResponse {
  readonly status: StatusCode;
  readonly timeRemainingSeconds: bigint;
  /** the time is nearly over and training still runs */
  readonly shouldExtend: boolean;
  readonly message: string;
  readonly error: ProtocolError | undefined;
}
export const EngineHeartbeatResponse = messageType<EngineHeartbeatResponse>("cyxwiz.protocol.EngineHeartbeatResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    timeRemainingSeconds: p.timeRemainingSeconds ?? 0n,
    shouldExtend: p.shouldExtend ?? false,
    message: p.message ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.timeRemainingSeconds) writeInt64(w.uint32(16), m.timeRemainingSeconds);
    if (m.shouldExtend) w.uint32(24).bool(m.shouldExtend);
    if (m.message) writeString(w.uint32(34), m.message);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.timeRemainingSeconds = readInt64(r); return true;
      case 24: m.shouldExtend = r.bool(); return true;
      case 34: m.message = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ReportJobCompleteFromNodeRequest {
  readonly reservationId: string;
  readonly jobId: string;
  readonly nodeId: string;
  readonly success: boolean;
  readonly modelHash: string;
  readonly finalMetrics: Readonly<Record<string, number>>;
  readonly trainingTimeSeconds: bigint;
  readonly epochsCompleted: number;
}
export const ReportJobCompleteFromNodeRequest = messageType<ReportJobCompleteFromNodeRequest>("cyxwiz.protocol.ReportJobCompleteFromNodeRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    jobId: p.jobId ?? "",
    nodeId: p.nodeId ?? "",
    success: p.success ?? false,
    modelHash: p.modelHash ?? "",
    finalMetrics: copyMap(p.finalMetrics, (v) => v),
    trainingTimeSeconds: p.trainingTimeSeconds ?? 0n,
    epochsCompleted: p.epochsCompleted ?? 0,
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.jobId) writeString(w.uint32(18), m.jobId);
    if (m.nodeId) writeString(w.uint32(26), m.nodeId);
    if (m.success) w.uint32(32).bool(m.success);
    if (m.modelHash) writeString(w.uint32(42), m.modelHash);
    writeEntries(w, 50, m.finalMetrics, (w, v) => { w.uint32(17).double(v); });
    if (m.trainingTimeSeconds) writeInt64(w.uint32(56), m.trainingTimeSeconds);
    if (m.epochsCompleted) writeInt32(w.uint32(64), m.epochsCompleted);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.jobId = r.stringVerify(); return true;
      case 26: m.nodeId = r.stringVerify(); return true;
      case 32: m.success = r.bool(); return true;
      case 42: m.modelHash = r.stringVerify(); return true;
      case 50: readEntry(r, m.finalMetrics, 17, (r) => r.double(), () => 0); return true;
      case 56: m.trainingTimeSeconds = readInt64(r); return true;
      case 64: m.epochsCompleted = r.int32(); return true;
    }
    return false;
  },
});

export interface ReportJobCompleteFromNodeResponse {
  readonly status: StatusCode;
  /** 0 to 100 here, unlike NodeInfo */
  readonly newReputation: number;
  readonly reputationChange: number;
  readonly jobsInReservation: number;
  readonly message: string;
  readonly error: ProtocolError | undefined;
}
export const ReportJobCompleteFromNodeResponse = messageType<ReportJobCompleteFromNodeResponse>("cyxwiz.protocol.ReportJobCompleteFromNodeResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    newReputation: p.newReputation ?? 0,
    reputationChange: p.reputationChange ?? 0,
    jobsInReservation: p.jobsInReservation ?? 0,
    message: p.message ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.newReputation !== undefined && !isZero(m.newReputation)) w.uint32(17).double(m.newReputation);
    if (m.reputationChange !== undefined && !isZero(m.reputationChange)) w.uint32(25).double(m.reputationChange);
    if (m.jobsInReservation) writeInt32(w.uint32(32), m.jobsInReservation);
    if (m.message) writeString(w.uint32(42), m.message);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 17: m.newReputation = r.double(); return true;
      case 25: m.reputationChange = r.double(); return true;
      case 32: m.jobsInReservation = r.int32(); return true;
      case 42: m.message = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** Engine and node each report the end; the money moves when both have. */
export interface ReportReservationEndFromEngineRequest {
  readonly reservationId: string;
  readonly jobsCompleted: number;
  readonly finalModelHash: string;
  readonly userSatisfied: boolean;
  readonly feedback: string;
}
export const ReportReservationEndFromEngineRequest = messageType<ReportReservationEndFromEngineRequest>("cyxwiz.protocol.ReportReservationEndFromEngineRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    jobsCompleted: p.jobsCompleted ?? 0,
    finalModelHash: p.finalModelHash ?? "",
    userSatisfied: p.userSatisfied ?? false,
    feedback: p.feedback ?? "",
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.jobsCompleted) writeInt32(w.uint32(16), m.jobsCompleted);
    if (m.finalModelHash) writeString(w.uint32(26), m.finalModelHash);
    if (m.userSatisfied) w.uint32(32).bool(m.userSatisfied);
    if (m.feedback) writeString(w.uint32(42), m.feedback);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 16: m.jobsCompleted = r.int32(); return true;
      case 26: m.finalModelHash = r.stringVerify(); return true;
      case 32: m.userSatisfied = r.bool(); return true;
      case 42: m.feedback = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ReportReservationEndFromEngineResponse {
  readonly status: StatusCode;
  readonly paymentReleased: boolean;
  /** smallest units */
  readonly amountPaid: bigint;
  readonly paymentTxHash: string;
  readonly message: string;
  readonly error: ProtocolError | undefined;
}
export const ReportReservationEndFromEngineResponse = messageType<ReportReservationEndFromEngineResponse>("cyxwiz.protocol.ReportReservationEndFromEngineResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    paymentReleased: p.paymentReleased ?? false,
    amountPaid: p.amountPaid ?? 0n,
    paymentTxHash: p.paymentTxHash ?? "",
    message: p.message ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.paymentReleased) w.uint32(16).bool(m.paymentReleased);
    if (m.amountPaid) writeInt64(w.uint32(24), m.amountPaid);
    if (m.paymentTxHash) writeString(w.uint32(34), m.paymentTxHash);
    if (m.message) writeString(w.uint32(42), m.message);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.paymentReleased = r.bool(); return true;
      case 24: m.amountPaid = readInt64(r); return true;
      case 34: m.paymentTxHash = r.stringVerify(); return true;
      case 42: m.message = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

export interface ReportReservationEndFromNodeRequest {
  readonly reservationId: string;
  readonly nodeId: string;
  readonly jobsCompleted: number;
  /** seconds */
  readonly totalComputeTime: bigint;
  readonly nodeAvailable: boolean;
}
export const ReportReservationEndFromNodeRequest = messageType<ReportReservationEndFromNodeRequest>("cyxwiz.protocol.ReportReservationEndFromNodeRequest", {
  create: (p) => ({
    reservationId: p.reservationId ?? "",
    nodeId: p.nodeId ?? "",
    jobsCompleted: p.jobsCompleted ?? 0,
    totalComputeTime: p.totalComputeTime ?? 0n,
    nodeAvailable: p.nodeAvailable ?? false,
  }),
  write(m, w) {
    if (m.reservationId) writeString(w.uint32(10), m.reservationId);
    if (m.nodeId) writeString(w.uint32(18), m.nodeId);
    if (m.jobsCompleted) writeInt32(w.uint32(24), m.jobsCompleted);
    if (m.totalComputeTime) writeInt64(w.uint32(32), m.totalComputeTime);
    if (m.nodeAvailable) w.uint32(40).bool(m.nodeAvailable);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reservationId = r.stringVerify(); return true;
      case 18: m.nodeId = r.stringVerify(); return true;
      case 24: m.jobsCompleted = r.int32(); return true;
      case 32: m.totalComputeTime = readInt64(r); return true;
      case 40: m.nodeAvailable = r.bool(); return true;
    }
    return false;
  },
});

export interface ReportReservationEndFromNodeResponse {
  readonly status: StatusCode;
  readonly paymentReleased: boolean;
  /** smallest units */
  readonly amountReceived: bigint;
  readonly paymentTxHash: string;
  readonly message: string;
  readonly error: ProtocolError | undefined;
}
export const ReportReservationEndFromNodeResponse = messageType<ReportReservationEndFromNodeResponse>("cyxwiz.protocol.ReportReservationEndFromNodeResponse", {
  create: (p) => ({
    status: p.status ?? 0 as StatusCode,
    paymentReleased: p.paymentReleased ?? false,
    amountReceived: p.amountReceived ?? 0n,
    paymentTxHash: p.paymentTxHash ?? "",
    message: p.message ?? "",
    error: p.error === undefined ? undefined : ProtocolError.create(p.error),
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
    if (m.paymentReleased) w.uint32(16).bool(m.paymentReleased);
    if (m.amountReceived) writeInt64(w.uint32(24), m.amountReceived);
    if (m.paymentTxHash) writeString(w.uint32(34), m.paymentTxHash);
    if (m.message) writeString(w.uint32(42), m.message);
    if (m.error !== undefined) writeMessage(w, 82, ProtocolError, m.error);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as StatusCode; return true;
      case 16: m.paymentReleased = r.bool(); return true;
      case 24: m.amountReceived = readInt64(r); return true;
      case 34: m.paymentTxHash = r.stringVerify(); return true;
      case 42: m.message = r.stringVerify(); return true;
      case 82: m.error = readMessage(r, ProtocolError, m.error); return true;
    }
    return false;
  },
});

/** Refusals travel as gRPC OK with STATUS_FAILED and an Error with an HTTP-like code. */
export const JobReservationServiceDefinition = {
  reserveNode: method("/cyxwiz.protocol.JobReservationService/ReserveNode", ReserveNodeRequest, ReserveNodeResponse, false, false),
  confirmJobComplete: method("/cyxwiz.protocol.JobReservationService/ConfirmJobComplete", ConfirmJobCompleteRequest, ConfirmJobCompleteResponse, false, false),
  extendReservation: method("/cyxwiz.protocol.JobReservationService/ExtendReservation", ExtendReservationRequest, ExtendReservationResponse, false, false),
  releaseReservation: method("/cyxwiz.protocol.JobReservationService/ReleaseReservation", ReleaseReservationRequest, ReleaseReservationResponse, false, false),
  getReservation: method("/cyxwiz.protocol.JobReservationService/GetReservation", GetReservationRequest, GetReservationResponse, false, false),
  listReservations: method("/cyxwiz.protocol.JobReservationService/ListReservations", ListReservationsRequest, ListReservationsResponse, false, false),
  engineHeartbeat: method("/cyxwiz.protocol.JobReservationService/EngineHeartbeat", EngineHeartbeatRequest, EngineHeartbeatResponse, false, false),
  getActiveReservations: method("/cyxwiz.protocol.JobReservationService/GetActiveReservations", GetActiveReservationsRequest, GetActiveReservationsResponse, false, false),
  getReconnectionToken: method("/cyxwiz.protocol.JobReservationService/GetReconnectionToken", GetReconnectionTokenRequest, GetReconnectionTokenResponse, false, false),
  reportJobCompleteFromNode: method("/cyxwiz.protocol.JobReservationService/ReportJobCompleteFromNode", ReportJobCompleteFromNodeRequest, ReportJobCompleteFromNodeResponse, false, false),
  reportReservationEndFromEngine: method("/cyxwiz.protocol.JobReservationService/ReportReservationEndFromEngine", ReportReservationEndFromEngineRequest, ReportReservationEndFromEngineResponse, false, false),
  reportReservationEndFromNode: method("/cyxwiz.protocol.JobReservationService/ReportReservationEndFromNode", ReportReservationEndFromNodeRequest, ReportReservationEndFromNodeResponse, false, false),
};

/** Served by nodes. */
export const P2PTrainingServiceDefinition = {
  pauseTraining: method("/cyxwiz.protocol.P2PTrainingService/PauseTraining", PauseTrainingRequest, PauseTrainingResponse, false, false),
  resumeTraining: method("/cyxwiz.protocol.P2PTrainingService/ResumeTraining", ResumeTrainingRequest, ResumeTrainingResponse, false, false),
  cancelTraining: method("/cyxwiz.protocol.P2PTrainingService/CancelTraining", CancelTrainingRequest, CancelTrainingResponse, false, false),
  startNewJob: method("/cyxwiz.protocol.P2PTrainingService/StartNewJob", StartNewJobRequest, StartNewJobResponse, false, false),
};
