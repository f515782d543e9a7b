/** grpc.health.v1.Health: tells probes and load balancers whether the server, and each of its services, takes calls. */
import type { Server, ServiceDefinition } from "nice-grpc";
import { type CallContext, ServerError, Status } from "nice-grpc-common";
import { serviceName } from "./definition.ts";
import {
  type HealthCheckRequest,
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "./generated/grpc/health/v1/health.ts";

export { HealthDefinition, ServingStatus };

export interface Health {
  /** Sets one service, or without `service` the server as a whole. */
  set(serving: boolean, service?: ServiceDefinition): void;
  /** Sets the server as a whole and every one of its services. */
  setAll(serving: boolean): void;
  /**
   * Sets everything to not serving, for good, and ends the open Watch calls, which would otherwise hold up a graceful
   * shutdown for ever.
   */
  close(): void;
}

/** The name under which probes ask for the server as a whole. */
const OVERALL = "";

/** Adds the health service to `server`. Nothing is serving until the caller says so. */
export function addHealth(server: Pick<Server, "add">, services: readonly ServiceDefinition[]): Health {
  const statuses = new Map([OVERALL, ...services.map(serviceName)].map((name) => [name, false]));
  let closed = false;
  let change = Promise.withResolvers<void>();

  const announce = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const set = (names: Iterable<string>, serving: boolean) => {
    if (closed) return;
    for (const name of names) {
      if (!statuses.has(name)) throw new Error(`${name} is not among the services of this server`);
      statuses.set(name, serving);
    }
    announce();
  };
  const statusOf = (name: string) => {
    const serving = statuses.get(name);
    if (serving === undefined) return ServingStatus.SERVICE_UNKNOWN;
    return serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };

  server.add(HealthDefinition, {
    async check({ service }) {
      const status = statusOf(service);
      if (status === ServingStatus.SERVICE_UNKNOWN) throw new ServerError(Status.NOT_FOUND, "unknown service");
      return { status };
    },
    async list() {
      return { statuses: Object.fromEntries([...statuses.keys()].map((name) => [name, { status: statusOf(name) }])) };
    },
    async *watch({ service }: HealthCheckRequest, { signal }: CallContext) {
      const hungUp = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      let sent: ServingStatus | undefined;
      while (!signal.aborted) {
        const changed = change.promise; // taken before the status is read, so that no change falls between the two
        const status = statusOf(service);
        if (status !== sent) yield { status };
        sent = status;
        if (closed) return;
        await Promise.race([changed, hungUp]);
      }
    },
  });

  return {
    set: (serving, service) => set([service ? serviceName(service) : OVERALL], serving),
    setAll: (serving) => set(statuses.keys(), serving),
    close() {
      set(statuses.keys(), false);
      closed = true;
    },
  };
}
