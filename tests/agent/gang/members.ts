/** Agents on real sockets, all told to be one gang, against a server that answers as the test says. */
import { ChannelCredentials } from "@grpc/grpc-js";
import { createChannel, createClient, Metadata } from "nice-grpc";
import { type NodeAgent, type NodeOptions, type RunEvent, startNodeAgent } from "../../../src/agent/index.ts";
import { NodeServiceDefinition } from "../../../src/transport/grpc/protocol.ts";
import { smallJob } from "../../support/engine.ts";
import { type LogLine, rememberingLog } from "../../support/quiet.ts";
import { temporaryDirectory } from "../../support/servers.ts";
import type { ScriptedServer } from "../scripted-server.ts";

const times = {
  ...{ heartbeat: 50, stopAfter: 20_000, firstRetry: 20, slowestRetry: 100 },
  ...{ gangJoin: 20_000, gangGather: 20_000, gangSilence: 5000 },
};

export const key = "ab".repeat(32);
/** Never ends by itself within a test. */
export const endless = { ...smallJob, datasetUri: "builtin:digits", modelDefinition: "[16, 10]", epochs: 100_000 };

export interface Member {
  readonly agent: NodeAgent;
  readonly events: readonly RunEvent[];
  readonly log: readonly LogLine[];
  offer(
    job: object,
    hyperparameters: Readonly<Record<string, string>>,
  ): Promise<{ code: number; message: string } | null>;
}

export async function member(
  server: ScriptedServer,
  undo: (() => unknown)[],
  options: Partial<NodeOptions> = {},
): Promise<Member> {
  const events: RunEvent[] = [];
  const log = rememberingLog();
  const agent = await startNodeAgent({
    server: server.address,
    listenAddress: { host: "127.0.0.1", port: 0 },
    maxJobs: 1,
    dataDir: temporaryDirectory("gang"),
    log,
    onRun: (event) => void events.push(event),
    ...options,
    times: { ...times, ...options.times },
  });
  await agent.registered;
  const channel = createChannel(`127.0.0.1:${agent.port}`, ChannelCredentials.createInsecure());
  undo.push(
    () => agent.stop(),
    () => channel.close(),
  );
  const client = createClient(NodeServiceDefinition, channel);
  const offer: Member["offer"] = async (job, hyperparameters) => {
    const given = {
      ...job,
      hyperparameters: { ...(job as { hyperparameters?: object }).hyperparameters, ...hyperparameters },
    };
    const metadata = Metadata({ "cyxwiz-attempt": "1" });
    const { accepted, error } = await client.assignJob({ nodeId: agent.nodeId, job: given }, { metadata });
    return accepted ? null : { code: error?.code ?? 0, message: error?.message ?? "" };
  };
  return { agent, events, log: log.lines, offer };
}

/** What the server tells rank `rank` of a gang whose rank 0 is `leader`. */
export function told(leader: Member, rank: number, size: number, changes: Readonly<Record<string, string>> = {}) {
  return {
    "cyxwiz.gang.rank": String(rank),
    "cyxwiz.gang.size": String(size),
    "cyxwiz.gang.rendezvous": `127.0.0.1:${leader.agent.port}`,
    "cyxwiz.gang.key": key,
    ...changes,
  };
}

/** As many nodes as the gang has ranks, all offered the job; the last ranks first, so that rank 0 is the last to have it. */
export async function gang(
  server: ScriptedServer,
  undo: (() => unknown)[],
  size: number,
  job: object,
  options: Partial<NodeOptions> = {},
): Promise<{ readonly jobId: string; readonly members: readonly [Member, ...Member[]] }> {
  const leader = await member(server, undo, options);
  const others = await Promise.all(Array.from({ length: size - 1 }, () => member(server, undo, options)));
  const members = [leader, ...others] as const;
  const jobId = crypto.randomUUID();
  for (let rank = size - 1; rank >= 0; rank--) {
    const refusal = await members[rank]!.offer({ ...job, jobId }, told(leader, rank, size));
    if (refusal) throw new Error(refusal.message);
  }
  return { jobId, members };
}

export const hasStarted = ({ events }: Member): boolean => events.some(({ type }) => type === "started");
export const isIdle = ({ agent }: Member): boolean => agent.running().length === 0;
/** The reasons under which a member's log says that its gang is no more. */
export const reasons = ({ log }: Member): readonly unknown[] =>
  log.filter(({ message }) => message.startsWith("a gang")).map(({ fields }) => fields.reason);
