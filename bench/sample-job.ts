/** The job that the benchmarks submit: as small as one that a node would take. */
import { type DeviceType, SubmitJobRequest } from "../src/transport/grpc/protocol.ts";

export const sampleJob = (
  overrides: { readonly jobId?: string; readonly requiredDevice?: DeviceType } = {},
): Uint8Array =>
  SubmitJobRequest.encode({
    config: {
      jobType: 1,
      modelDefinition: "{}",
      datasetUri: "builtin:iris",
      epochs: 1,
      batchSize: 32,
      estimatedDuration: 60n,
      ...overrides,
    },
  });
