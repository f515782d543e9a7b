/** A JobService whose answers a test chooses. */
import { createServer, type Server, type ServiceImplementation } from "nice-grpc";
import { ServerError, Status } from "nice-grpc-common";
import {
  type DeepPartial,
  JobServiceDefinition,
  type JobStatus,
  StatusCode,
} from "../../../src/transport/grpc/protocol.ts";

export type JobHandlers = ServiceImplementation<typeof JobServiceDefinition>;

const unexpected = async () => {
  throw new ServerError(Status.UNIMPLEMENTED, "not part of this test");
};

export interface StubServer {
  readonly address: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** @param port 0: any free one */
export async function startStub(handlers: Partial<JobHandlers>, port = 0): Promise<StubServer> {
  const server: Server = createServer();
  server.add(JobServiceDefinition, {
    submitJob: unexpected,
    getJobStatus: unexpected,
    cancelJob: unexpected,
    async *streamJobUpdates() {
      yield await unexpected();
    },
    listJobs: unexpected,
    deleteJob: unexpected,
    ...handlers,
  });
  const bound = await server.listen(`127.0.0.1:${port}`);
  return {
    address: `127.0.0.1:${bound}`,
    port: bound,
    stop: async () => server.forceShutdown(),
  };
}

export const jobId = "4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11";

export const jobStatus = (given: DeepPartial<JobStatus> = {}): DeepPartial<JobStatus> => ({
  jobId,
  status: StatusCode.STATUS_IN_PROGRESS,
  progress: 0.5,
  currentEpoch: 5,
  currentNodeId: "11111111-2222-4333-8444-555555555555",
  startTime: 1_700_000_000n,
  metrics: { loss: 0.25, val_accuracy: 0.975 },
  ...given,
});

export const completed = (given: DeepPartial<JobStatus> = {}): DeepPartial<JobStatus> =>
  jobStatus({ status: StatusCode.STATUS_COMPLETED, progress: 1, currentEpoch: 10, endTime: 1_700_000_042n, ...given });
