/** The gRPC server: services, health, reflection, limits and errors, on one port. */
import { createServer, type ServiceImplementation } from "nice-grpc";
import { failpoints, type Log, type Millis } from "../../actors/runtime/index.ts";
import type { Refusal } from "../../domain/refusal.ts";
import { beforeAnswer } from "./acknowledgements.ts";
import { type CallerLimitsDependencies, callerLimitsMiddleware } from "./caller-limits.ts";
import { errorMiddleware } from "./errors.ts";
import { Gate } from "./gate/index.ts";
import { SchedulingServiceDefinition } from "./generated/cyxwiz/scheduling.ts";
import { addHealth, HealthDefinition } from "./health.ts";
import { OpenCalls } from "./open-calls.ts";
import { JobServiceDefinition, JobStatusServiceDefinition, NodeServiceDefinition } from "./protocol.ts";
import { addReflection } from "./reflection.ts";
import { wireFaults } from "./wire-faults.ts";

export interface GrpcServerOptions {
  readonly address: string;
  readonly maxMessageBytes: number;
  readonly maxOpenCalls: number;
  readonly maxCallsPerConnection: number;
  readonly callers: CallerLimitsDependencies;
  readonly toRefusal: (error: unknown) => Refusal;
  readonly log: Log;
  readonly now: () => Millis;
  readonly jobs: ServiceImplementation<typeof JobServiceDefinition>;
  readonly nodes: ServiceImplementation<typeof NodeServiceDefinition>;
  readonly jobStatus: ServiceImplementation<typeof JobStatusServiceDefinition>;
  readonly scheduling: ServiceImplementation<typeof SchedulingServiceDefinition>;
}

export interface GrpcServer {
  readonly port: number;
  readonly openCalls: () => number;
  setServing(serving: boolean): void;
  /** Lets open calls end, for at most `patience` milliseconds. */
  stop(patience: number): Promise<void>;
}

export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = createServer({
    "grpc.max_receive_message_length": options.maxMessageBytes,
    "grpc.max_send_message_length": options.maxMessageBytes,
    "grpc.max_concurrent_streams": options.maxCallsPerConnection,
    interceptors: [wireFaults(options.maxMessageBytes)],
    // A peer that vanished without a word is noticed within half a minute; long-lived streams depend on it.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // Channelz keeps books on every call for a debugger that we do not serve; without it a call costs a tenth less.
    "grpc.enable_channelz": 0,
  });
  const calls = new OpenCalls(options.maxOpenCalls);
  // A place of their own, so that a flood of other calls cannot silence the nodes.
  const nodeCalls = new OpenCalls(options.maxOpenCalls);
  const shares = callerLimitsMiddleware(options.callers);
  const errors = errorMiddleware(options.toRefusal);
  const services = [
    JobServiceDefinition,
    NodeServiceDefinition,
    JobStatusServiceDefinition,
    SchedulingServiceDefinition,
  ];
  // Health and reflection stay outside the limits: a probe must get its answer from a busy server above all.
  const gate = new Gate({ path: JobServiceDefinition.submitJob.path, now: options.now, log: options.log });
  const clients = server.with(errors).with(gate.middleware()).with(calls.middleware()).with(shares);
  const nodes = server.with(errors).with(nodeCalls.middleware()).with(shares);
  (failpoints.armed ? clients.with(beforeAnswer("ack.client")) : clients).add(JobServiceDefinition, options.jobs);
  (failpoints.armed ? nodes.with(beforeAnswer("ack.node")) : nodes).add(NodeServiceDefinition, options.nodes);
  nodes.add(JobStatusServiceDefinition, options.jobStatus);
  clients.add(SchedulingServiceDefinition, options.scheduling);
  const health = addHealth(server, services);
  addReflection(server, [...services, HealthDefinition]);
  const port = await gate.before(() => server.listen(options.address));
  return {
    port,
    openCalls: () => calls.open + nodeCalls.open,
    setServing: (serving) => health.setAll(serving),
    stop: async (patience) => {
      health.close();
      const done = server.shutdown().then(() => true);
      const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), patience).unref());
      if (await Promise.race([done, late])) return;
      options.log.warn("calls were still open at the end of the shutdown time and were cut", {
        open: calls.open + nodeCalls.open,
      });
      server.forceShutdown();
    },
  };
}
