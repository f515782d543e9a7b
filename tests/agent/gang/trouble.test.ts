/** A gang starts together or not at all, and ends together: what each member does when another does not do its part. */
import { afterEach, describe, expect, test } from "bun:test";
import { createServer as createSocketServer, Socket } from "node:net";
import { join } from "node:path";
import { ChannelCredentials } from "@grpc/grpc-js";
import { createChannel, createClient, Metadata, Status } from "nice-grpc";
import { type Frame, GangServiceDefinition } from "../../../src/transport/grpc/generated/cyxwiz/gang.ts";
import { type DeepPartial, NodeServiceDefinition, StatusCode } from "../../../src/transport/grpc/protocol.ts";
import { smallJob } from "../../support/engine.ts";
import { freePort, temporaryDirectory, until } from "../../support/servers.ts";
import { ScriptedServer } from "../scripted-server.ts";
import { endless, gang, hasStarted, isIdle, key, type Member, member, reasons, told } from "./members.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function scripted(): Promise<ScriptedServer> {
  const server = await ScriptedServer.start();
  undo.push(() => server.stop());
  return server;
}

/** A member of our own making: says what the test wants, when it wants. */
function stranger(leader: { readonly port: number }, jobId: string, changes: Readonly<Record<string, string>> = {}) {
  const channel = createChannel(`127.0.0.1:${leader.port}`, ChannelCredentials.createInsecure());
  const call = new AbortController();
  undo.push(
    () => call.abort(),
    () => channel.close(),
  );
  const queue: DeepPartial<Frame>[] = [];
  let more = Promise.withResolvers<void>();
  async function* outgoing() {
    for (;;) {
      const frame = queue.shift();
      if (frame) yield frame;
      else {
        more = Promise.withResolvers();
        await more.promise;
      }
    }
  }
  const metadata = Metadata({
    "cyxwiz-job": jobId,
    "cyxwiz-attempt": "1",
    "cyxwiz-gang-rank": "1",
    "cyxwiz-gang-size": "2",
    "cyxwiz-gang-key": key,
    ...changes,
  });
  const frames: Frame["body"][] = [];
  const ended = (async () => {
    for await (const { body } of createClient(GangServiceDefinition, channel).train(outgoing(), {
      metadata,
      signal: call.signal,
    }))
      frames.push(body);
  })().then(
    () => null,
    (error: unknown) => error as { readonly code?: Status; readonly details?: string },
  );
  return {
    frames,
    ended,
    hangUp: () => call.abort(),
    say: (frame: DeepPartial<Frame>) => {
      queue.push(frame);
      more.resolve();
    },
  };
}

/** Rank 0 of a gang, its job offered; the others are up to the test. */
async function leaderOf(server: ScriptedServer, size: number, job: object, times = {}) {
  const leader = await member(server, undo, { times });
  const jobId = crypto.randomUUID();
  expect(await leader.offer({ ...job, jobId }, told(leader, 0, size))).toBeNull();
  return { leader, jobId };
}

const failuresIn = (server: ScriptedServer) =>
  server.completions
    .map(({ request }) => request)
    .filter(({ result }) => result?.status === StatusCode.STATUS_FAILED)
    .map(({ nodeId, result }) => ({ nodeId, reason: result?.proofOfCompute ?? "" }));

