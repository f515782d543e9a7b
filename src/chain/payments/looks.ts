/** Looks for transactions: all that are asked for within a moment are one question to the cluster, whoever asks. */
import type { Connection } from "@solana/web3.js";
import type { Sight } from "../../actors/payment/chain.ts";
import type { Clock, Millis } from "../../actors/runtime/index.ts";

/** What looking asks of a cluster; a web3.js `Connection` is one. */
export type LookedAt = Pick<Connection, "getEpochInfo" | "getSignatureStatuses">;

/** Long enough for the payments that a block has moved on to come together, and short beside a block. */
const GATHERING: Millis = 20;
/** As many as a cluster takes in one question. */
const AT_ONCE = 256;

interface Asked {
  readonly signature: string;
  readonly resolve: (sight: Sight) => void;
  readonly reject: (error: unknown) => void;
}

export class Looks {
  #asked: Asked[] = [];

  constructor(
    private readonly cluster: LookedAt,
    private readonly clock: Clock,
    /** What a failed transaction failed of, in words. */
    private readonly explain: (error: unknown) => string,
  ) {}

  look(signature: string): Promise<Sight> {
    const { promise, resolve, reject } = Promise.withResolvers<Sight>();
    if (this.#asked.length === 0) this.clock.after(GATHERING, () => this.#askAll());
    this.#asked.push({ signature, resolve, reject });
    return promise;
  }

  #askAll(): void {
    const all = this.#asked;
    this.#asked = [];
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE);
      this.#ask(some).catch((error: unknown) => {
        for (const { reject } of some) reject(error);
      });
    }
  }

  /** In this order: what is not found by one who knows the chain up to where it was final before is in no block up to there. */
  async #ask(asked: readonly Asked[]): Promise<void> {
    const { blockHeight, absoluteSlot } = await this.cluster.getEpochInfo("finalized");
    // A cluster that does not tell its height tells nothing about what is dead: as if it were at its beginning.
    const final = { finalHeight: blockHeight ?? 0, finalSlot: absoluteSlot };
    const signatures = asked.map(({ signature }) => signature);
    // Without the history a status is forgotten after a while, and would then look as if it had never been.
    const { context, value } = await this.cluster.getSignatureStatuses(signatures, { searchTransactionHistory: true });
    for (const [index, { resolve }] of asked.entries()) {
      const status = value[index] ?? null;
      const found = status && {
        finality: status.confirmationStatus ?? "processed",
        error: status.err === null ? null : this.explain(status.err),
      };
      resolve({ ...final, answeredAtSlot: context.slot, found });
    }
  }
}
