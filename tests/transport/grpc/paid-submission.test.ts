/** Whose wallet pays for a submission. */
import { describe, expect, test } from "bun:test";
import { ANONYMOUS, type Caller } from "../../../src/transport/grpc/caller.ts";
import { JobConfig, JobType } from "../../../src/transport/grpc/protocol.ts";
import { readSubmission, type SubmissionRules } from "../../../src/transport/grpc/submission.ts";
import { jobPolicy } from "../../actors/fixtures.ts";

const WALLET = "DHr7hM6K7EvvhB57CTpZqs4VReJDUwajuhCc9xmLwLVm";
const OTHER = "vMxx7SKjHahFmJJGscoq7Q4nbikL1Sn3BRHv6rnhhLL";
const rules: SubmissionRules = { policy: jobPolicy, runTimeoutFactor: 3, maxRunMs: 1e9, maxQueuedPerOwner: 0 };
const owner: Caller = { userId: "ada", wallet: WALLET };

function read(paymentAddress: string, caller: Caller, payment?: SubmissionRules["payment"]) {
  const config = JobConfig.create({ jobType: JobType.JOB_TYPE_TRAINING, datasetUri: "builtin:iris", paymentAddress });
  const context = { caller, idempotencyKey: undefined, randomId: () => crypto.randomUUID() };
  return readSubmission(config, { ...rules, ...(payment && { payment }) }, context).input;
}

const here = { feeBps: 1000, anonymous: true };
const anywhere = { feeBps: 1000, anonymous: false };

describe("a submission", () => {
  test("is paid for by the wallet of whoever sends it, named or not", () => {
    for (const address of [WALLET, ""])
      expect(read(address, owner, anywhere)).toMatchObject({
        userWallet: WALLET,
        awaitsFunds: true,
        payment: { feeBps: 1000 },
      });
  });

  test("nobody's wallet pays for another's job", () => {
    for (const rule of [here, anywhere]) {
      expect(() => read(OTHER, owner, rule)).toThrow("config.payment_address: your token does not name this wallet");
      expect(() => read(WALLET, { userId: "eve", wallet: null }, rule)).toThrow("does not name this wallet");
    }
    expect(() => read(WALLET, ANONYMOUS, anywhere)).toThrow(
      "config.payment_address: only its owner can have a wallet pay",
    );
  });

  test("may name any wallet where only this machine's operator can call", () => {
    expect(read(WALLET, ANONYMOUS, here)).toMatchObject({ userWallet: WALLET, awaitsFunds: true });
  });

  test("is not paid for where it names no Solana wallet, or where nothing is", () => {
    for (const address of ["", "alice", `${WALLET}1`, "0".repeat(44), "l".repeat(128), "1".repeat(31)])
      expect(read(address, ANONYMOUS, here)).toMatchObject({ awaitsFunds: false });
    expect(read(WALLET, owner)).toMatchObject({ awaitsFunds: false });
    expect(read(WALLET, owner)).not.toHaveProperty("payment");
  });
});
