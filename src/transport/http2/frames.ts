/** HTTP/2 frames (RFC 9113, section 4), as much of them as the gate must understand. */

/** Bytes of a frame before its payload: 3 of length, type, flags, 4 of stream. */
export const HEAD = 9;
/** What every client sends before its first frame. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const DATA = 0;
export const HEADERS = 1;
export const SETTINGS = 4;
export const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

export const ACK = 0x1;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

/** Among settings: keep no table of headers, so that every block can be read by itself. */
export const NO_TABLE = Buffer.of(0, 1, 0, 0, 0, 0);

export const lengthAt = (bytes: Buffer, at: number): number => bytes.readUIntBE(at, 3);
export const typeAt = (bytes: Buffer, at: number): number => bytes[at + 3] as number;
export const flagsAt = (bytes: Buffer, at: number): number => bytes[at + 4] as number;
export const streamAt = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + 5) & 0x7fff_ffff;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEAD);
  return bytes;
}

/** Lets the peer send so many more bytes over the connection. */
export const credit = (bytes: number): Buffer => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes, 0);
  return frame(WINDOW_UPDATE, 0, 0, payload);
};

/** Follows frames through a stream of bytes that is cut anywhere. */
export class FrameWalk {
  readonly #head = Buffer.alloc(HEAD);
  #known = 0;
  #left = 0;
  #insideHeaders = false;

  /** Whether a frame may be put in here: none is under way, nor a block of headers in several frames. */
  get between(): boolean {
    return this.#known === 0 && this.#left === 0 && !this.#insideHeaders;
  }

  /** Goes on to the end of the bytes. Returns the first place in them where a frame may be put in, their end included; -1: none. */
  over(bytes: Buffer): number {
    let gap = this.between ? 0 : -1;
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
      } else {
        const step = Math.min(HEAD - this.#known, bytes.length - at);
        bytes.copy(this.#head, this.#known, at, at + step);
        this.#known += step;
        at += step;
        if (this.#known < HEAD) continue;
        this.#known = 0;
        this.#left = lengthAt(this.#head, 0);
        const type = typeAt(this.#head, 0);
        if (type === HEADERS || type === CONTINUATION)
          this.#insideHeaders = (flagsAt(this.#head, 0) & END_HEADERS) === 0;
      }
      if (gap === -1 && this.between) gap = at;
    }
    return gap;
  }
}