describe("my gang starts together or not at all", () => {
  test("nobody trains, and rank 0 does not say that it runs, before the last member has come", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 3, endless);
    const [first, second] = [await member(server, undo), await member(server, undo)];
    await first.offer({ ...endless, jobId }, told(leader, 1, 3));
    await until("the first member to say that it is there", () => server.progress.length === 1);
    expect(server.progress[0]?.request.nodeId).toBe(first.agent.nodeId);
    await Bun.sleep(200);
    expect([leader, first].some(hasStarted)).toBe(false);
    expect(server.progress).toHaveLength(1);
    await second.offer({ ...endless, jobId }, told(leader, 2, 3));
    await until("all to train", () => [leader, first, second].every(hasStarted));
  });

  test("nobody trains while the server has not let rank 0 begin", async () => {
    const server = await scripted();
    const gate = Promise.withResolvers<boolean>();
    const held: string[] = [];
    const leader = await member(server, undo);
    const follower = await member(server, undo);
    const jobId = crypto.randomUUID();
    server.onProgress = async () => {
      const { nodeId } = server.progress.at(-1)!.request;
      if (nodeId !== leader.agent.nodeId || held.length > 0) return true;
      held.push(nodeId);
      return gate.promise;
    };
    await leader.offer({ ...endless, jobId }, told(leader, 0, 2));
    await follower.offer({ ...endless, jobId }, told(leader, 1, 2));
    await until("both to have asked", () => held.length === 1 && server.progress.length === 2);
    await Bun.sleep(200);
    expect(hasStarted(follower)).toBe(false);
    gate.resolve(true);
    await until("both to train", () => hasStarted(leader) && hasStarted(follower));
  });

  test("a member that never comes: rank 0 gives up and says which one, and whoever waited with it stops", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 3, endless, { gangGather: 700 });
    const waiting = await member(server, undo);
    await waiting.offer({ ...endless, jobId }, told(leader, 1, 3));
    await until("both to give up", () => isIdle(leader) && isIdle(waiting));
    await until("the failure to be reported", () => server.completions.length > 0);
    expect(failuresIn(server)).toEqual([
      { nodeId: leader.agent.nodeId, reason: "gang: rank 2 of 3 did not come to the rendezvous within 0.7 s" },
    ]);
    expect([leader, waiting].some(hasStarted)).toBe(false);
    expect(reasons(waiting)).toEqual(["rank 2 of 3 did not come to the rendezvous within 0.7 s"]);
  });

  test("a member that cannot reach rank 0 fails with the address it tried", async () => {
    const server = await scripted();
    const lost = await member(server, undo, { times: { gangJoin: 500 } });
    const rendezvous = `127.0.0.1:${await freePort()}`;
    const changes = { "cyxwiz.gang.rendezvous": rendezvous };
    await lost.offer({ ...endless, jobId: crypto.randomUUID() }, told(lost, 1, 2, changes));
    await until("the failure to be reported", () => server.completions.length > 0);
    expect(failuresIn(server)[0]?.reason).toStartWith(
      `gang: rank 1 could not meet rank 0 at ${rendezvous} within 0.5 s: UNAVAILABLE`,
    );
    expect(server.progress).toEqual([]);
  });

  test("a member that the server does not want any more leaves, and nobody trains without it", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 2, endless);
    const unwanted = await member(server, undo);
    server.onProgress = async () => server.progress.at(-1)?.request.nodeId !== unwanted.agent.nodeId;
    await unwanted.offer({ ...endless, jobId }, told(leader, 1, 2));
    await until("both to end", () => isIdle(leader) && isIdle(unwanted));
    expect(server.completions).toEqual([]);
  });
});

describe("my cancelled job is given up at once", () => {
  test("by rank 0 and by a member, while they wait for the others", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 3, endless);
    const waiting = await member(server, undo);
    await waiting.offer({ ...endless, jobId }, told(leader, 1, 3));
    await until("the member to be in", () => server.progress.length === 1);
    server.onHeartbeat = async () => ({ jobsToCancel: [jobId] });
    await until("both to stop", () => isIdle(leader) && isIdle(waiting));
    expect(server.completions).toEqual([]);
  });

  test("by a member that seeks rank 0 in vain", async () => {
    const server = await scripted();
    const seeking = await member(server, undo);
    const jobId = crypto.randomUUID();
    await seeking.offer({ ...endless, jobId }, told(seeking, 1, 2, { "cyxwiz.gang.rendezvous": "127.0.0.1:1" }));
    expect(isIdle(seeking)).toBe(false);
    server.onHeartbeat = async () => ({ jobsToCancel: [jobId] });
    await until("it to stop", () => isIdle(seeking));
    expect(server.completions).toEqual([]);
  });

  test("by all members while they train", async () => {
    const server = await scripted();
    const { jobId, members } = await gang(server, undo, 3, endless);
    await until("all to train", () => members.every(hasStarted));
    // One is told first: the others end with it, told or not.
    server.onHeartbeat = async ({ nodeId }) => ({ jobsToCancel: nodeId === members[2]?.agent.nodeId ? [jobId] : [] });
    await until("all to stop", () => members.every(isIdle));
    expect(server.completions).toEqual([]);
  });
});

