/** What a transaction costs, before it is sent. Pure. */
import { encodeBase58 } from "../../domain/base58.ts";
import type { WireInstruction, WireMessage } from "./wire.ts";

const LAMPORTS_PER_SIGNATURE = 5000n;
const COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111";

/** Instructions of these get 3,000 units unless a limit is set, all others 200,000 (SIMD-0170). */
const builtIns = new Set([
  COMPUTE_BUDGET,
  "11111111111111111111111111111111",
  "Vote111111111111111111111111111111111111111",
  "BPFLoader2111111111111111111111111111111111",
  "BPFLoaderUpgradeab1e11111111111111111111111",
]);
const MOST_UNITS = 1_400_000n;
const MICRO = 1_000_000n;

/** Lamports: 5,000 a signature, and the price per unit the sender bids times the units it may use, rounded up. */
export function feeOf(message: WireMessage): bigint {
  let limit: bigint | null = null;
  let price = 0n;
  let units = 0n;
  for (const instruction of message.instructions) {
    const program = encodeBase58(message.keys[instruction.programIdIndex] ?? new Uint8Array());
    units += builtIns.has(program) ? 3_000n : 200_000n;
    if (program !== COMPUTE_BUDGET) continue;
    limit = argument(instruction, 2, 4) ?? limit;
    price = argument(instruction, 3, 8) ?? price;
  }
  const wanted = limit ?? units;
  const paidUnits = wanted > MOST_UNITS ? MOST_UNITS : wanted;
  return BigInt(message.signers) * LAMPORTS_PER_SIGNATURE + (price * paidUnits + MICRO - 1n) / MICRO;
}

/** The little-endian argument of `size` bytes of the compute budget's instruction number `kind`. */
function argument({ data }: WireInstruction, kind: number, size: number): bigint | null {
  if (data[0] !== kind || data.length < 1 + size) return null;
  return data.subarray(1, 1 + size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
