/** Why jobs wait, told to many who ask often. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { WaitingReasons } from "../../src/transport/waiting-reasons.ts";
import { Stage } from "../actors/scheduler/stage.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const MANY = 1000;
/** For so many nodes: 0.06 ms each. */
const REST = 60;

/** A core with a job that no node can run. */
async function coreWith(nodes: number) {
  const stage = await Stage.open();
  for (let n = 0; n < nodes; n++) await stage.node(`node-${n}`);
  const submit = async () => {
    const id = await stage.submit({ spec: { device: "vulkan" } });
    await settle();
    return id;
  };
  return { stage, submit };
}

describe("in a small network", () => {
  test("every answer is made afresh", async () => {
    const { stage, submit } = await coreWith(1);
    const reasons = new WaitingReasons(stage.core, new FakeClock());
    const id = await submit();
    expect(reasons.ofPresent(id)?.nodes.total).toBe(1);
    await stage.node("another");
    expect(reasons.ofPresent(id)?.nodes.total).toBe(2);
    await stage.core.stop();
  });

  test("a job is not told why it waited in a state that it has left", async () => {
    const { stage, submit } = await coreWith(1);
    const reasons = new WaitingReasons(stage.core, new FakeClock());
    const id = await submit();
    const version = stage.core.jobs.peek(id)?.version ?? 0;
    expect(reasons.of(id, version)?.reason).toBe("no_matching_node");
    await stage.cancel(id);
    expect(reasons.of(id, version)).toBeNull();
    expect(reasons.ofPresent(id)).toBeNull();
    expect(reasons.ofPresent("ffffffff-unknown")).toBeNull();
    await stage.core.stop();
  });
});

describe("in a large network", () => {
  let large: Awaited<ReturnType<typeof coreWith>>;
  beforeAll(async () => {
    large = await coreWith(MANY);
  }, 60_000);
  afterAll(() => large.stage.core.stop());

  test("polling clients do not take the server's time: between answers the last one is told", async () => {
    const { stage, submit } = large;
    const clock = new FakeClock();
    const reasons = new WaitingReasons(stage.core, clock);
    const [first, second] = [await submit(), await submit()];
    const told = reasons.ofPresent(first);
    expect(told?.nodes.total).toBe(MANY);
    clock.jump(REST - 1);
    // The very same answer, and for who has none yet: none.
    expect(reasons.ofPresent(first)).toBe(told);
    expect(reasons.ofPresent(second)).toBeNull();
    clock.jump(1);
    expect(reasons.ofPresent(second)?.reason).toBe("no_matching_node");
    expect(reasons.ofPresent(first)).toBe(told);
    clock.jump(REST);
    expect(reasons.ofPresent(first)).not.toBe(told);
    for (const id of [first, second]) await stage.cancel(id);
  });

  test("an answer that has become old is not told any more", async () => {
    const { stage, submit } = large;
    const clock = new FakeClock();
    const reasons = new WaitingReasons(stage.core, clock);
    const [mine, other] = [await submit(), await submit()];
    expect(reasons.ofPresent(mine)).not.toBeNull();
    // Others take every turn.
    for (let turn = 0; turn <= 60_000 / REST; turn++) {
      clock.jump(REST);
      reasons.ofPresent(other);
    }
    expect(reasons.ofPresent(mine)).toBeNull();
    for (const id of [mine, other]) await stage.cancel(id);
  }, 60_000);
});
