import { expect, test } from "bun:test";
import { jobPolicy, uuid } from "../fixtures.ts";
import { coreWorld, HEARTBEAT } from "../world.ts";

const policy = { ...jobPolicy, queueTimeout: 400_000 };
const last = { total: 2_000_000, turn: HEARTBEAT };

/** Two nodes that stay online; each time one has let the job down, the other's exclusion is over. */
async function played(answer: "accepts and never starts" | "refuses after a while") {
  const world = await coreWorld();
  const nodes = [uuid(100), uuid(101)];
  for (const node of nodes) await world.register(node);
  if (answer === "refuses after a while") {
    world.link.answer = () =>
      new Promise((resolve) => {
        world.clock.after(jobPolicy.offerTimeout - 1, () =>
          resolve({ accepted: false, outcome: "rejected", message: "busy" }),
        );
      });
  }
  await world.submit(uuid(1), { policy: { ...policy, exclusion: jobPolicy.offerTimeout / 2 } });
  let spent = 0;
  while (spent < last.total && world.job(uuid(1)) !== undefined) {
    await world.clock.advance(last.turn);
    spent += last.turn;
    for (const nodeId of nodes) await world.core.rollCall.heartbeat({ nodeId, activeJobs: [uuid(1)] });
  }
  const row = world.journal.rows.get(`job/${uuid(1)}`);
  await world.core.stop();
  return { state: row?.state, spent, failure: JSON.parse(row?.snapshot ?? "{}").context.failure?.code };
}

test("a job whose time in the queue is over fails when its last offer comes to nothing, and is offered no more", async () => {
  for (const answer of ["accepts and never starts", "refuses after a while"] as const) {
    const { state, spent, failure } = await played(answer);
    expect([answer, state, failure]).toEqual([answer, "failed", "queue_timeout"]);
    expect(spent).toBeLessThanOrEqual(policy.queueTimeout + policy.offerTimeout + policy.startTimeout + HEARTBEAT);
  }
});