describe("one dead member does not leave the others training for nothing", () => {
  const die = {
    "a member": 2,
    "rank 0": 0,
  };
  for (const [who, rank] of Object.entries(die)) {
    test(`when ${who} stops in the middle, all stop, and nobody is reported as failed`, async () => {
      const server = await scripted();
      const { members } = await gang(server, undo, 3, endless);
      await until("all to train", () => members.every(hasStarted));
      await members[rank]!.agent.stop();
      await until("the others to stop", () => members.every(isIdle));
      expect(server.completions).toEqual([]);
      for (const [other, one] of members.entries()) {
        if (other !== rank) expect(reasons(one)).toHaveLength(1);
      }
    });
  }

  test("when a member's connection breaks without a word, rank 0 stops and says which member", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 2, endless);
    const dying = stranger(leader.agent, jobId);
    await until("the start", () => dying.frames.some((body) => body?.case === "start"));
    dying.hangUp();
    await until("rank 0 to stop", () => isIdle(leader));
    expect(reasons(leader)[0]).toContain("rank 1");
    expect(server.completions).toEqual([]);
  });

  test("when a member's process is killed, the others stop within moments", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 3, endless);
    const other = await member(server, undo);
    await other.offer({ ...endless, jobId }, told(leader, 1, 3));
    const options = {
      server: server.address,
      listenAddress: { host: "127.0.0.1", port: 0 },
      maxJobs: 1,
      dataDir: temporaryDirectory("killed"),
      files: [],
      times: { heartbeat: 50 },
    };
    const script = join(import.meta.dir, "../node-process.ts");
    const child = Bun.spawn([process.execPath, script, JSON.stringify(options)], { stdout: "pipe", stderr: "ignore" });
    undo.push(() => child.kill("SIGKILL"));
    await until("its registration", () => server.registrations.length === 3, 30_000);
    const { request, metadata } = server.registrations.at(-1)!;
    const channel = createChannel(metadata.get("cyxwiz-assign-endpoint") ?? "", ChannelCredentials.createInsecure());
    undo.push(() => channel.close());
    const job = { ...endless, jobId, hyperparameters: told(leader, 2, 3) };
    const { accepted } = await createClient(NodeServiceDefinition, channel).assignJob({
      nodeId: request.info?.nodeId ?? "",
      job,
    });
    expect(accepted).toBe(true);
    await until("the others to train", () => hasStarted(leader) && hasStarted(other));
    child.kill("SIGKILL");
    await until("the others to stop", () => isIdle(leader) && isIdle(other));
    expect(reasons(leader)[0]).toContain("rank 2");
    expect(reasons(other)[0]).toContain("rank 2");
    expect(server.completions).toEqual([]);
  }, 60_000);

  test("when a member falls silent, the gang waits for it only so long", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 2, endless, { gangSilence: 300 });
    const silent = stranger(leader.agent, jobId);
    await until("the start", () => silent.frames.some((body) => body?.case === "start"));
    await until("rank 0 to stop", () => isIdle(leader));
    expect(reasons(leader)).toEqual(["rank 1 has been silent for 0.3 s"]);
    await silent.ended;
    expect(silent.frames.at(-1)).toEqual({ case: "end", value: { reason: "rank 1 has been silent for 0.3 s" } });
    expect(server.completions).toEqual([]);
  });

  test("when rank 0's machine vanishes behind an open connection, a member stops by itself", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 2, endless);
    // A wire that is cut on command: nothing passes any more, and nobody is told.
    const sockets: Socket[] = [];
    let isCut = false;
    const wire = createSocketServer((near) => {
      const far = new Socket().connect(leader.agent.port, "127.0.0.1");
      sockets.push(near, far);
      near.on("data", (data) => void (isCut || far.write(data)));
      far.on("data", (data) => void (isCut || near.write(data)));
      for (const socket of [near, far]) socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", () => resolve()));
    undo.push(() => {
      for (const socket of sockets) socket.destroy();
      wire.close();
    });
    const { port } = wire.address() as { port: number };
    const follower = await member(server, undo, { times: { gangSilence: 300 } });
    const changes = { "cyxwiz.gang.rendezvous": `127.0.0.1:${port}` };
    await follower.offer({ ...endless, jobId }, told(leader, 1, 2, changes));
    await until("both to train", () => hasStarted(leader) && hasStarted(follower));
    isCut = true;
    await until("the member to stop", () => isIdle(follower));
    expect(reasons(follower)).toEqual(["rank 0 has been silent for 0.3 s"]);
    expect(server.completions).toEqual([]);
  });
});

