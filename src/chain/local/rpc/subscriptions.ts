/**
 * What subscribers are told, and when: each at the commitment it asked for. Transactions wait here until their slot has reached
 * it; a connection is a function that sends text.
 */
import { sameBytes } from "../account.ts";
import type { LandedTransaction, LocalChain } from "../chain.ts";
import { type Commitment, commitments } from "../commitment.ts";
import { invalidParam, RPC_CODES, RpcError } from "../rpc-error.ts";
import { decimals } from "./account-methods.ts";
import { type AccountView, accountViewOf, encodeAccount } from "./encode-account.ts";
import { withContext } from "./method.ts";
import {
  addressOf,
  commitmentOf,
  type Fields,
  integerOf,
  isFields,
  listOf,
  settingsOf,
  signatureOf,
} from "./params.ts";

/** Of one connection. web3.js holds one for each transaction it waits for. */
const MOST_SUBSCRIPTIONS = 10_000;

type Wish =
  | { readonly kind: "signature"; readonly signature: string }
  | { readonly kind: "account"; readonly address: Uint8Array; readonly view: AccountView }
  | { readonly kind: "logs"; readonly mentions: Uint8Array | null }
  | { readonly kind: "slot" };

interface Subscription {
  readonly id: number;
  readonly wish: Wish;
  readonly commitment: Commitment;
}

export class Subscriber {
  readonly subscriptions = new Map<number, Subscription>();
  /** @param send must not throw */
  constructor(readonly send: (text: string) => void) {}
}

type Kind = Wish["kind"];
type Begin = `${Kind}Subscribe`;
type End = `${Kind}Unsubscribe`;
export type SubscriptionMethod = Begin | End;

/** Whether a method is one of those that only a WebSocket can serve. */
export const isSubscription = (method: unknown): method is SubscriptionMethod =>
  typeof method === "string" && /^(signature|account|logs|slot)(Uns|S)ubscribe$/.test(method);
const isEnd = (method: SubscriptionMethod): method is End => method.endsWith("Unsubscribe");

type Waiting = Readonly<Record<Commitment, LandedTransaction[]>>;

export class Subscriptions {
  readonly #subscribers = new Set<Subscriber>();
  readonly #waiting: Waiting = { processed: [], confirmed: [], finalized: [] };
  readonly #early: { readonly subscriber: Subscriber; readonly id: number }[] = [];
  readonly #stop: () => void;
  #nextId = 1;
  #lastSlot = 0;

  constructor(private readonly chain: LocalChain) {
    this.#stop = chain.listen((landed) => this.#hear(landed));
  }

  close(): void {
    this.#stop();
    this.#subscribers.clear();
  }

  /** Whether anybody waits for something that the passing of time alone brings. */
  get isWaiting(): boolean {
    for (const { subscriptions } of this.#subscribers) if (subscriptions.size > 0) return true;
    return false;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /**
   * Carries out `…Subscribe`, which gives the subscription's number, and `…Unsubscribe`.
   * @throws RpcError
   */
  request(subscriber: Subscriber, method: SubscriptionMethod, params: readonly unknown[]): number | true {
    if (isEnd(method)) {
      if (subscriber.subscriptions.delete(integerOf(params[0], "subscription"))) return true;
      throw invalidParam("there is no subscription of this number");
    }
    const wish = wishOf(method, params);
    if (subscriber.subscriptions.size >= MOST_SUBSCRIPTIONS) {
      throw new RpcError(
        RPC_CODES.internal,
        `A connection can hold ${MOST_SUBSCRIPTIONS} subscriptions: end some first`,
      );
    }
    const id = this.#nextId++;
    const commitment = wish.kind === "slot" ? "processed" : commitmentOf(settingsOf(params[1]));
    subscriber.subscriptions.set(id, { id, wish, commitment });
    return id;
  }

  /** For a signature that has landed already; call once the client knows the subscription's number. */
  catchUp(subscriber: Subscriber, id: number): void {
    const subscription = subscriber.subscriptions.get(id);
    if (subscription?.wish.kind !== "signature") return;
    const { signature } = subscription.wish;
    const found = this.chain.ledger.queries.transaction(signature);
    if (found === null) return;
    const slot = this.chain.slot(subscription.commitment);
    if (found.slot > slot || this.chain.hidden.has(signature, this.chain.slot("processed"))) {
      // It landed before there was a subscription, so nobody else will bring it up again.
      this.#early.push({ subscriber, id });
      return;
    }
    const error: unknown = found.error === null ? null : JSON.parse(found.error);
    this.#tell(subscriber, subscription, slot, { err: error });
  }

  #hear(landed: LandedTransaction | null): void {
    if (this.#subscribers.size === 0) {
      for (const commitment of commitments) this.#waiting[commitment].length = 0;
      this.#early.length = 0;
      return;
    }
    for (const { subscriber, id } of this.#early.splice(0)) this.catchUp(subscriber, id);
    if (landed !== null) for (const commitment of commitments) this.#waiting[commitment].push(landed);
    for (const commitment of commitments) this.#deliver(commitment);
    const slot = this.chain.slot("processed");
    if (slot !== this.#lastSlot) this.#tellSlot(slot);
    this.#lastSlot = slot;
  }

  #deliver(commitment: Commitment): void {
    const slot = this.chain.slot(commitment);
    const newest = this.chain.slot("processed");
    const isDue = (one: LandedTransaction): boolean =>
      one.slot <= slot && !this.chain.hidden.has(one.signature, newest);
    const waiting = this.#waiting[commitment];
    const due = waiting.filter(isDue);
    if (due.length === 0) return;
    waiting.splice(0, waiting.length, ...waiting.filter((one) => !due.includes(one)));
    this.#each(commitment, (subscriber, subscription) => {
      for (const landed of due) this.#offer(subscriber, subscription, slot, landed);
    });
  }

