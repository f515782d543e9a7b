import { type Address, type Config, formatAddress, loadConfig } from "../../config/index.ts";
import { callable } from "../client/address.ts";
import { connect } from "../client/connection.ts";
import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { type Interrupt, listenForInterrupt } from "../interrupt.ts";
import { type LogFile, openLogFile } from "../local/log-file.ts";
import { type LocalMachine, startMachine } from "../local/machine.ts";
import { choosePorts } from "../local/ports.ts";
import { sampleEpochs, sampleTitle, submitSample, writeSample } from "../local/sample.ts";
import { Screen } from "../local/screen.ts";
import { safe } from "../text/safe.ts";
import { duration } from "../text/units.ts";
import { describeOutcome, exitCodeFor, waitForJob } from "../wait.ts";
import type { World } from "../world.ts";

export const command: Command = {
  usage: "[options]",
  about:
    "Starts the server with its stores and two compute nodes on this machine, trains the bundled sample job (once per database) with its progress on the screen, and stays up until Ctrl-C.\n" +
    "Everything it keeps is in server.data_dir; run it again, even after a kill -9, and it goes on where it was. The log is a file there. A default port that is taken gives way to a free one.",
  options: [
    { name: "once", doc: "stop when the sample job has ended: 0 when it completed, 4 when it did not" },
    { name: "again", doc: "train the sample even if it was trained already" },
    { name: "no-job", doc: "leave the sample out" },
  ],
  operands: [],
  examples: [
    ["up", "the whole network, on this machine"],
    ["up --once --server.data_dir=/tmp/try", "try it and leave"],
  ],
  json: false,
  readsConfig: true,
  run: up,
};

async function up(invocation: Invocation): Promise<ExitCode> {
  const { world } = invocation;
  const loaded = invocation.load();
  const { config, notes } = await choosePorts(loaded);
  const screen = new Screen(world);
  const file = openLogFile(config);
  for (const warning of loaded.warnings) file.log.warn(warning);
  const interrupt = listenForInterrupt(world, () =>
    world.stderr.write("\nStopped at once; the next start recovers.\n"),
  );
  try {
    screen.line(screen.style.bold(`CyxWiz Central Server ${world.build.version}`));
    screen.line();
    const machine = await start(world, config, file, interrupt, screen);
    try {
      for (const note of notes) screen.note(note);
      screen.line();
      return await live(invocation, machine, { config, file, interrupt, screen });
    } finally {
      screen.starting("stopping");
      await machine.stop();
      if (interrupt.signal.aborted) screen.line("Stopped. The next `up` goes on where this one was.");
      else screen.settle();
    }
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode() ?? Exit.failure;
    file.log.error("up failed", { error });
    throw withLog(error, file.path);
  } finally {
    interrupt.end();
    await file.close();
  }
}

/** What did not speak for itself is explained by the log, if by anything. */
function withLog(error: unknown, path: string): unknown {
  if (error instanceof CliError || !(error instanceof Error) || error.name === "StoreError") return error;
  return new CliError(error.message, Exit.failure, `The log says more: ${path}`, { cause: error });
}

async function start(
  world: World,
  config: Config,
  file: LogFile,
  interrupt: Interrupt,
  screen: Screen,
): Promise<LocalMachine> {
  const { clock } = world;
  let since = clock.now();
  const options = { log: file.log, version: world.build.version, signal: interrupt.signal };
  const machine = await startMachine(world.parts, config, options, {
    starting: (what) => screen.starting(`starting ${what}`),
    waitingForLeader: (leader) => screen.starting(`waiting: another server (${leader}) leads on this database`),
    serverStarted({ database }) {
      const where = database.replace(config.server.dataDir, screen.path(config.server.dataDir));
      screen.done("server", `${safe(where)} (${duration(clock.now() - since)})`);
      since = clock.now();
    },
  });
  screen.nodesStarted(machine, clock.now() - since);
  return machine;
}

interface Setting {
  readonly config: Config;
  readonly file: LogFile;
  readonly interrupt: Interrupt;
  readonly screen: Screen;
}

/** From "started" until something asks for the end. */
async function live(invocation: Invocation, machine: LocalMachine, setting: Setting): Promise<ExitCode> {
  const { world, has } = invocation;
  const { config, file, interrupt, screen } = setting;
  const gone = new AbortController();
  const end = machine.server.stopped.then((stopped) => {
    gone.abort();
    return stopped;
  });
  const sample = writeSample(config.server.dataDir);
  if (!has("no-job")) {
    const code = await train(invocation, machine, setting, AbortSignal.any([interrupt.signal, gone.signal]));
    if (has("once") && code !== null) return code;
  }
  if (!gone.signal.aborted && !interrupt.signal.aborted) {
    if (has("once")) return Exit.ok;
    const place = { ...machine, isUsual: isUsual(machine, world) };
    screen.whereabouts(place, { dataDir: config.server.dataDir, log: file.path, sample });
    await Promise.race([interrupt.happened, end]);
  }
  if (interrupt.signal.aborted) {
    screen.line();
    // Ctrl-C is how `up` is meant to end, unless it was to wait for the job.
    return has("once") ? (interrupt.exitCode() ?? Exit.failure) : Exit.ok;
  }
  const { reason, error } = await end;
  const why = error instanceof Error ? `: ${error.message}` : "";
  throw new CliError(
    reason === "deposed"
      ? "another server leads on this database now; this one stopped"
      : `the server stopped by itself${why}`,
    Exit.failure,
    `The log says more: ${file.path}`,
  );
}

/** @returns how the sample ended, or null when the waiting was cut short */
async function train(
  { world, has }: Invocation,
  machine: LocalMachine,
  { screen }: Setting,
  signal: AbortSignal,
): Promise<ExitCode | null> {
  const { bold, dim } = screen.style;
  const server = connect(machine.grpc);
  try {
    const found = await submitSample(server, has("again"));
    const options = {
      world,
      server,
      rest: machine.rest,
      jobId: found.jobId,
      json: false,
      signal,
      epochs: sampleEpochs,
      indent: "  ",
    };
    if (found.state === "trained") {
      screen.line(bold("The sample job was trained already"));
      screen.line(dim(`  ${sampleTitle}; \`up --again\` trains it anew`));
      screen.line(dim(`  job ${found.jobId}`));
      world.stdout.write(await describeOutcome(found.job, options));
      screen.line();
      return exitCodeFor(found.job);
    }
    screen.line(bold("Training the sample job"));
    screen.line(dim(`  ${sampleTitle}`));
    screen.line(dim(`  job ${found.jobId}`));
    const job = await waitForJob(options);
    if (job === null) return null;
    world.stdout.write(await describeOutcome(job, options));
    screen.line();
    return exitCodeFor(job);
  } finally {
    server.close();
  }
}

/** Whether commands without options find this server: they read the same file and variables, and no flags. */
function isUsual({ grpc, rest }: { readonly grpc: Address; readonly rest: Address }, world: World): boolean {
  try {
    const { directory, environment } = world;
    const around = { home: environment.HOME ?? directory, directory };
    const { server } = loadConfig({ environment, around }).config;
    const same = (a: Address, b: Address): boolean => formatAddress(callable(a)) === formatAddress(b);
    return same(server.grpcAddress, grpc) && same(server.restAddress, rest);
  } catch {
    return false;
  }
}
