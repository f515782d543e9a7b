/** The real server process on a separate PostgreSQL, with what belongs to owner A planted in it and a token of owner B. */
import { createServer } from "node:net";
import { createChannel, createClient } from "nice-grpc";
import pg from "pg";
import { HealthDefinition } from "../../src/transport/grpc/health.ts";
import { JobServiceDefinition, NodeServiceDefinition } from "../../src/transport/grpc/protocol.ts";
import { ServerProcess } from "../support/server-process.ts";
import { freshDatabase } from "../support/servers.ts";
import { as, jobConfig, nodeInfo, SECRET } from "../support/test-server.ts";
import type { Known } from "./messages.ts";

export interface Target {
  readonly server: ServerProcess;
  /** Stands in everything private of A's. */
  readonly secret: string;
  readonly tokenOfB: string;
  readonly known: Known;
  /** Ids that were there before the first attack. */
  readonly planted: ReadonlySet<string>;
  readonly logLines: () => readonly string[];
  /** Digest of all rows of A's, in every table that has any. */
  rowsOfA(): Promise<string>;
  storedJobs(): Promise<readonly string[]>;
  storedNodes(): Promise<readonly string[]>;
  /** Poisonous events, which only a mistake of ours can make. */
  poison(): Promise<number>;
  serving(): Promise<boolean>;
  stop(): Promise<void>;
}

const HOUR = String(3_600_000);

export async function startTarget(
  postgresUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const database = await freshDatabase(postgresUrl);
  let log = "";
  const server = await ServerProcess.prepare({
    settings: {
      "database.url": database.url,
      "jwt.secret": SECRET,
      "logging.level": "info",
      // Nothing may change by itself while we watch for changes.
      "scheduler.node_heartbeat_timeout_ms": HOUR,
      "limits.requests_per_second": "0",
      ...settings,
    },
    onOutput: (text) => {
      log += text;
    },
  });
  await server.start();
  const channel = createChannel(server.address);
  const jobs = createClient(JobServiceDefinition, channel);
  const nodes = createClient(NodeServiceDefinition, channel);
  const health = createClient(HealthDefinition, channel);
  const secret = `private${crypto.randomUUID().replaceAll("-", "")}`;
  const a = await as(`owner-${secret}`, { wallet_address: `wallet-${secret}` });
  const b = await as("owner-b");

  // A's job asks for more memory than any machine has, so that it stays where it is.
  const { jobId: jobOfA } = await jobs.submitJob(
    {
      config: jobConfig({
        modelDefinition: secret,
        datasetUri: `file:///${secret}`,
        hyperparameters: { note: secret },
        estimatedMemory: 2n ** 50n,
        requiredDevice: 5,
      }),
    },
    a,
  );
  const { jobId: jobOfB } = await jobs.submitJob({ config: jobConfig({ requiredDevice: 5 }) }, b);
  // Something answers where the nodes say that they take jobs, or the server would note that nothing does.
  const listener = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const port = (listener.address() as { port: number }).port - 3;
  const register = async (owner: typeof a) =>
    (await nodes.registerNode({ info: nodeInfo({ nodeId: crypto.randomUUID(), port }) }, owner)).nodeId;
  // Whose wallet a node works for is public; whose user it is, is not.
  const nodeOfA = await register(await as(`owner-${secret}`));
  const nodeOfB = await register(b);
  // No job of B's may land on A's node and change its row.
  const cordon = await fetch(`${server.restUrl}/api/v1/nodes/${nodeOfA}/cordon`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "the test watches it" }),
  });
  if (!cordon.ok) throw new Error(`the node was not cordoned: ${await cordon.text()}`);

  const reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  const column = async (sql: string, values: readonly string[] = []): Promise<string[]> =>
    (await reader.query<{ value: string }>(sql, [...values])).rows.map(({ value }) => value);

  return {
    server,
    secret,
    tokenOfB: b.metadata?.get("authorization") ?? "",
    known: { jobs: [jobOfA, jobOfB], nodes: [nodeOfA, nodeOfB] },
    planted: new Set([jobOfA, jobOfB, nodeOfA, nodeOfB]),
    logLines: () => log.split("\n").filter((line) => line !== ""),
    rowsOfA: async () =>
      (
        await column(
          `select coalesce(string_agg(line, e'\\n' order by line), '') as value from (
             select 'job ' || j::text as line from jobs j where j.id::text = $1
             union all select 'node ' || (to_jsonb(n) - 'updated_at' - 'last_heartbeat')::text from nodes n where n.id::text = $2
             union all select 'transition ' || t::text from transitions t where t.id in ($1, $2)
             union all select 'actor ' || a::text from actors a where a.id in ($1, $2)
           ) rows`,
          [jobOfA, nodeOfA],
        )
      ).join(),
    storedJobs: () => column("select id::text as value from jobs"),
    storedNodes: () => column("select id::text as value from nodes"),
    poison: async () => Number((await column("select count(*)::text as value from poison_events"))[0]),
    serving: async () => ((await health.check({ service: "" })).status as number) === 1,
    stop: async () => {
      channel.close();
      listener.close();
      await reader.end();
      await server.kill();
      await database.drop();
    },
  };
}
