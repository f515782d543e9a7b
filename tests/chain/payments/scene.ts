/** The server's core over a local chain with the real escrow program, on a clock that runs fast; the nodes are played. */
import { Keypair, type PublicKey, Transaction, type TransactionInstruction } from "@solana/web3.js";
import { type Core, createCore } from "../../../src/actors/core.ts";
import type { JobInput } from "../../../src/actors/job/state.ts";
import type { PaymentContext } from "../../../src/actors/payment/state.ts";
import type { Clock } from "../../../src/actors/runtime/index.ts";
import { approveAllowance, associatedTokenAddress } from "../../../src/chain/escrow/index.ts";
import { type Faults, type OpenedChain, openLocalChain, SLOT_MS } from "../../../src/chain/local/index.ts";
import { type LocalPayments, localPayments } from "../../../src/chain/payments/index.ts";
import { jobInput, nodeInput, nodeProfile, uuid } from "../../actors/fixtures.ts";
import { PlayedLink } from "../../actors/world.ts";
import { cleanUp } from "../../support/cleanup.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { rememberingLog } from "../../support/quiet.ts";
import { until as eventually } from "../../support/servers.ts";

/** So many seconds pass in one: a blockhash is good for three then. */
const SPEED = 20;
export const FEE_BPS = 1000;
export const NODE = uuid(100);
const START = 1_800_000_000_000;
const DAY = 86_400_000;
const PATIENCE = 60_000;

/** A wallet of a user who holds tokens and has let the platform spend them. */
export interface Scene {
  readonly clock: Clock;
  readonly opened: OpenedChain;
  readonly payments: LocalPayments;
  readonly journal: MemoryJournal;
  readonly link: PlayedLink;
  readonly nodeWallet: Keypair;
  core: Core;
  user(tokens: bigint, allowance?: bigint): Promise<Keypair>;
  approve(user: Keypair, allowance: bigint): Promise<void>;
  balance(owner: PublicKey): Promise<bigint>;
  treasury(): Promise<bigint>;
  submit(number: number, user: Keypair, overrides?: Partial<JobInput>): Promise<string>;
  /** As the payment's row has it, also when it is over. */
  payment(jobId: string): Promise<{ readonly state: string; readonly context: PaymentContext } | null>;
  until(jobId: string, state: string): Promise<PaymentContext>;
  /** The server dies without a word, and another starts on what it left. */
  crash(): Promise<void>;
}

export async function openScene(faults?: Faults): Promise<Scene> {
  const began = performance.now();
  const now = (): number => Math.floor(START + (performance.now() - began) * SPEED);
  const clock: Clock = {
    now,
    after: (delay, run) => {
      const timer = setTimeout(run, delay / SPEED);
      return () => clearTimeout(timer);
    },
  };
  const opened = openLocalChain({ directory: null, now, ...(faults && { faults }) });
  const payments = await localPayments({ opened, directory: null, clock, feeBps: FEE_BPS, lifetime: DAY });
  const journal = new MemoryJournal();
  const link = new PlayedLink();
  const connection = opened.connection("confirmed");
  const nodeWallet = Keypair.generate();

  const start = async (): Promise<Core> => {
    const core = createCore({
      clock,
      journal,
      texts: journal,
      log: rememberingLog(),
      link,
      money: { chain: payments.chain, pace: { lookEvery: SLOT_MS, sendEvery: 5 * SLOT_MS }, lockRetry: 2000 },
      heartbeatInterval: DAY,
      heartbeatTimeout: 2 * DAY,
      probeDelay: { first: 1000, slowest: 10_000 },
      maxPending: 10_000,
      onDeposed: () => {},
    });
    await core.start();
    return core;
  };

  const send = async (signer: Keypair, instruction: TransactionInstruction): Promise<void> => {
    const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash();
    const transaction = new Transaction({ feePayer: signer.publicKey, blockhash, lastValidBlockHeight });
    transaction.add(instruction).sign(signer);
    const signature = await connection.sendRawTransaction(transaction.serialize());
    await eventually("the user's transaction to be confirmed", async () => {
      const { value } = await connection.getSignatureStatuses([signature]);
      return value[0]?.confirmationStatus === "finalized" && value[0].err === null;
    });
  };
  const approve = async (user: Keypair, allowance: bigint): Promise<void> => {
    const source = associatedTokenAddress(user.publicKey, opened.mint);
    await send(user, approveAllowance(user.publicKey, source, opened.server.publicKey, allowance));
  };

  const scene: Scene = {
    clock,
    opened,
    payments,
    journal,
    link,
    nodeWallet,
    core: await start(),
    approve,
    user: async (tokens, allowance = tokens) => {
      const user = Keypair.generate();
      opened.fund(user.publicKey, { lamports: 1_000_000_000n, tokens });
      if (allowance > 0n) {
        await eventually("the gift to be confirmed", async () => (await scene.balance(user.publicKey)) === tokens);
        await approve(user, allowance);
      }
      return user;
    },
    balance: (owner) => balanceOf(associatedTokenAddress(owner, opened.mint)),
    treasury: () => balanceOf(payments.treasury),
    submit: async (number, user, overrides = {}) => {
      const { at: _, ...input } = jobInput({
        id: uuid(number),
        userWallet: user.publicKey.toBase58(),
        awaitsFunds: true,
        payment: { feeBps: FEE_BPS },
        ...overrides,
      });
      // In the scene's time, which runs fast.
      const policy = { ...input.policy, fundsTimeout: DAY, queueTimeout: DAY, startTimeout: DAY, runTimeout: DAY };
      await scene.core.jobs.create(input.id, { ...input, policy });
      return input.id;
    },
    payment: async (jobId) => {
      const row = await journal.load({ kind: "payment", id: jobId });
      const snapshot = row?.snapshot as { readonly context: PaymentContext } | undefined;
      return row && snapshot ? { state: row.state, context: snapshot.context } : null;
    },
    until: async (jobId, state) => {
      await eventually(
        `the payment to be ${state}`,
        async () => (await scene.payment(jobId))?.state === state,
        PATIENCE,
      );
      const payment = await scene.payment(jobId);
      if (payment === null) throw new Error("it was there a moment ago");
      return payment.context;
    },
    crash: async () => {
      const dead = scene.core;
      journal.down = true;
      await dead.stop();
      journal.down = false;
      scene.core = await start();
    },
  };
  cleanUp(async () => {
    await scene.core.stop();
    opened.close();
  });
  const profile = nodeProfile({ wallet: nodeWallet.publicKey.toBase58(), slots: 8 });
  const { reputation, policy, bootId } = nodeInput({ profile });
  await scene.core.nodes.create(NODE, { id: NODE, reputation, profile, policy, bootId });
  return scene;

  async function balanceOf(account: PublicKey): Promise<bigint> {
    const info = await connection.getTokenAccountBalance(account, "processed").catch(() => null);
    return BigInt(info?.value.amount ?? 0);
  }
}
