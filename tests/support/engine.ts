/** An engine for tests: submits jobs and does not give up while the server is away. */
import { ChannelCredentials } from "@grpc/grpc-js";
import { type Channel, type Client, ClientError, createChannel, createClient, Status } from "nice-grpc";
import {
  type DeepPartial,
  type JobConfig,
  JobServiceDefinition,
  type JobStatus,
  JobType,
} from "../../src/transport/grpc/protocol.ts";

/** Trains in a few tens of milliseconds. */
export const smallJob: DeepPartial<JobConfig> = {
  jobType: JobType.JOB_TYPE_TRAINING,
  modelDefinition: JSON.stringify({
    layers: [
      { type: "dense", units: 8, activation: "relu" },
      { type: "dense", units: 3, activation: "softmax" },
    ],
  }),
  datasetUri: "builtin:iris",
  epochs: 3,
  batchSize: 32,
  estimatedDuration: 30n,
};

export class Engine {
  #channel: Channel;
  #client: Client<typeof JobServiceDefinition>;

  constructor(private readonly server: string) {
    this.#channel = createChannel(server, ChannelCredentials.createInsecure());
    this.#client = createClient(JobServiceDefinition, this.#channel);
  }

  get client(): Client<typeof JobServiceDefinition> {
    return this.#client;
  }

  /** Submits under an id of its own and repeats the very same call until it is acknowledged. */
  async submit(config: DeepPartial<JobConfig>, jobId: string = crypto.randomUUID()): Promise<string> {
    const reply = await this.persistently((client) =>
      client.submitJob({ config: { ...config, jobId } }, { signal: AbortSignal.timeout(5000) }),
    );
    return reply.jobId;
  }

  async status(jobId: string): Promise<JobStatus> {
    const reply = await this.persistently((client) =>
      client.getJobStatus({ jobId }, { signal: AbortSignal.timeout(5000) }),
    );
    if (!reply.status) throw new Error(`no status of ${jobId}`);
    return reply.status;
  }

  /** Repeats a call for as long as the server is away. Any other refusal is thrown. */
  async persistently<T>(call: (client: Client<typeof JobServiceDefinition>) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call(this.#client);
      } catch (error) {
        const definite =
          error instanceof ClientError &&
          ![Status.UNAVAILABLE, Status.CANCELLED, Status.UNKNOWN, Status.DEADLINE_EXCEEDED].includes(error.code);
        if (definite) throw error;
        this.#reconnect();
        await Bun.sleep(50);
      }
    }
  }

  close(): void {
    this.#channel.close();
  }

  #reconnect(): void {
    this.#channel.close();
    this.#channel = createChannel(this.server, ChannelCredentials.createInsecure());
    this.#client = createClient(JobServiceDefinition, this.#channel);
  }
}
