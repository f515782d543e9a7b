/** Shares as frames, and back: one that says what comes, then the weights in pieces. */

import type { Frame, Share as WireShare } from "../../transport/grpc/generated/cyxwiz/gang.ts";
import type { DeepPartial } from "../../transport/grpc/protocol.ts";
import { modelLimits, type Share } from "../training/index.ts";

/** gRPC's implementations take 4 MiB a message unless told otherwise. Pieces also keep "alive" from queueing behind 200 MB. */
const PIECE = 1024 * 1024;
const MOST_BYTES = 4 * modelLimits.parameters;

export type OutgoingFrame = DeepPartial<Frame>;

/** The weights are not copied: they must stay as they are until the frames are sent. */
export function framesOf(round: number, { rows, loss, correct, data, weights }: Share): readonly OutgoingFrame[] {
  const bytes = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength);
  const value = {
    ...{ round, loss, rows: BigInt(rows), correct: BigInt(correct ?? -1) },
    ...{ dataSha256: data, weightsBytes: BigInt(bytes.length) },
  };
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, index): OutgoingFrame => {
    return { body: { case: "weights", value: { data: bytes.subarray(index * PIECE, (index + 1) * PIECE) } } };
  });
  return [{ body: { case: "share", value } }, ...pieces];
}

export interface ReceivedShare {
  readonly round: number;
  readonly share: Share;
}

/** Puts a peer's frames together again. @throws Error saying which rule the peer broke */
export class ShareReader {
  #open: { readonly head: WireShare; readonly bytes: Uint8Array; filled: number } | null = null;

  begin(head: WireShare): ReceivedShare | null {
    if (this.#open) throw new Error("a new share began before all weights of the last had come");
    const { weightsBytes } = head;
    if (weightsBytes < 0n || weightsBytes > MOST_BYTES || weightsBytes % 4n !== 0n) {
      throw new Error(`weights_bytes: ${weightsBytes} is not a number of float32 of up to ${MOST_BYTES} bytes`);
    }
    this.#open = { head, bytes: new Uint8Array(Number(weightsBytes)), filled: 0 };
    return this.#finished();
  }

  add(data: Uint8Array): ReceivedShare | null {
    const open = this.#open;
    if (!open || open.filled + data.length > open.bytes.length) throw new Error("more weights came than announced");
    open.bytes.set(data, open.filled);
    open.filled += data.length;
    return this.#finished();
  }

  #finished(): ReceivedShare | null {
    if (!this.#open || this.#open.filled < this.#open.bytes.length) return null;
    const { head, bytes } = this.#open;
    this.#open = null;
    const { round, loss, dataSha256: data } = head;
    const correct = head.correct < 0n ? null : Number(head.correct);
    return { round, share: { rows: Number(head.rows), loss, correct, data, weights: new Float32Array(bytes.buffer) } };
  }
}
