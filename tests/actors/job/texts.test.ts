/** A job whose big texts are kept apart: what is stored of it, and what its node is sent. */
import { describe, expect, test } from "bun:test";
import { separated, sha256Of } from "../../../src/domain/job-texts.ts";
import { settle } from "../../support/fake-clock.ts";
import { jobInput, jobSpec, uuid } from "../fixtures.ts";
import { type CoreWorld, coreWorld } from "../world.ts";

const JOB = uuid(1);
const NODE = uuid(2);
const model = JSON.stringify({ comment: "x".repeat(1_000_000) });

async function submit({ core }: CoreWorld, id = JOB, job = jobSpec({ modelDefinition: model })): Promise<void> {
  const { spec, texts } = separated(job);
  const { at: _, ...input } = jobInput({ id, spec });
  await core.jobs.create(id, input, texts);
  await settle();
}

const stateOf = (world: CoreWorld) => world.job(JOB)?.state ?? world.journal.rows.get(`job/${JOB}`)?.state;

describe("a job with a model of a megabyte", () => {
  test("is offered whole, and what each transition stores is small", async () => {
    const world = await coreWorld();
    await world.register(NODE);
    await submit(world);
    expect(world.link.offers).toHaveLength(1);
    expect(world.link.offers[0]?.spec).toEqual(jobSpec({ modelDefinition: model }));
    const from = { nodeId: NODE, attempt: 1 };
    await world.core.jobs.ask(JOB, { type: "STARTED", ...from });
    await world.core.jobs.ask(JOB, { type: "PROGRESS", ...from, progress: 0.5, epoch: 5, metrics: { loss: 1 } });
    await world.core.jobs.ask(JOB, { type: "CANCEL", reason: "" });
    await settle();
    const log = world.journal.log.get(`job/${JOB}`) ?? [];
    expect(log.length).toBeGreaterThan(5);
    expect(world.journal.rows.get(`job/${JOB}`)?.snapshot.length).toBeLessThan(20_000);
    for (const { event } of log) expect(JSON.stringify(event).length).toBeLessThan(20_000);
    expect([...world.journal.texts.keys()]).toEqual([sha256Of(model)]);
  });

  test("leaves nothing of it in memory", async () => {
    const world = await coreWorld();
    const given = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { spec, texts } = separated(jobSpec({ modelDefinition: model }));
        const { at: _at, ...input } = jobInput({ id: uuid(index + 10), spec });
        await world.core.jobs.create(uuid(index + 10), input, texts);
        return texts.map((text) => new WeakRef(text));
      }),
    );
    await settle();
    expect(JSON.stringify([...world.core.jobs.live()]).length).toBeLessThan(20 * 20_000);
    await Bun.sleep(0);
    Bun.gc(true);
    // A few may still lie about on the stack.
    expect(given.flat().filter((text) => text.deref() !== undefined).length).toBeLessThan(5);
  });

  test("and another with the same one are stored with one text", async () => {
    const world = await coreWorld();
    await submit(world);
    await submit(world, uuid(3));
    expect(world.journal.texts.size).toBe(1);
  });

  test("goes to the database with few others of its kind at a time", async () => {
    const world = await coreWorld();
    const sizes: number[] = [];
    world.journal.fault = (batch, write) => {
      sizes.push(batch.length);
      write();
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => submit(world, uuid(index + 10))));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(20);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
  });

  test("is not there, and neither is its model, when its commit is lost", async () => {
    const world = await coreWorld();
    world.journal.fault = () => {
      throw new Error("the connection broke");
    };
    await expect(submit(world)).rejects.toThrow("did not confirm");
    expect([world.journal.texts.size, world.journal.rows.has(`job/${JOB}`)]).toEqual([0, false]);
  });

  test("has both when its commit was in doubt and had gone through", async () => {
    const world = await coreWorld();
    await world.register(NODE);
    world.journal.fault = (_, write) => {
      write();
      world.journal.fault = null;
      throw new Error("the connection broke");
    };
    await expect(submit(world)).rejects.toThrow("did not confirm");
    await world.clock.advance(1000);
    await settle();
    expect(world.link.offers[0]?.spec.modelDefinition).toBe(model);
  });

  test("goes on after a restart, from the reference", async () => {
    const before = await coreWorld();
    await submit(before);
    await before.core.stop();
    const world = await coreWorld({ journal: before.journal });
    await world.register(NODE);
    expect(world.link.offers[0]?.spec.modelDefinition).toBe(model);
  });

  test("is offered when the database can be read again; until then nobody is asked or blamed", async () => {
    const world = await coreWorld();
    const { read } = world.journal;
    world.journal.read = () => Promise.reject(new Error("the database does not answer"));
    await world.register(NODE);
    await submit(world);
    await world.clock.advance(2000);
    await settle();
    expect([stateOf(world), world.link.offers.length, world.job(JOB)?.snapshot.context.attempt]).toEqual([
      "assigned.offering",
      0,
      1,
    ]);
    world.journal.read = read;
    await world.clock.advance(5000);
    await settle();
    expect([stateOf(world), world.link.offers.length]).toEqual(["assigned.accepted", 1]);
    expect(world.job(JOB)?.snapshot.context).toMatchObject({ attempt: 1, history: [], retries: 0 });
  });

  test("goes back to the queue when the database cannot be read for longer than an offer lasts", async () => {
    const world = await coreWorld();
    world.journal.read = () => Promise.reject(new Error("the database does not answer"));
    await world.register(NODE);
    await submit(world);
    await world.clock.advance(11_000);
    await settle();
    expect(stateOf(world)).toBe("pending.queued");
    expect(world.job(JOB)?.snapshot.context).toMatchObject({
      retries: 0,
      losses: 0,
      history: [{ outcome: "no_answer" }],
    });
    expect(world.node(NODE)?.snapshot.context).toMatchObject({ reputation: 75, unreachableCount: 0 });
  });

  test("fails for good, with the reason, when its model has been deleted, and its node is not to blame", async () => {
    const world = await coreWorld();
    await submit(world);
    world.journal.texts.clear();
    await world.register(NODE);
    await world.clock.advance(100);
    await settle();
    const { state, snapshot } = world.journal.rows.get(`job/${JOB}`) ?? { state: "", snapshot: "{}" };
    expect(state).toBe("failed");
    const { context } = JSON.parse(snapshot);
    expect(context.failure).toEqual({ code: "text_missing", message: expect.stringContaining(sha256Of(model)) });
    expect(context.history).toMatchObject([{ nodeId: NODE, outcome: "cancelled" }]);
    expect(world.link.offers).toEqual([]);
    expect(world.node(NODE)?.snapshot.context.reputation).toBe(75);
  });
});
