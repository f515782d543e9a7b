/**
 * One connection's two streams of bytes. Frames pass as they are, but for those of submissions that are refused unread: these
 * the server behind the gate never sees, and the gate answers in its place.
 *
 * Why that breaks nothing:
 *   - A block of headers may refer to what earlier blocks have said, so leaving one out would spoil those after it. The
 *     gate therefore asks the peer to do without, by a word in the server's settings: a table of size 0. A peer that agrees
 *     says so at the head of its next block (RFC 7541, 4.2); until then nothing is refused here. (gRPC's own core and Node
 *     agree. Bun 1.4 goes on as before, so calls of Bun's are never refused here.)
 *   - Streams are numbered upwards, and skipping numbers is allowed. Later frames of a refused stream are left out too.
 *   - What is left out was counted against the connection's window, so the gate gives that back itself.
 *   - The gate writes only between the server's frames, never inside a block of headers.
 *   - Whatever the gate does not recognise passes, and meets the server's own admission.
 */
import {
  credit,
  DATA,
  END_HEADERS,
  END_STREAM,
  FrameWalk,
  flagsAt,
  frame,
  HEAD,
  HEADERS,
  lengthAt,
  NO_TABLE,
  PADDED,
  PREFACE,
  PRIORITY,
  SETTINGS,
  streamAt,
  typeAt,
} from "../../http2/frames.ts";

export interface ConnectionGateOptions {
  /** Whether any submission is to be refused unread now. */
  readonly active: () => boolean;
  readonly isSubmission: (block: Buffer) => boolean;
  /** Asked for each submission while active. */
  readonly admits: () => boolean;
  /** The block of headers that refuses. */
  readonly refusal: () => Buffer;
  readonly toServer: (bytes: Buffer) => void;
  readonly toPeer: (bytes: Buffer) => void;
}

/** A block of headers of more than this is passed unseen; gRPC's are a few hundred bytes. */
const MOST_INSPECTED = 16_384;
/** Refused streams of which something may still come, of the newest that many. */
const MOST_REMEMBERED = 1000;

/** At the head of a block: "the table is of this size from here on". */
const TABLE_SIZE = 0x20;
const TABLE_SIZE_MASK = 0xe0;