test("only the member at fault reports a failure: my good node is not blamed for another's", async () => {
  const server = await scripted();
  const { leader, jobId } = await leaderOf(server, 2, smallJob);
  const faulty = await member(server, undo);
  // It may not read this file; the others have their data.
  const unreadable = { ...smallJob, datasetUri: "file:///etc/passwd", jobId };
  await faulty.offer(unreadable, told(leader, 1, 2));
  await until("both to end", () => isIdle(leader) && isIdle(faulty));
  await until("the failure to be reported", () => server.completions.length > 0);
  expect(failuresIn(server).map(({ nodeId }) => nodeId)).toEqual([faulty.agent.nodeId]);
  expect(reasons(leader)[0]).toContain("file:///etc/passwd");
});

test("my model is not averaged over different data", async () => {
  const server = await scripted();
  const { leader, jobId } = await leaderOf(server, 2, smallJob);
  const other = await member(server, undo);
  await other.offer({ ...smallJob, datasetUri: "builtin:wine", modelDefinition: "[8, 3]", jobId }, told(leader, 1, 2));
  await until("both to end", () => isIdle(leader) && isIdle(other));
  await until("the failure to be reported", () => server.completions.length > 0);
  expect(failuresIn(server)[0]?.reason).toMatch(/^gang: rank 1 trains a model of \d+ parameters and rank 0 one of \d+/);
  expect(failuresIn(server)).toHaveLength(1);
});

