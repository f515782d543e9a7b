/** Questions about the chain itself: slots, blockhashes, fees, versions. */
import { feeOf } from "../fees.ts";
import { invalidParam } from "../rpc-error.ts";
import { SLOTS_PER_EPOCH } from "../vm.ts";
import { decodeMessage, WireError, type WireMessage } from "../wire.ts";
import { API_VERSION, asked, type Methods, withContext } from "./method.ts";
import { bytesOf, integerOf, textOf } from "./params.ts";

/** Programs of 10 MB are the largest accounts there can be. */
const LARGEST_ACCOUNT = 10 * 2 ** 20;

export const clusterMethods: Methods = {
  getLatestBlockhash(world, [settings]) {
    const { commitment, slot } = asked(world, settings);
    return withContext(slot, world.chain.latestBlockhash(commitment));
  },

  isBlockhashValid(world, [hash, settings]) {
    const { slot } = asked(world, settings);
    return withContext(slot, world.chain.isBlockhashValid(textOf(hash, "blockhash")));
  },

  getFeeForMessage(world, [message, settings]) {
    const { slot } = asked(world, settings);
    const decoded = messageOf(bytesOf(message, "base64", "message"));
    // Null is the official answer for a message that can no longer be sent.
    return withContext(slot, world.chain.isBlockhashValid(decoded.recentBlockhash) ? Number(feeOf(decoded)) : null);
  },

  getSlot: (world, [settings]) => asked(world, settings).slot,
  // No slot is ever skipped here, so both are the same number.
  getBlockHeight: (world, [settings]) => asked(world, settings).slot,

  getEpochInfo(world, [settings]) {
    const { slot } = asked(world, settings);
    return {
      epoch: Math.floor(slot / SLOTS_PER_EPOCH),
      slotIndex: slot % SLOTS_PER_EPOCH,
      slotsInEpoch: SLOTS_PER_EPOCH,
      absoluteSlot: slot,
      blockHeight: slot,
      transactionCount: world.chain.ledger.transactionCount,
    };
  },

  getBlockTime({ chain }, [wanted]) {
    const slot = integerOf(wanted, "slot");
    const newest = chain.slot("processed");
    if (slot > newest) throw invalidParam(`Block not available for slot ${slot}: the newest is ${newest}`);
    return chain.timeOf(slot);
  },

  getTransactionCount: ({ chain }) => chain.ledger.transactionCount,
  getMinimumBalanceForRentExemption: ({ chain }, [size]) =>
    Number(chain.rentExemption(integerOf(size, "size", LARGEST_ACCOUNT))),
  getRecentPrioritizationFees: ({ chain }) => [{ slot: chain.slot("processed"), prioritizationFee: 0 }],
  getVersion: () => ({ "solana-core": API_VERSION, "feature-set": 0 }),
  getHealth: () => "ok",
  getGenesisHash: ({ chain }) => chain.ledger.genesisHash,
  getFirstAvailableBlock: () => 0,
};

function messageOf(bytes: Uint8Array): WireMessage {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof WireError) throw invalidParam(`message: ${error.message}`);
    throw error;
  }
}