export class ConnectionGate {
  readonly #options: ConnectionGateOptions;
  /** Bytes of the preface still to come; negative: the peer speaks something else, and the gate keeps out of it. */
  #preface = PREFACE.length;
  /** The beginning of a frame whose rest is needed to decide on it. */
  #held: Buffer | null = null;
  /** Bytes of the frame under way, and whether it is left out. */
  #left = 0;
  #dropping = false;
  #lastStream = 0;
  readonly #refused = new Set<number>();
  readonly #outgoing = new FrameWalk();
  /** Written once there is a gap between the server's frames. */
  #waiting: Buffer[] = [];
  /** The beginning of the server's first frame, its settings; null once it has gone out. */
  #settings: Buffer | null = Buffer.alloc(0);
  #peerHasNoTable = false;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
  }

  fromPeer(chunk: Buffer): void {
    const bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = null;
    let at = this.#preface > 0 ? this.#takePreface(bytes) : 0;
    if (this.#preface < 0) {
      this.#options.toServer(bytes);
      return;
    }
    /** Where the bytes begin that are to be passed on. */
    let from = 0;
    let returned = 0;
    const passUpTo = (end: number) => {
      if (end > from) this.#options.toServer(bytes.subarray(from, end));
    };
    while (at < bytes.length) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#dropping) {
          passUpTo(at);
          from = end;
        }
        at = end;
        continue;
      }
      const verdict = this.#judge(bytes, at);
      if (verdict === "incomplete") {
        passUpTo(at);
        this.#held = Buffer.from(bytes.subarray(at));
        from = bytes.length;
        break;
      }
      this.#left = HEAD + lengthAt(bytes, at);
      this.#dropping = verdict === "drop";
      if (this.#dropping && typeAt(bytes, at) === DATA) returned += lengthAt(bytes, at);
    }
    passUpTo(bytes.length);
    if (returned > 0) this.#say(credit(returned));
    this.#flush();
  }

  fromServer(chunk: Buffer): void {
    const bytes = this.#settings === null ? chunk : this.#askedToo(Buffer.concat([this.#settings, chunk]));
    const gap = this.#outgoing.over(bytes);
    if (this.#waiting.length === 0 || gap <= 0) {
      this.#options.toPeer(bytes);
      this.#flush();
      return;
    }
    this.#options.toPeer(bytes.subarray(0, gap));
    for (const one of this.#waiting.splice(0)) this.#options.toPeer(one);
    if (gap < bytes.length) this.#options.toPeer(bytes.subarray(gap));
  }

  /** With the gate's wish among the settings with which the server begins; empty as long as these are not complete. */
  #askedToo(bytes: Buffer): Buffer {
    const end = bytes.length < HEAD ? Number.POSITIVE_INFINITY : HEAD + lengthAt(bytes, 0);
    if (end > bytes.length) {
      this.#settings = bytes;
      return Buffer.alloc(0);
    }
    this.#settings = null;
    if (typeAt(bytes, 0) !== SETTINGS) return bytes;
    const wishes = Buffer.concat([bytes.subarray(HEAD, end), NO_TABLE]);
    return Buffer.concat([frame(SETTINGS, flagsAt(bytes, 0), 0, wishes), bytes.subarray(end)]);
  }

  #takePreface(bytes: Buffer): number {
    const done = PREFACE.length - this.#preface;
    const many = Math.min(this.#preface, bytes.length);
    this.#preface = bytes.subarray(0, many).equals(PREFACE.subarray(done, done + many)) ? this.#preface - many : -1;
    return many;
  }

  /** What becomes of the frame that begins there. */
  #judge(bytes: Buffer, at: number): "pass" | "drop" | "incomplete" {
    if (bytes.length - at < HEAD) return "incomplete";
    const type = typeAt(bytes, at);
    const stream = streamAt(bytes, at);
    if (type !== HEADERS || stream <= this.#lastStream) return this.#refused.has(stream) ? "drop" : "pass";
    if ((flagsAt(bytes, at) & (PADDED | PRIORITY)) !== 0) {
      // The block begins somewhere inside. gRPC clients send no such frames, so they are not worth looking for it.
      this.#lastStream = stream;
      return "pass";
    }
    const length = lengthAt(bytes, at);
    const block = bytes.subarray(at + HEAD, at + HEAD + length);
    if (block.length < Math.min(2, length)) return "incomplete";
    if (isTableSize(block[0])) this.#peerHasNoTable = block[0] === TABLE_SIZE && !isTableSize(block[1]);
    else if (this.#peerHasNoTable && this.#options.active()) {
      const inOne = (flagsAt(bytes, at) & END_HEADERS) !== 0 && length <= MOST_INSPECTED;
      if (inOne && block.length < length) return "incomplete";
      if (inOne && this.#options.isSubmission(block) && !this.#options.admits()) {
        this.#lastStream = stream;
        this.#refuse(stream);
        return "drop";
      }
    }
    this.#lastStream = stream;
    return "pass";
  }

  #refuse(stream: number): void {
    this.#say(frame(HEADERS, END_STREAM | END_HEADERS, stream, this.#options.refusal()));
    this.#refused.add(stream);
    if (this.#refused.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#refused;
    if (oldest !== undefined) this.#refused.delete(oldest);
  }

  #say(bytes: Buffer): void {
    this.#waiting.push(bytes);
  }

  /** Everything that waits goes out in one piece, if the server is not in the middle of a frame. */
  #flush(): void {
    if (this.#waiting.length === 0 || this.#settings !== null || !this.#outgoing.between) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#options.toPeer(waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting));
  }
}

const isTableSize = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & TABLE_SIZE_MASK) === TABLE_SIZE;