describe("no stranger joins my gang", () => {
  for (const [what, changes, code, words] of [
    ["with a wrong key", { "cyxwiz-gang-key": "00".repeat(32) }, Status.PERMISSION_DENIED, "cyxwiz-gang-key"],
    ["without a key", { "cyxwiz-gang-key": "" }, Status.PERMISSION_DENIED, "cyxwiz-gang-key"],
    [
      "for an unknown job",
      { "cyxwiz-job": "6f1c9f0e-0000-4000-8000-000000000000" },
      Status.NOT_FOUND,
      "no gang gathers",
    ],
    ["for another attempt", { "cyxwiz-attempt": "2" }, Status.NOT_FOUND, "attempt 2"],
    ["with a rank beyond the last", { "cyxwiz-gang-rank": "2" }, Status.INVALID_ARGUMENT, "from 1 to 1"],
    ["with rank 0's rank", { "cyxwiz-gang-rank": "0" }, Status.INVALID_ARGUMENT, "cyxwiz-gang-rank"],
    ["with a rank that is no number", { "cyxwiz-gang-rank": "-1e9" }, Status.INVALID_ARGUMENT, "cyxwiz-gang-rank"],
    ["of another size", { "cyxwiz-gang-size": "3" }, Status.INVALID_ARGUMENT, "has 2 members"],
  ] as const) {
    test(`${what}: refused with ${Status[code]}`, async () => {
      const { leader, jobId } = await leaderOf(await scripted(), 2, endless);
      const error = await stranger(leader.agent, jobId, changes).ended;
      expect(error).toMatchObject({ code, details: expect.stringContaining(words) });
      expect(hasStarted(leader)).toBe(false);
      expect(isIdle(leader)).toBe(false);
    });
  }

  test("in a place that is taken: refused, and the one who has it stays", async () => {
    const { leader, jobId } = await leaderOf(await scripted(), 3, endless);
    const size = { "cyxwiz-gang-size": "3" };
    const first = stranger(leader.agent, jobId, size);
    await until("the first to be in", () => first.frames.length > 0);
    const error = await stranger(leader.agent, jobId, size).ended;
    expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, details: expect.stringContaining("rank 1 is here") });
    expect(isIdle(leader)).toBe(false);
  });

  test("and a member that is refused for good says so and does not try for minutes", async () => {
    const server = await scripted();
    const { leader, jobId } = await leaderOf(server, 2, endless);
    const outsider = await member(server, undo);
    await outsider.offer({ ...endless, jobId }, told(leader, 1, 2, { "cyxwiz.gang.key": "00".repeat(32) }));
    await until("the failure to be reported", () => server.completions.length > 0);
    expect(failuresIn(server)).toEqual([
      { nodeId: outsider.agent.nodeId, reason: expect.stringContaining("PERMISSION_DENIED") },
    ]);
    expect(isIdle(leader)).toBe(false);
  });

  for (const [what, frames, words] of [
    ["weights without a share", [{ body: { case: "weights", value: { data: new Uint8Array(4) } } }], "than announced"],
    ["a share that is no float32", [{ body: { case: "share", value: { weightsBytes: 3n } } }], "weights_bytes: 3"],
    ["a share beyond all bounds", [{ body: { case: "share", value: { weightsBytes: 2n ** 40n } } }], "weights_bytes"],
    ["a share of a round not due", [{ body: { case: "share", value: { round: 9 } } }], "round 9"],
  ] as const) {
    test(`a member that sends ${what} ends the attempt and takes nothing down`, async () => {
      const { leader, jobId } = await leaderOf(await scripted(), 2, endless);
      const rude = stranger(leader.agent, jobId);
      await until("the start", () => rude.frames.some((body) => body?.case === "start"));
      for (const frame of frames) rude.say(frame as DeepPartial<Frame>);
      await until("rank 0 to stop", () => isIdle(leader));
      expect(reasons(leader)[0]).toStartWith("rank 1 broke the protocol");
      expect(reasons(leader)[0]).toContain(words);
    });
  }
});

describe("my malformed gang job is refused with the field at fault", () => {
  const refusalOf = async (one: Member, changes: Readonly<Record<string, string>>, job: object = endless) =>
    one.offer({ ...job, jobId: crypto.randomUUID() }, told(one, 1, 2, changes));

  for (const [name, value] of [
    ["cyxwiz.gang.size", "0"],
    ["cyxwiz.gang.size", "65"],
    ["cyxwiz.gang.size", "two"],
    ["cyxwiz.gang.rank", "2"],
    ["cyxwiz.gang.rank", "-1"],
    ["cyxwiz.gang.rank", ""],
    ["cyxwiz.gang.rendezvous", "nowhere"],
    ["cyxwiz.gang.rendezvous", "host:99999"],
    ["cyxwiz.gang.key", "abc"],
    ["cyxwiz.stop_after", "soon"],
    ["cyxwiz.stop_after", "-1"],
  ] as const) {
    test(`${name} = ${JSON.stringify(value)}`, async () => {
      const one = await member(await scripted(), undo);
      const refusal = await refusalOf(one, { [name]: value });
      expect(refusal).toMatchObject({ code: 400, message: expect.stringContaining(`hyperparameters["${name}"]`) });
    });
  }

  test("what cannot run on a gang", async () => {
    const one = await member(await scripted(), undo);
    const job = { ...smallJob, jobType: 3, hyperparameters: { weights_uri: "file:///x" } };
    const refusal = await refusalOf(one, {}, job);
    expect(refusal).toMatchObject({ code: 400, message: expect.stringContaining("evaluation") });
  });

  test("a gang of one is no gang", async () => {
    const server = await scripted();
    const one = await member(server, undo);
    expect(await one.offer({ ...smallJob, jobId: crypto.randomUUID() }, { "cyxwiz.gang.size": "1" })).toBeNull();
    await until("it to be done", () => server.completions.length > 0);
    expect(server.completions[0]?.request.result?.status).toBe(StatusCode.STATUS_COMPLETED);
  });
});
