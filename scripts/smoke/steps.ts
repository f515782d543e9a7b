/** What is tried, in order. Each step finds what the ones before it left. */
import { ended, freePort, type Place, until } from "./place.ts";

export interface Step {
  readonly name: string;
  /** It starts a server. */
  readonly starts: boolean;
  readonly act: (place: Place) => Promise<void>;
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

const step = (name: string, act: (place: Place) => Promise<void>): Step => ({ name, starts: false, act });
const serverStep = (name: string, act: (place: Place) => Promise<void>): Step => ({ name, starts: true, act });

/** The address changes from start to start, so that nothing here can be answered by another server. */
async function freshAddresses(): Promise<{ readonly settings: readonly string[]; readonly server: string }> {
  const [grpc, rest] = [await freePort(), await freePort()];
  return {
    settings: [`--server.grpc_address=127.0.0.1:${grpc}`, `--server.rest_address=127.0.0.1:${rest}`],
    server: `--server=127.0.0.1:${grpc}`,
  };
}

/** The sample's id, from the step that trained it. */
const trained = new WeakMap<Place, string>();

async function jobIsCompleted(place: Place, server: string): Promise<void> {
  const job = JSON.parse(await place.expect(/./, "status", trained.get(place) ?? "", "--json", server));
  if (job.status !== "completed" || job.progress !== 1) throw new Error(`the job is ${job.status} at ${job.progress}`);
}

/** Starts `serve`, waits until it answers for the job, ends it with `signal`, and tells how it ended. */
async function serveUntilAnswered(place: Place, signal: "SIGKILL" | "SIGTERM"): Promise<number | string> {
  const { settings, server } = await freshAddresses();
  const child = place.start("serve", ...settings);
  let output = "";
  const note = (chunk: unknown): void => {
    output += String(chunk);
  };
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", note);
  const running = (): void => {
    if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}:\n${output}`);
  };
  await until("an answer of the server", async () => {
    running();
    const { code } = await place.run("jobs", server);
    if (code !== 0) throw new Error(`cyxwiz jobs ended with ${code}; the server said:\n${output.slice(-2000)}`);
  });
  await jobIsCompleted(place, server);
  child.kill(signal);
  return ended(child);
}

export const steps: readonly Step[] = [
  step("version", async (place) => void (await place.expect(/^cyxwiz \d+\.\d+\.\d+/, "version"))),
  step("config check", async (place) => void (await place.expect(/\S/, "config", "check"))),
  serverStep("up --once trains the sample: server, embedded PostgreSQL, nodes and training worker", async (place) => {
    const { settings } = await freshAddresses();
    const out = await place.expect(/completed/, "up", "--once", ...settings);
    const id = uuid.exec(out)?.[0];
    if (id === undefined) throw new Error(`no job id was shown:\n${out}`);
    trained.set(place, id);
  }),
  serverStep("the job is there after a restart, and serve is killed with -9", async (place) => {
    const end = await serveUntilAnswered(place, "SIGKILL");
    if (end !== "SIGKILL") throw new Error(`it ended with ${end}`);
  }),
  serverStep("the job is there after kill -9, and SIGTERM ends serve gracefully", async (place) => {
    const end = await serveUntilAnswered(place, "SIGTERM");
    if (end !== 0) throw new Error(`it ended with ${end}`);
  }),
  serverStep("a second up finds the job trained", async (place) => {
    const { settings } = await freshAddresses();
    await place.expect(/trained already/, "up", "--once", ...settings);
  }),
  serverStep("no process is left behind", async (place) => {
    await until("the end of every process", async () => {
      const left = place.leftovers();
      if (left.length > 0) throw new Error(left.join("\n"));
    });
  }),
];
