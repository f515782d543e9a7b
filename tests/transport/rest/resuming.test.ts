import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { complete, eventually, type Harness, register, run, startHarness, submit } from "./harness.ts";
import { type EventReader, follow, type ServerEvent } from "./sse.ts";

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

async function versionNow(jobId: string): Promise<number> {
  return (await harness.queries.jobs.latestTransition(jobId))?.version ?? 0;
}

/** The version with which the job ended. */
async function endOf(jobId: string): Promise<number> {
  const log = await harness.queries.jobs.transitionsAfter(jobId, 0, 10_000);
  return log.find(({ to }) => to === "completed")?.version ?? 0;
}

async function ended(reader: EventReader): Promise<void> {
  await Promise.race([reader.closed, Bun.sleep(5000).then(() => Promise.reject(new Error("the stream did not end")))]);
}

describe("resuming", () => {
  test("from any version gives exactly the rest, by header and by query", async () => {
    const jobId = await submit(harness);
    await complete(harness, jobId);
    const last = await endOf(jobId);
    for (let after = 0; after <= last; after++) {
      const byQuery = await follow(`${eventsOf(jobId)}?lastEventId=${after}`);
      const byHeader = await follow(eventsOf(jobId), { "last-event-id": String(after) });
      await Promise.all([ended(byQuery), ended(byHeader)]);
      // Seen the terminal state: at most what was tidied up after it.
      if (after === last) expect(byQuery.states().length).toBeLessThanOrEqual(1);
      else expect(versions(byQuery.events)).toEqual(range(after + 1, last));
      expect(versions(byHeader.events)).toEqual(versions(byQuery.events));
      expect(byQuery.events.at(-1)?.event).toBe("end");
    }
  });

  test("with an id that the job has not reached begins anew", async () => {
    const jobId = await submit(harness, { awaitsFunds: true });
    const reader = await follow(eventsOf(jobId), { "last-event-id": "999" });
    await eventually("the state", () => reader.events.length > 0);
    expect(reader.events[0]).toMatchObject({ event: "state", id: 1 });
    reader.close();
  });

  test("in the middle of a storm of transitions loses and doubles none", async () => {
    const jobId = await submit(harness);
    const { nodeId } = await run(harness, jobId);
    const readers: { reader: EventReader; after: number }[] = [];
    let storming = true;
    const storm = (async () => {
      for (let turn = 0; turn < 150; turn++) {
        await harness.core.jobs.ask(jobId, { type: "NODE_LOST", nodeId });
        await harness.core.jobs.ask(jobId, { type: "NODE_BACK", nodeId });
        harness.core.feed.publish({
          jobId,
          attempt: 1,
          progress: turn / 150,
          epoch: turn,
          metrics: {},
          log: "",
          at: Date.now(),
        });
      }
      storming = false;
    })();
    while (storming) {
      const known = await versionNow(jobId);
      for (const after of [0, Math.floor(known / 2), known]) {
        if (readers.length < 40)
          readers.push({ reader: await follow(`${eventsOf(jobId)}?lastEventId=${after}`), after });
      }
      await Bun.sleep(2);
    }
    await storm;
    await harness.core.reports.completed(
      { nodeId, jobId, attempt: 1 },
      { weightsUri: "", weightsHash: "", weightsSize: 0, metrics: {}, computeSeconds: 1, signature: "" },
    );
    const last = await endOf(jobId);
    expect(last).toBeGreaterThan(300);
    expect(readers.length).toBeGreaterThan(10);
    for (const { reader, after } of readers) {
      await ended(reader);
      expect(versions(reader.events)).toEqual(range(after + 1, last));
    }
    expect(harness.core.feed.watchers).toBe(0);
  }, 60_000);

  test("over and over, with connections that break, gives each version once", async () => {
    const jobId = await submit(harness);
    const { nodeId } = await run(harness, jobId);
    const seen: (number | null)[] = [];
    let over = false;
    const client = (async () => {
      while (!over) {
        const last = seen.at(-1) ?? 0;
        const reader = await follow(eventsOf(jobId), { "last-event-id": String(last) });
        await Promise.race([reader.closed, Bun.sleep(3 + (seen.length % 11))]);
        reader.close();
        await reader.closed;
        seen.push(...versions(reader.events));
        over = reader.events.some(({ event }) => event === "end");
      }
    })();
    for (let turn = 0; turn < 50; turn++) {
      await harness.core.jobs.ask(jobId, { type: "NODE_LOST", nodeId });
      await harness.core.jobs.ask(jobId, { type: "NODE_BACK", nodeId });
      await Bun.sleep(2);
    }
    await harness.core.reports.completed(
      { nodeId, jobId, attempt: 1 },
      { weightsUri: "", weightsHash: "", weightsSize: 0, metrics: {}, computeSeconds: 1, signature: "" },
    );
    await client;
    expect(seen.slice(0, await endOf(jobId))).toEqual(range(1, await endOf(jobId)));
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("survives a database that fails for a while", async () => {
    const jobId = await submit(harness, { awaitsFunds: true });
    const reader = await follow(eventsOf(jobId));
    await eventually("the first event", () => reader.events.length === 1);
    const jobs = harness.queries.jobs as { transitionsAfter: Harness["queries"]["jobs"]["transitionsAfter"] };
    const real = jobs.transitionsAfter;
    let failures = 0;
    jobs.transitionsAfter = async (...request) => {
      if (failures++ < 1) throw new Error("Connection terminated unexpectedly");
      return real(...request);
    };
    await harness.post(`/api/v1/jobs/${jobId}/cancel`);
    await ended(reader);
    jobs.transitionsAfter = real;
    expect(failures).toBeGreaterThan(1);
    expect(versions(reader.events)).toEqual([1, 2]);
  });
});
