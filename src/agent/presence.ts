/** The node in the server's eyes: registers, then sends heartbeats for ever, and obeys what they answer. */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Metadata, Status } from "nice-grpc";
import { GANG_RUNTIME } from "../domain/job-terms.ts";
import { StatusCode } from "../transport/grpc/protocol.ts";
import { type Contact, isCode, isSilence } from "./contact.ts";
import type { NodeIdentity } from "./identity.ts";
import { cpuCores, devices, machineName, ramAvailable, ramTotal } from "./machine-facts.ts";
import { NoticeBoard } from "./notice.ts";
import type { NodeOptions, NodeTimes } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import type { Run } from "./run.ts";

const REGISTER_DEADLINE = 10_000;
const HEARTBEAT_DEADLINE = 5000;
/** An offer waits for it, and the server for the offer's answer. */
const CHECK_IN_DEADLINE = 2000;
/** A node that stops does not wait long to be heard. */
const FAREWELL_DEADLINE = 1000;
/** The server takes an attempt for gone when it is missing from this many heartbeats in a row. */
const FAREWELL_BEATS = 2;

export interface PresenceDependencies {
  readonly options: NodeOptions;
  readonly times: NodeTimes;
  readonly identity: NodeIdentity;
  readonly contact: Contact;
  readonly outbox: Outbox;
  readonly runs: ReadonlyMap<string, Run>;
}

export class Presence {
  readonly #deps: PresenceDependencies;
  /** Names this process: the server takes another one for a restart, and what ran before for gone. */
  readonly #bootId = randomUUID();
  readonly #stop = new AbortController();
  readonly #registered = Promise.withResolvers<void>();
  readonly #notices: NoticeBoard;
  #isRegistered = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: PresenceDependencies) {
    this.#deps = deps;
    this.#notices = new NoticeBoard(deps.options.log);
  }

  /** Resolves once the server has registered this process for the first time. */
  get registered(): Promise<void> {
    return this.#registered.promise;
  }

  /** @param endpoint "host:port" where the server reaches AssignJob */
  start(endpoint: string): void {
    this.#loop = this.#keepInTouch(endpoint);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  /** A heartbeat out of turn, for what it answers. Never throws. */
  async checkIn(): Promise<void> {
    if (!this.#isRegistered) return;
    try {
      await this.#heartbeat(CHECK_IN_DEADLINE, true, this.#stop.signal);
    } catch (error) {
      this.#deps.options.log.debug("the server did not say which runs are over", { error });
    }
  }

  /**
   * Tells the server that the runs are gone, so that it gives the jobs to others now and not after a minute and a half of
   * silence: heartbeats that no longer list them. Costs the jobs no retry, as a report of failure would. Call it when
   * stopped. Never throws: a server that does not hear it finds out by itself.
   */
  async farewell(): Promise<void> {
    if (!this.#isRegistered) return;
    try {
      for (let beat = 0; beat < FAREWELL_BEATS; beat++) await this.#heartbeat(FAREWELL_DEADLINE, false);
    } catch (error) {
      this.#deps.options.log.debug("the server did not hear this node go", { error });
    }
  }

  /** Never throws. */
  async #keepInTouch(endpoint: string): Promise<void> {
    const { options, times, outbox } = this.#deps;
    // Results first: once this process is registered, what an earlier one ran counts as gone, finished or not.
    await Promise.race([outbox.resume(), aborted(this.#stop.signal)]);
    let pause = times.firstRetry;
    let known = false;
    while (!this.#stop.signal.aborted) {
      try {
        if (!known) await this.#register(endpoint);
        known = true;
        await this.#heartbeat(HEARTBEAT_DEADLINE, true, this.#stop.signal);
        pause = times.firstRetry;
        await this.#sleep(times.heartbeat);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (known && isCode(error, Status.NOT_FOUND)) known = false;
        const { server } = options;
        if (isSilence(error)) options.log.warn("the server does not answer; trying again", { server, error });
        else
          options.log.error(`the server refused ${known ? "a heartbeat" : "to register this node"}`, { server, error });
        await this.#sleep(pause * (0.5 + Math.random() / 2));
        pause = Math.min(pause * 2, times.slowestRetry);
      }
    }
  }

  async #register(endpoint: string): Promise<void> {
    const { options, identity, contact } = this.#deps;
    const colon = endpoint.lastIndexOf(":");
    const info = {
      nodeId: identity.nodeId,
      name: options.name ?? machineName(),
      version: { major: 0, minor: 2, patch: 0, build: "" },
      devices: devices(),
      cpuCores: cpuCores(),
      ramTotal: ramTotal(),
      ramAvailable: ramAvailable(),
      ipAddress: endpoint.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(endpoint.slice(colon + 1)),
      region: options.region ?? "",
      walletAddress: options.walletAddress ?? "",
      isOnline: true,
      supportedFormats: ["SAFETENSORS"],
      availableRuntimes: ["cyxwiz-dense", GANG_RUNTIME],
    };
    const reply = await contact.call(
      REGISTER_DEADLINE,
      (client, call) =>
        client.registerNode({ info, authenticationToken: options.token ?? "", publicKey: identity.publicKey }, call),
      {
        "cyxwiz-boot-id": this.#bootId,
        "cyxwiz-features": "attempts",
        "cyxwiz-slots": String(options.maxJobs),
        "cyxwiz-assign-endpoint": endpoint,
      },
      this.#stop.signal,
    );
    if (reply.status !== StatusCode.STATUS_SUCCESS)
      throw new Error(`the server refused to register this node: ${reply.error?.message ?? "no reason given"}`);
    identity.adopt(reply.nodeId);
    this.#isRegistered = true;
    this.#registered.resolve();
    options.log.info("registered with the server", { node: reply.nodeId, server: options.server, endpoint });
  }

  async #heartbeat(deadline: number, isOnline: boolean, signal?: AbortSignal): Promise<void> {
    const { identity, contact, outbox, options } = this.#deps;
    const { nodeId } = identity;
    // The runs as they are now: one that begins under the same job id while the answer is on its way is not meant.
    const runs = new Map(this.#deps.runs);
    // A finished run is this node's until the server has its result; not listed, it would be given to others.
    const activeJobs = [...new Set([...runs.keys(), ...outbox.jobIds])];
    const currentStatus = {
      nodeId,
      isOnline,
      ramAvailable: ramAvailable(),
      lastHeartbeat: BigInt(Math.floor(Date.now() / 1000)),
    };
    let header = Metadata();
    let trailer = Metadata();
    const reply = await contact.call(
      deadline,
      (client, call) =>
        client.heartbeat(
          { nodeId, currentStatus, activeJobs },
          {
            ...call,
            onHeader: (found) => {
              header = found;
            },
            onTrailer: (found) => {
              trailer = found;
            },
          },
        ),
      {},
      signal,
    );
    this.#notices.read(header, trailer);
    for (const jobId of reply.jobsToCancel) {
      const run = runs.get(jobId);
      if (!run) continue;
      options.log.info("the server wants a job stopped", { job: jobId, attempt: run.attempt });
      run.stop();
    }
  }

  async #sleep(time: number): Promise<void> {
    await sleep(time, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
