/**
 * A client that writes down every call it makes and what came of it, one line each. It submits under an id or a key of its
 * own, repeats what was not answered and some of what was, follows its jobs to their ends, and cancels a few.
 */
import { appendFileSync } from "node:fs";
import { ChannelCredentials } from "@grpc/grpc-js";
import { type CallOptions, ClientError, createChannel, createClient, Metadata, Status } from "nice-grpc";
import { JobServiceDefinition, StatusCode } from "../../src/transport/grpc/protocol.ts";
import { smallJob } from "../support/engine.ts";
import type { ClientCall } from "./evidence.ts";

/** The call may have been carried out or not. */
const OPEN: readonly Status[] = [
  Status.UNAVAILABLE,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
];
const DEADLINE = 5000;
const POLL = 60;

const names: Readonly<Record<number, string>> = {
  [StatusCode.STATUS_PENDING]: "pending",
  [StatusCode.STATUS_IN_PROGRESS]: "in_progress",
  [StatusCode.STATUS_COMPLETED]: "completed",
  [StatusCode.STATUS_FAILED]: "failed",
  [StatusCode.STATUS_CANCELLED]: "cancelled",
};

type Subject = Pick<ClientCall, "call" | "submission" | "jobId">;
type Outcome = Pick<ClientCall, "answer" | "value">;

export class Client {
  readonly #channel;
  readonly #client;
  #count = 0;

  constructor(
    readonly name: string,
    server: string,
    private readonly history: string,
    private readonly random: () => number,
  ) {
    this.#channel = createChannel(server, ChannelCredentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 200,
    });
    this.#client = createClient(JobServiceDefinition, this.#channel);
  }

  close(): void {
    this.#channel.close();
  }

  /** One job from submission to end. Resolves to its final status. @throws when the server refuses what it must not */
  async job(): Promise<string> {
    this.#count += 1;
    const submission = `${this.name}/${this.#count}`;
    const ownId = this.random() < 0.5 ? crypto.randomUUID() : "";
    const cancels = this.random() < 0.2;
    const epochs = this.random() < 0.3 ? 200 : 3;
    const hyperparameters = { submission };
    // Kept apart from its job (over 8 kB), and the same text as that of the other client's job of this number.
    const padding = this.#count % 3 === 0 ? " ".repeat(10_000 + this.#count) : "";
    const modelDefinition = `${smallJob.modelDefinition}${padding}`;
    const submit = () =>
      this.#persist({ call: "submit", submission, jobId: ownId }, async (options) => {
        const metadata = Metadata(ownId === "" ? { "idempotency-key": submission } : {});
        const config = { ...smallJob, modelDefinition, epochs, jobId: ownId, hyperparameters };
        return (await this.#client.submitJob({ config }, { ...options, metadata })).jobId;
      });
    const once = submit();
    // Twice at the same time, as a client does that has lost patience with its first call.
    const again = this.random() < 0.2 ? submit() : null;
    const jobId = required(await once, "submit");
    await again;
    const about = { submission, jobId };
    const cancelAt = cancels ? performance.now() + this.random() * 400 : Number.POSITIVE_INFINITY;
    let repeats = this.random() < 0.3;
    for (let hasCancelled = false; ; ) {
      const status = await this.#persist({ call: "status", ...about }, async (options) => {
        const reply = await this.#client.getJobStatus({ jobId }, options);
        return names[reply.status?.status ?? -1] ?? `status ${reply.status?.status}`;
      });
      const seen = required(status, "status");
      if (["completed", "failed", "cancelled"].includes(seen)) return seen;
      if (!hasCancelled && performance.now() > cancelAt) {
        hasCancelled = true;
        // Refused when it has ended meanwhile, or a first call whose answer was lost has cancelled it.
        await this.#persist({ call: "cancel", ...about }, async (options) => {
          await this.#client.cancelJob({ jobId, reason: "changed my mind" }, options);
          return "cancelled";
        });
      }
      if (repeats) {
        repeats = false;
        required(await submit(), "submit");
      }
      await Bun.sleep(POLL);
    }
  }

  /** Repeats the very same call until it is answered; each of them is a line of the history. */
  async #persist(subject: Subject, call: (options: CallOptions) => Promise<string>): Promise<Outcome> {
    for (;;) {
      const sentAt = Date.now();
      const outcome = await outcomeOf(call({ signal: AbortSignal.timeout(DEADLINE) }));
      const line: ClientCall = { client: this.name, ...subject, ...outcome, sentAt, answeredAt: Date.now() };
      appendFileSync(this.history, `${JSON.stringify(line)}\n`);
      if (outcome.answer !== "unknown") return outcome;
      await Bun.sleep(50);
    }
  }
}

async function outcomeOf(reply: Promise<string>): Promise<Outcome> {
  try {
    return { answer: "ok", value: await reply };
  } catch (error) {
    if (!(error instanceof ClientError)) return { answer: "unknown", value: String(error) };
    return { answer: OPEN.includes(error.code) ? "unknown" : "refused", value: Status[error.code] };
  }
}

function required({ answer, value }: Outcome, call: string): string {
  if (answer === "refused") throw new Error(`${call} was refused with ${value}`);
  return value;
}
