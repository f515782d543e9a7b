// Generated from proto/grpc/health/v1/health.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** The standard gRPC health protocol: load balancers, Kubernetes and grpc_health_probe speak it. */
import { copyMap, messageType, readEntry, readMessage, writeEntries, writeInt32, writeMessage, writeString } from "../../../../codec.ts";
import { method } from "../../../../definition.ts";

export interface HealthCheckRequest {
  /** full name of a service; empty means the server as a whole */
  readonly service: string;
}
export const HealthCheckRequest = messageType<HealthCheckRequest>("grpc.health.v1.HealthCheckRequest", {
  create: (p) => ({
    service: p.service ?? "",
  }),
  write(m, w) {
    if (m.service) writeString(w.uint32(10), m.service);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.service = r.stringVerify(); return true;
    }
    return false;
  },
});

export const HealthCheckResponse_ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  /** Watch only: Check answers NOT_FOUND instead */
  SERVICE_UNKNOWN: 3,
} as const;
/** Numbers this version does not know are passed on unchanged, so a `switch` needs its `default`. */
export type HealthCheckResponse_ServingStatus = (typeof HealthCheckResponse_ServingStatus)[keyof typeof HealthCheckResponse_ServingStatus];

export interface HealthCheckResponse {
  readonly status: HealthCheckResponse_ServingStatus;
}
export const HealthCheckResponse = messageType<HealthCheckResponse>("grpc.health.v1.HealthCheckResponse", {
  create: (p) => ({
    status: p.status ?? 0 as HealthCheckResponse_ServingStatus,
  }),
  write(m, w) {
    if (m.status) writeInt32(w.uint32(8), m.status);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.status = r.int32() as HealthCheckResponse_ServingStatus; return true;
    }
    return false;
  },
});

export interface HealthListRequest {
}
export const HealthListRequest = messageType<HealthListRequest>("grpc.health.v1.HealthListRequest", {
  create: () => ({
  }),
  write() {
  },
  readField() {
    return false;
  },
});

export interface HealthListResponse {
  readonly statuses: Readonly<Record<string, HealthCheckResponse>>;
}
export const HealthListResponse = messageType<HealthListResponse>("grpc.health.v1.HealthListResponse", {
  create: (p) => ({
    statuses: copyMap(p.statuses, (v) => HealthCheckResponse.create(v)),
  }),
  write(m, w) {
    writeEntries(w, 10, m.statuses, (w, v) => { writeMessage(w, 18, HealthCheckResponse, v); });
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: readEntry(r, m.statuses, 18, (r) => readMessage(r, HealthCheckResponse), () => HealthCheckResponse.create()); return true;
    }
    return false;
  },
});

export const HealthDefinition = {
  check: method("/grpc.health.v1.Health/Check", HealthCheckRequest, HealthCheckResponse, false, false),
  list: method("/grpc.health.v1.Health/List", HealthListRequest, HealthListResponse, false, false),
  /** Sends the status now and again at every change, until the caller hangs up. */
  watch: method("/grpc.health.v1.Health/Watch", HealthCheckRequest, HealthCheckResponse, false, true),
};
