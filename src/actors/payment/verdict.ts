/** What a look at the chain means for a transaction under way. Pure. */
import type { Sight, SignedTransaction } from "./chain.ts";

export type Verdict =
  | { readonly is: "unknown" }
  | { readonly is: "confirmed" }
  /** In a block that is final. It did what it says, or failed and changed nothing. */
  | { readonly is: "final"; readonly error: string | null }
  /** It is in no block and can never be in one: another may take its place. */
  | { readonly is: "dead" };

/**
 * Why a transaction that is called dead cannot land after all (I7): the chain was final above its last valid height before
 * it was looked for, so every block that could hold it was decided; and whoever looked knew all blocks up to there, so it is in
 * none of them. An answer from one that lags behind proves nothing, and neither does silence, an error on sending, or time.
 */
export function verdictOn({ lastValidHeight }: SignedTransaction, sight: Sight): Verdict {
  const { found, finalHeight, finalSlot, answeredAtSlot } = sight;
  if (found?.finality === "finalized") return { is: "final", error: found.error };
  // One that failed may be dropped with its block like any other, so it too is final or nothing.
  if (found !== null)
    return found.finality === "confirmed" && found.error === null ? { is: "confirmed" } : { is: "unknown" };
  return finalHeight > lastValidHeight && answeredAtSlot >= finalSlot ? { is: "dead" } : { is: "unknown" };
}
