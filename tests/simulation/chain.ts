/**
 * A chain as it can go wrong: what is sent is dropped, late, or lands although the answer was an error; an answer comes from one
 * that lags behind; a block that had it is left by the wayside. It keeps its own accounts, by the rules of the escrow program, and shares no
 * code with the payments that are held against it.
 */
import type { EscrowTerms, Order, PaymentChain, Sight, SignedTransaction } from "../../src/actors/payment/chain.ts";
import { OrderRefused } from "../../src/actors/payment/chain.ts";
import type { PaymentContext } from "../../src/actors/payment/state.ts";
import type { Millis } from "../../src/actors/runtime/index.ts";
import { START } from "./scene.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

const BLOCK: Millis = 400;
/** Blocks for which a signature is good, after which a block is confirmed, and final. */
const VALID = 150;
const CONFIRMED = 2;
const FINAL = 32;
/** How many blocks one that lags is behind, at most. */
const LAG = 400;
const RICH = 10n ** 9n;

interface Sent extends EscrowTerms {
  readonly signature: string;
  readonly order: Order;
  readonly lastValidHeight: number;
}

interface Escrow {
  readonly user: string;
  readonly feeBps: bigint;
  amount: bigint;
  released: bigint;
  refunded: bigint;
  fees: bigint;
  readonly paid: Map<string, bigint>;
  isOpen: boolean;
}

interface Landing {
  readonly height: number;
  readonly error: string | null;
}

const releasedBefore = (order: Order): string => (order.kind === "lock" ? "" : order.releasedBefore);

export class SimulatedChain {
  readonly escrows = new Map<string, Escrow>();
  readonly #landed = new Map<string, Landing>();
  /** In a block that will be none: until when it is seen there. */
  readonly #ghosts = new Map<string, { readonly from: number; readonly until: number }>();
  /** By what was ordered, the one transaction that has done it. */
  readonly #doneBy = new Map<string, string>();
  readonly #wallets = new Map<string, bigint>();
  #signed = 0;

  constructor(private readonly world: World) {}

  /** The poor have nothing until somebody gives them some. */
  fund(wallet: string, amount: bigint): void {
    this.#wallets.set(wallet, this.#balance(wallet) + amount);
  }

  linkOf(server: Server): PaymentChain {
    return {
      sign: (terms, order) => this.#call(server, "sign", () => this.#sign(terms, order)),
      send: (transaction) => this.#send(server, transaction),
      look: async (signature) => {
        const { finalHeight } = await this.#call(server, "height", () => this.#height());
        return this.#call(server, "status", () => this.#status(signature, finalHeight));
      },
    };
  }

  /** Held against what the payment has booked: all of it happened, for good, and nothing else did. */
  check({ jobId, locked, released, refunded, feePaid, bookings }: PaymentContext, isOver: boolean): void {
    const { laws } = this.world;
    for (const { signature } of bookings) {
      const landing = this.#landed.get(signature);
      if (landing === undefined || landing.error !== null || landing.height > this.#now - FINAL)
        laws.broken("bookings-are-final", `${jobId}: ${signature} is booked, the chain has ${JSON.stringify(landing)}`);
    }
    const sum = (side: "debit" | "credit", account: string): bigint =>
      bookings.reduce((total, one) => (one[side].startsWith(account) ? total + BigInt(one.amount) : total), 0n);
    const booked = [
      sum("credit", "escrow:"),
      sum("debit", "escrow:") - sum("credit", "user:"),
      sum("credit", "user:"),
      sum("credit", "platform"),
    ];
    const told = [locked, released, refunded, feePaid].map(BigInt);
    if (booked.join() !== told.join())
      laws.broken("money-is-conserved", `${jobId}: booked ${booked}, the sums say ${told}`);
    if (!isOver) return;
    const escrow = this.escrows.get(jobId);
    const real = escrow ? [escrow.amount, escrow.released, escrow.refunded, escrow.fees] : [0n, 0n, 0n, 0n];
    if (real.join() !== told.join() || escrow?.isOpen)
      laws.broken(
        "money-is-conserved",
        `${jobId} is over with ${told}, the chain has ${real}, open: ${escrow?.isOpen}`,
      );
    for (const [wallet, amount] of escrow?.paid ?? [])
      if (sum("credit", `node:${wallet}`) !== amount)
        laws.broken("money-is-conserved", `${jobId}: ${wallet} was paid ${amount}`);
  }

  get #now(): number {
    return Math.floor((this.world.agenda.now - START) / BLOCK);
  }

