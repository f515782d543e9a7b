/**
 * What the issue asks to be measured, on the real server process and a separate PostgreSQL with synchronous_commit on.
 * Usage: npm run bench [-- --seconds 5]. Figures on a shared machine move by a quarter either way.
 */
import { createServer } from "nice-grpc";
import {
  type AssignJobRequest,
  HeartbeatRequest,
  NodeServiceDefinition,
  RegisterNodeRequest,
  RegisterNodeResponse,
  SubmitJobResponse,
} from "../src/transport/grpc/protocol.ts";
import { ServerProcess } from "../tests/support/server-process.ts";
import { freshDatabase, startPostgresServer, temporaryDirectory } from "../tests/support/servers.ts";
import { processorTimePerAsk } from "./ask.ts";
import { drive, percentile, RawClient } from "./raw-client.ts";
import { sampleJob } from "./sample-job.ts";

const argument = process.argv.indexOf("--seconds");
const seconds = argument > 0 ? Number(process.argv[argument + 1]) : 5;

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Undefined: only shown. */
  readonly target?: number;
  readonly better: "higher" | "lower";
}

const figures: Figure[] = [];
function report(figure: Figure): void {
  figures.push(figure);
  const { what, value, unit, target, better } = figure;
  const reached =
    target === undefined ? "" : (better === "higher" ? value >= target : value <= target) ? "reached" : "MISSED";
  const shown = value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
  console.log(
    `${what.padEnd(76)} ${shown.padStart(10)} ${unit.padEnd(6)} ${target === undefined ? "" : `target ${target} ${reached}`}`,
  );
}

const job = (jobId = ""): Uint8Array => sampleJob({ jobId });

const registration = (index: number, endpointPort: number): Uint8Array =>
  RegisterNodeRequest.encode({
    info: {
      nodeId: crypto.randomUUID(),
      name: `bench-${index}`,
      ipAddress: "127.0.0.1",
      port: endpointPort,
      ramTotal: 2n ** 34n,
      cpuCores: 8,
    },
  });

async function register(client: RawClient, index: number, port: number): Promise<string> {
  const reply = await client.call("/cyxwiz.protocol.NodeService/RegisterNode", registration(index, port));
  return RegisterNodeResponse.decode(reply).nodeId;
}

async function idleAndHeartbeats(server: ServerProcess): Promise<void> {
  await Bun.sleep(1500);
  report({ what: "memory of the idle server", value: server.memory(), unit: "MB", target: 150, better: "lower" });
  // Something must answer where the nodes say that they take jobs, or the server would keep looking for them.
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const clients = Array.from({ length: 16 }, () => new RawClient(server.address));
  const ids: string[] = [];
  for (let index = 0; index < 1000; index++)
    ids.push(await register(clients[index % 16] as RawClient, index, listener.port - 3));
  const beats = ids.map((nodeId) =>
    HeartbeatRequest.encode({ nodeId, currentStatus: { nodeId, isOnline: true, ramAvailable: 2n ** 33n } }),
  );
  const beat = (index: number) =>
    (clients[index % clients.length] as RawClient).call(
      "/cyxwiz.protocol.NodeService/Heartbeat",
      beats[index % beats.length] as Uint8Array,
    );
  // The first seconds go to the just-in-time compiler.
  await drive(256, 4, beat);
  const cpu = server.cpu();
  const at = performance.now();
  const { perSecond, latencies, errors } = await drive(256, seconds, beat);
  const busy = (server.cpu() - cpu) / ((performance.now() - at) / 1000);
  report({
    what: "heartbeats from 1,000 nodes, answered (client and server share the machine)",
    value: perSecond,
    unit: "/s",
    better: "higher",
  });
  report({
    what: "  heartbeat, 99th percentile at that load",
    value: percentile(latencies, 0.99),
    unit: "ms",
    better: "lower",
  });
  report({
    what: "  processor time each costs the server, so 1e6 over it fit one core",
    value: (busy / perSecond) * 1e6,
    unit: "us",
    target: 100,
    better: "lower",
  });
  if (errors > 0) console.log(`  ${errors} heartbeats failed`);
  for (const client of clients) client.close();
  listener.stop();
}

