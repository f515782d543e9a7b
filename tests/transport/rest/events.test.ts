import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { complete, eventually, type Harness, register, run, startHarness, submit } from "./harness.ts";
import { type EventReader, follow, type ServerEvent, take } from "./sse.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ heartbeatEvery: 150 });
  await register(harness, { slots: 100 });
});
afterAll(() => harness.stop());

const eventsOf = (jobId: string): string => harness.url(`/api/v1/jobs/${jobId}/events`);
const versions = (events: readonly ServerEvent[]): (number | null)[] =>
  events.filter(({ event }) => event === "state").map(({ id }) => id);
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/** The version with which the job ended. */
async function endOf(jobId: string): Promise<number> {
  const log = await harness.queries.jobs.transitionsAfter(jobId, 0, 10_000);
  return log.find(({ to }) => to === "completed")?.version ?? 0;
}

async function ended(reader: EventReader): Promise<void> {
  await Promise.race([reader.closed, Bun.sleep(5000).then(() => Promise.reject(new Error("the stream did not end")))]);
}

describe("following a job", () => {
  test("shows the present state, then each transition once and in order, then the end", async () => {
    const jobId = await submit(harness, { awaitsFunds: true });
    const reader = await follow(eventsOf(jobId));
    await eventually("the first event", () => reader.events.length > 0);
    expect(reader.events[0]).toMatchObject({
      event: "state",
      id: 1,
      data: {
        job_id: jobId,
        status: "pending",
        state: "pending.awaitingFunds",
        event: "created",
        from: null,
        details: {},
      },
    });
    await harness.core.jobs.ask(jobId, { type: "FUNDS_LOCKED" });
    await complete(harness, jobId);
    await ended(reader);
    expect(reader.states().map(({ data }) => data.state)).toEqual([
      "pending.awaitingFunds",
      "pending.queued",
      "assigned.offering",
      "assigned.accepted",
      "running.active",
      "completed",
    ]);
    expect(versions(reader.events)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(reader.states().at(-1)?.data.details).toMatchObject({
      attempt: 1,
      metrics: { loss: 0.1 },
      result_uri: "file:///w",
      result_hash: "ab",
    });
    expect(reader.events.at(-1)).toEqual({
      event: "end",
      id: null,
      data: { job_id: jobId, version: 6, status: "completed", state: "completed" },
    });
    expect(harness.core.feed.watchers).toBe(0);
  });

  test("shows live progress without ids, the newest at once", async () => {
    const jobId = await submit(harness);
    const { nodeId, attempt } = await run(harness, jobId);
    const report = (progress: number, log: string) =>
      harness.core.reports.progress({
        nodeId,
        jobId,
        attempt,
        progress,
        epoch: 1,
        metrics: { loss: 1 - progress },
        log,
      });
    await report(0.1, "before");
    const reader = await follow(eventsOf(jobId));
    await eventually("the progress from before", () => reader.events.length >= 2);
    await report(0.2, "a line\nand another");
    await eventually("the live progress", () => reader.events.length >= 3);
    const progress = reader.events.filter(({ event }) => event === "progress");
    expect(progress.map(({ id, data }) => [id, data.progress, data.log])).toEqual([
      [null, 0.1, "before"],
      [null, 0.2, "a line\nand another"],
    ]);
    expect(progress[1]?.data).toMatchObject({ job_id: jobId, attempt: 1, epoch: 1, metrics: { loss: 0.8 } });
    reader.close();
    await harness.post(`/api/v1/jobs/${jobId}/cancel`);
  });

  test("of a finished job shows its state and ends", async () => {
    const jobId = await submit(harness);
    await complete(harness, jobId);
    const reader = await follow(eventsOf(jobId));
    await ended(reader);
    expect(reader.events.map(({ event }) => event)).toEqual(["state", "end"]);
  });

  test("sends comments while nothing happens", async () => {
    const jobId = await submit(harness, { awaitsFunds: true });
    const reader = await follow(eventsOf(jobId));
    await eventually("two heartbeats", () => reader.comments.length >= 2);
    expect(reader.events).toHaveLength(1);
    reader.close();
    await eventually("the watcher to be gone", () => harness.core.feed.watchers === 0);
  });
});

describe("a client that does not read", () => {
  test("costs bounded memory, loses progress and is told so, and loses no state", async () => {
    const jobId = await submit(harness);
    const { nodeId } = await run(harness, jobId);
    const socket = connect(harness.server.port, "127.0.0.1");
    socket.pause();
    socket.write(`GET /api/v1/jobs/${jobId}/events?lastEventId=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await eventually("the stream to be open", () => harness.core.feed.watchers === 1);
    const log = "x".repeat(15_000);
    for (let turn = 0; turn < 1500; turn++) {
      if (turn % 50 === 0) {
        await harness.core.jobs.ask(jobId, { type: "NODE_LOST", nodeId });
        await harness.core.jobs.ask(jobId, { type: "NODE_BACK", nodeId });
      }
      harness.core.feed.publish({ jobId, attempt: 1, progress: 0.5, epoch: turn, metrics: {}, log, at: Date.now() });
      if (turn % 10 === 0) await Bun.sleep(0);
    }
    await harness.core.reports.completed(
      { nodeId, jobId, attempt: 1 },
      { weightsUri: "", weightsHash: "", weightsSize: 0, metrics: {}, computeSeconds: 1, signature: "" },
    );
    const [stream] = harness.app.streams.open();
    expect(stream?.backlog).toBeLessThanOrEqual(129);
    const events = await readRaw(socket);
    expect(versions(events)).toEqual(range(1, await endOf(jobId)));
    expect(events.at(-1)?.event).toBe("end");
    const progress = events.filter(({ event }) => event === "progress");
    const dropped = events
      .filter(({ event }) => event === "dropped")
      .reduce((sum, { data }) => sum + data.progress_events, 0);
    expect(dropped).toBeGreaterThan(100);
    expect(progress.length + dropped).toBe(1500);
    const epochs = progress.map(({ data }) => data.epoch);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(harness.core.feed.watchers).toBe(0);
  });
});

/** Lets the socket flow and takes the chunked body apart. */
function readRaw(socket: ReturnType<typeof connect>): Promise<ServerEvent[]> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("error", reject);
    socket.on("close", () => {
      const events: ServerEvent[] = [];
      for (const frame of unchunked(Buffer.concat(parts)).split("\n\n")) if (frame !== "") take(frame, events, []);
      resolve(events);
    });
    socket.resume();
  });
}

function unchunked(response: Buffer): string {
  let rest = response.subarray(response.indexOf("\r\n\r\n") + 4);
  let body = "";
  for (;;) {
    const lineEnd = rest.indexOf("\r\n");
    const length = Number.parseInt(rest.subarray(0, lineEnd).toString(), 16);
    if (!(length > 0)) return body;
    body += rest.subarray(lineEnd + 2, lineEnd + 2 + length).toString();
    rest = rest.subarray(lineEnd + 4 + length);
  }
}

describe("a client that leaves", () => {
  test("at any moment, also before its stream is open, leaves no watcher behind", async () => {
    const jobId = await submit(harness, { awaitsFunds: true });
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const abort = new AbortController();
        setTimeout(() => abort.abort(), index / 4);
        await fetch(eventsOf(jobId), { signal: abort.signal })
          .then((response) => response.text())
          .catch(() => {});
      }),
    );
    await eventually("all watchers to be gone", () => harness.core.feed.watchers === 0);
    expect(harness.app.streams.size).toBe(0);
  });

  test("whose stream opens only after the request was given up leaves none either", async () => {
    const own = await startHarness({ requestTimeout: 50 });
    const jobId = await submit(own, { awaitsFunds: true });
    const jobs = own.queries.jobs as { latestTransition: Harness["queries"]["jobs"]["latestTransition"] };
    const real = jobs.latestTransition;
    jobs.latestTransition = async (id) => {
      await Bun.sleep(150);
      return real(id);
    };
    expect((await own.get(`/api/v1/jobs/${jobId}/events`)).status).toBe(503);
    await eventually("the watcher to be gone", () => own.core.feed.watchers === 0);
    expect(own.app.streams.size).toBe(0);
    await own.stop();
  });
});

describe("many streams", () => {
  test("beyond the limit are refused with a time to come back", async () => {
    const small = await startHarness({ limits: { maxBodyBytes: 1000, maxEventStreams: 2 } });
    try {
      const jobId = await submit(small, { awaitsFunds: true });
      const url = small.url(`/api/v1/jobs/${jobId}/events`);
      const first = await follow(url);
      const second = await follow(url);
      const third = await small.get(`/api/v1/jobs/${jobId}/events`);
      expect([third.status, third.headers.get("retry-after")]).toEqual([429, "10"]);
      first.close();
      await eventually("room", () => small.app.streams.size === 1);
      const fourth = await follow(url);
      expect(fourth.status).toBe(200);
      second.close();
      fourth.close();
    } finally {
      await small.stop();
    }
  });

  test("are let go when the server stops, without an end, and can be resumed", async () => {
    const own = await startHarness();
    const jobId = await submit(own, { awaitsFunds: true });
    const reader = await follow(own.url(`/api/v1/jobs/${jobId}/events`));
    await eventually("the first event", () => reader.events.length === 1);
    const started = performance.now();
    await own.server.stop();
    expect(performance.now() - started).toBeLessThan(3000);
    await ended(reader);
    expect(reader.events.map(({ event }) => event)).toEqual(["state"]);
    expect(reader.comments.at(-1)).toContain("stopping");
    expect(own.core.feed.watchers).toBe(0);
    await own.stop();
  });
});