  #balance(wallet: string): bigint {
    return this.#wallets.get(wallet) ?? (wallet.endsWith("3") ? 0n : RICH);
  }

  #weather(fault: Parameters<World["weather"]["of"]>[0]): number {
    return this.world.weather.of(fault, "", this.world.agenda.now);
  }

  /** One question to the chain, there and back. */
  #call<Answer>(server: Server, what: string, answer: () => Answer): Promise<Answer> {
    const { agenda, chance } = this.world;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (!server.mayAct()) return promise;
    const isDown = chance.happens(`chain ${what} fails`, this.#weather("chainOutage"));
    agenda.after(server.process, 5 + chance.draw(`chain ${what}`) * 300, `chain ${what}`, () => {
      if (!server.mayAct()) return;
      try {
        if (isDown) throw new Error("the chain does not answer");
        resolve(answer());
      } catch (error) {
        reject(error);
      }
    });
    return promise;
  }

  #sign(terms: EscrowTerms, order: Order): SignedTransaction {
    const { jobId, userWallet, amount, feeBps } = terms;
    if (order.kind === "lock" && this.#balance(userWallet) < BigInt(order.amount))
      throw new OrderRefused(`${userWallet} has ${this.#balance(userWallet)}`);
    const signature = `signature-${++this.#signed}`;
    const lastValidHeight = this.#now + VALID;
    const sent: Sent = { jobId, userWallet, amount, feeBps, signature, order, lastValidHeight };
    return { bytes: JSON.stringify(sent), signature, lastValidHeight };
  }

  async #send(server: Server, { bytes, signature }: SignedTransaction): Promise<void> {
    const { agenda, chance, laws, store } = this.world;
    if (!server.mayAct()) return new Promise(() => {});
    const sent = JSON.parse(bytes) as Sent;
    const stored = store.rows.get(`payment/${sent.jobId}`)?.snapshot ?? "";
    if (!stored.includes(`"${signature}"`))
      laws.broken("what-is-sent-was-stored", `${signature} of ${sent.jobId} is sent, the journal does not know it`);
    this.world.saw("chain send");
    if (chance.happens("chain drops", this.#weather("chainDrop"))) this.world.saw("chain dropped");
    else {
      const late = chance.happens("chain is late", this.#weather("chainLate")) ? VALID * BLOCK * 1.2 : 1000;
      agenda.after(null, 50 + chance.draw("chain latency") * late, "lands", () => this.#arrive(sent));
    }
    const isLost = chance.happens(
      "chain send fails",
      Math.max(this.#weather("chainOutage"), this.#weather("chainError")),
    );
    await this.#call(server, "send", () => {
      if (isLost) throw new Error("no answer");
    });
  }

  #arrive(sent: Sent): void {
    const { signature, lastValidHeight, jobId, order } = sent;
    if (this.#now > lastValidHeight || this.#landed.has(signature)) return;
    if (this.world.chance.happens("block is left", this.#weather("chainFork"))) {
      this.world.saw("chain forked");
      this.#ghosts.set(signature, { from: this.#now, until: this.#now + 20 });
      return;
    }
    const error = this.#carryOut(sent);
    this.#landed.set(signature, { height: this.#now, error });
    this.world.saw(error === null ? `chain ${order.kind}` : "chain refused");
    const order_ = `${jobId} ${order.kind} ${releasedBefore(order)}`;
    const first = this.#doneBy.get(order_);
    if (first !== undefined)
      this.world.laws.broken("one-landing-per-order", `${order_}: ${signature} landed after ${first}`);
    if (error === null) this.#doneBy.set(order_, signature);
  }

  /** By the program's rules; the error leaves all as it was. */
  #carryOut({ jobId, userWallet, feeBps, order }: Sent): string | null {
    if (order.kind === "lock") {
      const amount = BigInt(order.amount);
      if (this.escrows.has(jobId)) return "the escrow is there";
      if (this.#balance(userWallet) < amount) return "the wallet is empty";
      this.#wallets.set(userWallet, this.#balance(userWallet) - amount);
      this.escrows.set(jobId, {
        user: userWallet,
        feeBps: BigInt(feeBps),
        amount,
        released: 0n,
        refunded: 0n,
        fees: 0n,
        paid: new Map(),
        isOpen: true,
      });
      return null;
    }
    const escrow = this.escrows.get(jobId);
    if (!escrow?.isOpen) return "no escrow";
    if (escrow.released !== BigInt(order.releasedBefore)) return "another amount was released before";
    const held = escrow.amount - escrow.released;
    if (order.kind === "refund") {
      escrow.refunded = held;
      escrow.isOpen = false;
      this.fund(escrow.user, held);
      return null;
    }
    const part = order.kind === "claim" ? BigInt(order.amount) : held;
    if (part <= 0n || part > held) return "more than there is";
    escrow.released += part;
    const fees = (escrow.released * escrow.feeBps) / 10_000n;
    const paid = part - (fees - escrow.fees);
    escrow.fees = fees;
    escrow.paid.set(order.payee, (escrow.paid.get(order.payee) ?? 0n) + paid);
    if (order.kind === "release") escrow.isOpen = false;
    return null;
  }

  /** How far the one that is asked has come. */
  #view(): number {
    const { chance } = this.world;
    if (!chance.happens("chain lags", this.#weather("chainLag"))) return this.#now;
    this.world.saw("chain lagged");
    return Math.max(0, this.#now - Math.floor(chance.draw("chain lag") * LAG));
  }

  #height(): { readonly finalHeight: number } {
    return { finalHeight: Math.max(0, this.#view() - FINAL) };
  }

  #status(signature: string, finalHeight: number): Sight {
    const view = this.#view();
    const seen = { finalHeight, finalSlot: finalHeight, answeredAtSlot: view };
    const ghost = this.#ghosts.get(signature);
    const landing = this.#landed.get(signature);
    if (landing !== undefined && landing.height <= view) {
      const depth = view - landing.height;
      const finality = depth >= FINAL ? "finalized" : depth >= CONFIRMED ? "confirmed" : "processed";
      return { ...seen, found: { finality, error: landing.error } };
    }
    if (ghost !== undefined && ghost.from <= view && view < ghost.until) {
      const finality = view - ghost.from >= CONFIRMED ? "confirmed" : "processed";
      return { ...seen, found: { finality, error: null } };
    }
    return { ...seen, found: null };
  }
}
