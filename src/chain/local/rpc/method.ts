/** What the methods of the JSON-RPC have in common. */
import type { LocalChain } from "../chain.ts";
import type { Faucet } from "../faucet.ts";
import { commitmentOf, type Fields, requireSlot, settingsOf } from "./params.ts";

export interface RpcWorld {
  readonly chain: LocalChain;
  /** Null: `requestAirdrop` is refused. */
  readonly faucet: Faucet | null;
}

/** @returns what goes into `result`; @throws RpcError what goes into `error` */
export type Method = (world: RpcWorld, params: readonly unknown[]) => unknown;
export type Methods = Readonly<Record<string, Method>>;

/** Of a cluster that behaves like this one; clients look at it to know what they may send. */
export const API_VERSION = "3.0.0";

export interface Asked {
  readonly settings: Fields;
  readonly commitment: ReturnType<typeof commitmentOf>;
  /** Whose state the answer shows. */
  readonly slot: number;
}

/** Reads the settings of a request and the slot it is about. */
export function asked({ chain }: RpcWorld, value: unknown): Asked {
  const settings = settingsOf(value);
  const commitment = commitmentOf(settings);
  const slot = chain.slot(commitment);
  requireSlot(settings, slot);
  return { settings, commitment, slot };
}

export const withContext = (slot: number, value: unknown): unknown => ({
  context: { apiVersion: API_VERSION, slot },
  value,
});
