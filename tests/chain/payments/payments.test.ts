/** Jobs that are paid for, on a real Solana VM with the real escrow program: to the unit, whatever goes wrong on the way. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SendFault } from "../../../src/chain/local/index.ts";
import { result, uuid } from "../../actors/fixtures.ts";
import { until as eventually } from "../../support/servers.ts";
import { FEE_BPS, NODE, openScene, type Scene } from "./scene.ts";

setDefaultTimeout(120_000);

const PRICE = 1_000_003n;
const FEE = (PRICE * BigInt(FEE_BPS)) / 10_000n;
const TOKENS = 5_000_000n;
/** Some transactions have to expire first: three seconds each. */
const PATIENCE = 60_000;

const stateOf = (scene: Scene, jobId: string) => scene.core.jobs.peek(jobId)?.state;
const accepted = (scene: Scene, jobId: string) =>
  eventually("the node to have the job", () => stateOf(scene, jobId) === "assigned.accepted", PATIENCE);

async function run(scene: Scene, jobId: string, progress?: number): Promise<void> {
  await accepted(scene, jobId);
  const source = { nodeId: NODE, jobId, attempt: null };
  await scene.core.reports.started(source);
  if (progress !== undefined)
    await scene.core.reports.progress({ ...source, progress, epoch: 1, metrics: {}, log: "" });
}

const complete = (scene: Scene, jobId: string) =>
  scene.core.reports.completed({ nodeId: NODE, jobId, attempt: null }, result);

describe("a job that is paid for", () => {
  test("is offered once its price is locked, and pays nine tenths to its node and one to the platform", async () => {
    const scene = await openScene();
    const user = await scene.user(TOKENS);
    const job = await scene.submit(1, user, { price: PRICE.toString() });
    expect(scene.link.offers).toEqual([]);
    await run(scene, job);
    expect(await scene.balance(user.publicKey)).toBe(TOKENS - PRICE);
    await complete(scene, job);
    const { bookings } = await scene.until(job, "completed");
    expect([
      await scene.balance(user.publicKey),
      await scene.balance(scene.nodeWallet.publicKey),
      await scene.treasury(),
    ]).toEqual([TOKENS - PRICE, PRICE - FEE, FEE]);
    expect(bookings.map(({ debit, credit, amount }) => [debit.split(":")[0], credit.split(":")[0], amount])).toEqual([
      ["user", "escrow", `${PRICE}`],
      ["escrow", "node", `${PRICE - FEE}`],
      ["escrow", "platform", `${FEE}`],
    ]);
  });

  test("gives all of it back when it is cancelled before it runs", async () => {
    const scene = await openScene();
    const user = await scene.user(TOKENS);
    scene.link.answer = () => new Promise(() => {});
    const job = await scene.submit(1, user, { price: PRICE.toString() });
    await eventually("an offer", () => scene.link.offers.length > 0);
    await scene.core.jobs.ask(job, { type: "CANCEL", reason: "no more" });
    await scene.until(job, "refunded");
    expect([await scene.balance(user.publicKey), await scene.treasury()]).toEqual([TOKENS, 0n]);
  });

  test("leaves its node what progress has earned when it is cancelled while it runs, and gives the rest back", async () => {
    const scene = await openScene();
    const user = await scene.user(TOKENS);
    const job = await scene.submit(1, user, { price: PRICE.toString() });
    await run(scene, job, 0.5);
    await scene.core.jobs.ask(job, { type: "CANCEL", reason: "no more" });
    await scene.until(job, "refunded");
    const earned = PRICE / 2n;
    const fee = (earned * BigInt(FEE_BPS)) / 10_000n;
    expect([
      await scene.balance(user.publicKey),
      await scene.balance(scene.nodeWallet.publicKey),
      await scene.treasury(),
    ]).toEqual([TOKENS - earned, earned - fee, fee]);
  });

  test("waits for its money while the user has not allowed it to be taken, says why, and goes on when it is", async () => {
    const scene = await openScene();
    const user = await scene.user(TOKENS, 0n);
    const job = await scene.submit(1, user, { price: PRICE.toString() });
    const { problem } = await scene.until(job, "pending.unfunded");
    expect(problem).toEqual({
      code: "order_refused",
      message: "The user has not approved the platform for this much; approve more.",
    });
    expect(stateOf(scene, job)).toBe("pending.awaitingFunds");
    await eventually("the wallet to be funded", async () => (await scene.balance(user.publicKey)) === TOKENS);
    await scene.approve(user, PRICE);
    await accepted(scene, job);
  });

  test("is not paid for by a wallet that is none", async () => {
    const scene = await openScene();
    const user = await scene.user(0n, 0n);
    const job = await scene.submit(1, user, { price: PRICE.toString(), userWallet: "no wallet" });
    const { problem } = await scene.until(job, "pending.unfunded");
    expect(problem?.message).toBe('payment_address: "no wallet" is no Solana address');
  });
});

describe("to the unit (I6, I7)", () => {
  const faults: readonly SendFault[] = [
    { kind: "drop" },
    { kind: "error" },
    { kind: "late", slots: 100 },
    { kind: "refuse" },
    { kind: "hide", slots: 40 },
  ];

  test("whatever becomes of what is sent: lost, landed without an answer, late, refused, hidden", async () => {
    let sent = 0;
    // The program is deployed, and the user approves, in peace.
    let calm = true;
    const scene = await openScene({
      onSend: ({ earlier }) => {
        const fault = calm ? undefined : faults[sent++ % (faults.length + 1)];
        // Hidden again and again, it would be hidden longer than it is valid: a lie that nobody could see through.
        return fault?.kind === "hide" && earlier > 0 ? undefined : fault;
      },
    });
    const user = await scene.user(TOKENS);
    calm = false;
    const jobs: string[] = [];
    for (let number = 1; number <= 4; number++)
      jobs.push(await scene.submit(number, user, { price: PRICE.toString() }));
    for (const job of jobs) await run(scene, job);
    for (const job of jobs) await complete(scene, job);
    for (const job of jobs) await scene.until(job, "completed");
    expect(sent).toBeGreaterThan(faults.length);
    expect([
      await scene.balance(user.publicKey),
      await scene.balance(scene.nodeWallet.publicKey),
      await scene.treasury(),
    ]).toEqual([TOKENS - 4n * PRICE, 4n * (PRICE - FEE), 4n * FEE]);
  });

  test("when the server dies with a transaction under way, and goes on with the same bytes", async () => {
    const scene = await openScene();
    const user = await scene.user(TOKENS);
    const job = await scene.submit(1, user, { price: PRICE.toString() });
    await eventually("the lock to be under way", async () => (await scene.payment(job))?.state === "pending.sending");
    const before = (await scene.payment(job))?.context.transaction?.signature;
    await scene.crash();
    await accepted(scene, job);
    const { past } = await scene.until(job, "locked.idle");
    expect(past.map(({ kind, outcome, signature }) => [kind, outcome, signature])).toEqual([
      ["lock", "done", before as string],
    ]);
    expect(await scene.balance(user.publicKey)).toBe(TOKENS - PRICE);
    expect(scene.core.payments?.peek(uuid(1))?.snapshot.context.locked).toBe(PRICE.toString());
  });
});