  #offer(subscriber: Subscriber, subscription: Subscription, slot: number, landed: LandedTransaction): void {
    const { wish, commitment } = subscription;
    const { signature, error: err, logs, addresses } = landed;
    const names = (address: Uint8Array): boolean => addresses.some((one) => sameBytes(one, address));
    if (wish.kind === "signature" && wish.signature === signature) this.#tell(subscriber, subscription, slot, { err });
    if (wish.kind === "logs" && (wish.mentions === null || names(wish.mentions))) {
      this.#tell(subscriber, subscription, slot, { signature, err, logs });
    }
    if (wish.kind === "account" && names(wish.address)) {
      const account = this.chain.account(wish.address, commitment);
      const shown = account ?? { lamports: 0n, owner: new Uint8Array(32), executable: false, data: new Uint8Array() };
      this.#tell(subscriber, subscription, slot, encodeAccount(shown, wish.view, decimals(this.chain, commitment)));
    }
  }

  #tellSlot(slot: number): void {
    const result = { slot, parent: slot - 1, root: this.chain.slot("finalized") };
    this.#each("processed", (subscriber, { id, wish }) => {
      if (wish.kind === "slot") subscriber.send(notification("slot", result, id));
    });
  }

  #tell(subscriber: Subscriber, { id, wish }: Subscription, slot: number, value: unknown): void {
    // The official node ends a signature's subscription with its notification, and web3.js counts on it.
    if (wish.kind === "signature" && !subscriber.subscriptions.delete(id)) return;
    subscriber.send(notification(wish.kind, withContext(slot, value), id));
  }

  #each(commitment: Commitment, visit: (subscriber: Subscriber, subscription: Subscription) => void): void {
    for (const subscriber of this.#subscribers) {
      for (const subscription of [...subscriber.subscriptions.values()]) {
        if (subscription.commitment === commitment) visit(subscriber, subscription);
      }
    }
  }
}

const notification = (kind: Kind, result: unknown, subscription: number): string =>
  JSON.stringify({ jsonrpc: "2.0", method: `${kind}Notification`, params: { result, subscription } });

function wishOf(method: Begin, [first, settings]: readonly unknown[]): Wish {
  switch (method) {
    case "signatureSubscribe":
      return { kind: "signature", signature: signatureOf(first) };
    case "accountSubscribe":
      return { kind: "account", address: addressOf(first), view: notifiableView(settingsOf(settings)) };
    case "logsSubscribe":
      return { kind: "logs", mentions: mentionsOf(first) };
    case "slotSubscribe":
      return { kind: "slot" };
  }
}

/** Base58 is refused for larger accounts, and there is nobody to refuse it to when the account has grown. */
function notifiableView(settings: Fields): AccountView {
  const view = accountViewOf(settings);
  if (view.encoding !== "base58" && view.encoding !== "binary") return view;
  throw invalidParam("the encoding of an account subscription must be base64, base64+zstd or jsonParsed");
}

function mentionsOf(filter: unknown): Uint8Array | null {
  if (filter === "all" || filter === "allWithVotes") return null;
  const [mentioned, ...more] = isFields(filter) ? listOf(filter.mentions, "mentions", 1) : [];
  if (mentioned === undefined || more.length > 0)
    throw invalidParam('the filter must be "all" or { mentions: [address] }');
  return addressOf(mentioned, "mentions");
}