async function submissions(server: ServerProcess): Promise<void> {
  const clients = Array.from({ length: 4 }, () => new RawClient(server.address));
  const one = await drive(1, Math.min(2, seconds), () =>
    (clients[0] as RawClient).call("/cyxwiz.protocol.JobService/SubmitJob", job()),
  );
  report({
    what: "SubmitJob, one caller: median until durably accepted",
    value: percentile(one.latencies, 0.5),
    unit: "ms",
    better: "lower",
  });
  const { perSecond, latencies, errors } = await drive(64, seconds, (index) =>
    (clients[index % 4] as RawClient).call("/cyxwiz.protocol.JobService/SubmitJob", job()),
  );
  report({ what: "durable SubmitJob, 64 callers", value: perSecond, unit: "/s", target: 1000, better: "higher" });
  report({
    what: "  SubmitJob, 99th percentile at that load",
    value: percentile(latencies, 0.99),
    unit: "ms",
    better: "lower",
  });
  if (errors > 0) console.log(`  ${errors} submissions failed`);
  for (const client of clients) client.close();
}

/** From the acknowledgement of a submission to the arrival of its offer at a node, one job at a time on an idle server. */
async function assignment(server: ServerProcess): Promise<void> {
  const arrivals = new Map<string, number>();
  let arrived = Promise.withResolvers<void>();
  const node = createServer();
  const refuse = async (): Promise<never> => {
    throw new Error("not part of this benchmark");
  };
  node.add(NodeServiceDefinition, {
    assignJob: async ({ job: offered }: AssignJobRequest) => {
      arrivals.set(offered?.jobId ?? "", performance.now());
      arrived.resolve();
      return { accepted: true, status: 1, jobId: offered?.jobId ?? "" };
    },
    registerNode: refuse,
    heartbeat: refuse,
    reportProgress: refuse,
    reportCompletion: refuse,
    getNodeMetrics: refuse,
    notifyJobAccepted: refuse,
  });
  const port = await node.listen("127.0.0.1:0");
  const client = new RawClient(server.address);
  // Port rule: the node serves AssignJob three above its peer-to-peer port.
  const nodeId = await register(client, 0, port - 3);
  const waits: number[] = [];
  for (let index = 0; index < 60; index++) {
    arrived = Promise.withResolvers();
    const reply = SubmitJobResponse.decode(await client.call("/cyxwiz.protocol.JobService/SubmitJob", job()));
    const acknowledged = performance.now();
    await arrived.promise;
    waits.push((arrivals.get(reply.jobId) ?? Number.NaN) - acknowledged);
    await client.call("/cyxwiz.protocol.NodeService/Heartbeat", HeartbeatRequest.encode({ nodeId }));
    await fetch(`${server.restUrl}/api/v1/jobs/${reply.jobId}/cancel`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    await Bun.sleep(20);
  }
  waits.sort((a, b) => a - b);
  report({
    what: "submit acknowledged → offer at the node, idle, median",
    value: Math.max(0, percentile(waits, 0.5)),
    unit: "ms",
    target: 20,
    better: "lower",
  });
  report({
    what: "  the same, 95th percentile",
    value: Math.max(0, percentile(waits, 0.95)),
    unit: "ms",
    better: "lower",
  });
  client.close();
  node.forceShutdown();
}

const postgres = await startPostgresServer();
if (!postgres) {
  console.error("The benchmark needs a separate PostgreSQL: install postgresql, or set CYXWIZ_TEST_DATABASE_URL.");
  process.exit(1);
}
const fresh = async (): Promise<Record<string, string>> => ({
  "database.url": (await freshDatabase(postgres.url)).url,
  // All callers share one address here.
  "limits.requests_per_second": "0",
  "limits.reports_per_second": "0",
});

async function withServer(
  settings: Record<string, string>,
  measure: (server: ServerProcess, startedIn: number) => Promise<void>,
): Promise<void> {
  const server = await ServerProcess.prepare({ settings, core: 0 });
  try {
    await measure(server, await server.start());
  } finally {
    await server.stop();
  }
}

report({
  what: "ask, processor time apart from SQL",
  value: await processorTimePerAsk(),
  unit: "us",
  target: 60,
  better: "lower",
});
const settings = await fresh();
await withServer(settings, async (_, startedIn) => {
  report({ what: "start to serving, empty database to migrate", value: startedIn, unit: "ms", better: "lower" });
});
await withServer(settings, async (server, startedIn) => {
  report({ what: "start to serving", value: startedIn, unit: "ms", target: 1000, better: "lower" });
  await idleAndHeartbeats(server);
});
await withServer(await fresh(), assignment);
await withServer(await fresh(), submissions);
await withServer({ "server.data_dir": temporaryDirectory("bench-embedded") }, async (_, startedIn) => {
  report({
    what: "first start to serving, embedded PostgreSQL",
    value: startedIn,
    unit: "ms",
    target: 4000,
    better: "lower",
  });
});

const missed = figures.filter(
  ({ value, target, better }) => target !== undefined && (better === "higher" ? value < target : value > target),
);
console.log(missed.length === 0 ? "\nevery target was reached" : `\n${missed.length} targets were missed`);
process.exit(0);
