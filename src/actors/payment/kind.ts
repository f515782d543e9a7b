/** The kind "payment": its row in `payments`, its bookings, and the effects it can owe. */
import type { SnapshotFrom } from "xstate";
import { sharesOf } from "../../domain/payment.ts";
import type { JobMachine } from "../job/machine.ts";
import {
  type ActorKind,
  type Actors,
  ActorUnknown,
  type Clock,
  type Committed,
  dottedState,
  type EffectCall,
  EventRejected,
  type Millis,
  type Owed,
} from "../runtime/index.ts";
import { OrderRefused, type Pace, type PaymentChain } from "./chain.ts";
import { type PaymentMachine, paymentMachine } from "./machine.ts";
import type { PaymentContext } from "./state.ts";
import { verdictOn } from "./verdict.ts";

export type PaymentSnapshot = SnapshotFrom<PaymentMachine>;
export type CommittedPayment = Committed<PaymentMachine>;
export type Payments = Actors<PaymentMachine>;

export interface PaymentEffectsDependencies {
  readonly chain: PaymentChain;
  readonly clock: Clock;
  readonly pace: Pace;
  /** Asked for when it is needed: jobs and payments refer to each other. */
  readonly jobs: () => Actors<JobMachine>;
}

type Call = EffectCall<PaymentMachine>;

export function paymentKind({ chain, clock, pace, jobs }: PaymentEffectsDependencies): ActorKind<PaymentMachine> {
  /** Looks, and sends while it is in no block, until a look tells the payment what it does not know yet. */
  const follow = async ({ snapshot: { context }, signal }: Call): Promise<Outcome> => {
    const { transaction, confirmedAt } = context;
    if (transaction === null) return null;
    const { signature } = transaction;
    for (let nextSending: Millis = 0; ; ) {
      const sight = await chain.look(signature);
      signal.throwIfAborted();
      const verdict = verdictOn(transaction, sight);
      if (verdict.is === "final") return { type: "FINAL", signature, error: verdict.error };
      if (verdict.is === "dead") return { type: "DEAD", signature };
      if (verdict.is === "confirmed" && confirmedAt === null) return { type: "CONFIRMED", signature };
      if (sight.found === null && clock.now() >= nextSending) {
        nextSending = clock.now() + pace.sendEvery;
        // Whether it arrived is for the next look to say, not for the answer to this.
        await chain.send(transaction).catch(() => {});
        signal.throwIfAborted();
      }
      await waited(clock, pace.lookEvery, signal);
    }
  };
  return {
    name: "payment",
    machine: paymentMachine,
    deadline: ({ context }) => context.deadline,
    finished: (snapshot) => snapshot.matches("completed") || snapshot.matches("refunded"),
    // When to try again is our own affair; while something is to be signed it is the chain that is silent.
    awaitsOutside: ({ context }) => context.order !== null,
    owes: owedByPayment,
    row: rowOf,
    effects: {
      sign: async ({ snapshot: { context } }) => {
        const { order, made } = context;
        if (order === null) return null;
        try {
          return { type: "SIGNED", number: made, transaction: await chain.sign(context, order) };
        } catch (error) {
          if (error instanceof OrderRefused) return { type: "REFUSED", number: made, message: error.message };
          throw error;
        }
      },
      follow,
      announce: async ({ snapshot: { context } }) => {
        try {
          await jobs().ask(context.jobId, { type: "FUNDS_LOCKED" });
        } catch (error) {
          // It has been told before, or it is over; then it settles.
          if (!(error instanceof EventRejected || error instanceof ActorUnknown)) throw error;
        }
        return { type: "ANNOUNCED" };
      },
    },
  };
}

type Outcome = Awaited<ReturnType<NonNullable<ActorKind<PaymentMachine>["effects"]>[string]>>;

function waited(clock: Clock, delay: Millis, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(delay, resolve);
  const stop = (): void => {
    cancel();
    reject(signal.reason);
  };
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", stop));
}

const NOTHING: readonly Owed[] = [];

function owedByPayment(snapshot: PaymentSnapshot): readonly Owed[] {
  const { context } = snapshot;
  const { transaction, made, confirmedAt } = context;
  const [phase, step] = dottedState(snapshot.value).split(".");
  const owed: Owed[] = [];
  if (step === "signing") owed.push({ name: "sign", key: `sign/${made}` });
  if (step === "sending" && transaction !== null)
    owed.push({ name: "follow", key: `${confirmedAt === null ? "follow" : "finish"}/${transaction.signature}` });
  const isLocked = phase === "locked" || phase === "streaming" || (phase === "pending" && confirmedAt !== null);
  if (isLocked && !context.announced && context.settlement === null) owed.push({ name: "announce", key: "announce" });
  return owed.length === 0 ? NOTHING : owed;
}

function rowOf(snapshot: PaymentSnapshot, version: number): Readonly<Record<string, unknown>> {
  const { context } = snapshot;
  const state = dottedState(snapshot.value);
  const [status = state] = state.split(".");
  const isOver = context.endedAt !== null;
  // While it is open, what the whole price would be shared as; in the end, what was.
  const planned = sharesOf(BigInt(context.amount), 0n, context.feeBps);
  return {
    id: context.jobId,
    job_id: context.jobId,
    user_wallet: context.userWallet,
    node_wallet: context.payee,
    amount: context.amount,
    platform_fee: isOver ? context.feePaid : planned.fee.toString(),
    node_reward: isOver ? (BigInt(context.released) - BigInt(context.feePaid)).toString() : planned.node.toString(),
    status,
    state,
    escrow_tx_hash: signatureOf(context, "lock"),
    completion_tx_hash: signatureOf(context, "release") ?? signatureOf(context, "refund"),
    ledger_entries: context.bookings,
    version,
    created_at: context.createdAt,
    locked_at: context.lockedAt,
    completed_at: context.endedAt,
  };
}

const signatureOf = ({ past }: PaymentContext, kind: string): string | null =>
  past.findLast((one) => one.kind === kind && one.outcome === "done")?.signature ?? null;
