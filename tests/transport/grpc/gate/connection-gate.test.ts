/** Frames through the gate, byte by byte and in one piece: what passes is untouched, what does not leaves no trace. */
import { beforeEach, describe, expect, test } from "bun:test";
import { ConnectionGate } from "../../../../src/transport/grpc/gate/connection-gate.ts";
import {
  ACK,
  credit,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  NO_TABLE,
  PREFACE,
  SETTINGS,
  WINDOW_UPDATE,
} from "../../../../src/transport/http2/frames.ts";

const SUBMIT = Buffer.from("submit");
/** At the head of a block: the table is of size 0 from here on. */
const AGREED = Buffer.of(0x20);
const REFUSAL = Buffer.from("refused");
const RST_STREAM = 3;
const nothing = Buffer.alloc(0);
const settings = frame(SETTINGS, 0, 0, nothing);
const acknowledged = frame(SETTINGS, ACK, 0, nothing);
const headers = (stream: number, block: Uint8Array, flags = END_HEADERS) => frame(HEADERS, flags, stream, block);
const data = (stream: number, bytes: number, flags = END_STREAM) => frame(DATA, flags, stream, Buffer.alloc(bytes, 7));
const refused = (stream: number) => headers(stream, REFUSAL, END_STREAM | END_HEADERS);

let active: boolean;
let toServer: Buffer[];
let toPeer: Buffer[];
let gate: ConnectionGate;
beforeEach(() => {
  active = false;
  toServer = [];
  toPeer = [];
  gate = new ConnectionGate({
    active: () => active,
    isSubmission: (block) => block.includes(SUBMIT),
    admits: () => false,
    refusal: () => REFUSAL,
    toServer: (bytes) => toServer.push(Buffer.from(bytes)),
    toPeer: (bytes) => toPeer.push(Buffer.from(bytes)),
  });
});

const received = (pieces: Buffer[]): Buffer => Buffer.concat(pieces.splice(0));

/** As far as a connection is when its first call has been made. `agreeing`: the peer has given up its table. */
function begin({ agreeing = true }: { readonly agreeing?: boolean } = {}): void {
  gate.fromPeer(Buffer.concat([PREFACE, settings]));
  gate.fromServer(settings);
  gate.fromPeer(acknowledged);
  gate.fromPeer(headers(1, agreeing ? Buffer.concat([AGREED, SUBMIT]) : SUBMIT));
  gate.fromPeer(data(1, 3));
  toServer.length = 0;
  toPeer.length = 0;
}

test.each([1, 100])(
  "the gate asks for no table of headers, among the settings with which the server begins; cut: %d",
  (cut) => {
    const own = Buffer.of(0, 3, 0, 0, 0, 100);
    const said = Buffer.concat([frame(SETTINGS, 0, 0, own), credit(5), settings]);
    for (let at = 0; at < said.length; at += cut) gate.fromServer(said.subarray(at, at + cut));
    expect(received(toPeer)).toEqual(
      Buffer.concat([frame(SETTINGS, 0, 0, Buffer.concat([own, NO_TABLE])), credit(5), settings]),
    );
  },
);

test("a peer that takes its table up again has nothing refused from then on", () => {
  begin();
  active = true;
  gate.fromPeer(headers(3, Buffer.concat([Buffer.of(0x3f, 0xe1, 0x1f), SUBMIT])));
  gate.fromPeer(headers(5, SUBMIT));
  expect(toPeer).toEqual([]);
  // Both words in one block: none, and then again as large as ever.
  gate.fromPeer(headers(7, Buffer.concat([AGREED, Buffer.of(0x3f, 0xe1, 0x1f), SUBMIT])));
  gate.fromPeer(headers(9, SUBMIT));
  expect(toPeer).toEqual([]);
});

describe.each([
  { cut: 1, how: "byte by byte" },
  { cut: 7, how: "in pieces of seven bytes" },
  { cut: 100_000, how: "in one piece" },
])("$how", ({ cut }) => {
  const send = (...frames: readonly Buffer[]) => {
    const bytes = Buffer.concat(frames);
    for (let at = 0; at < bytes.length; at += cut) gate.fromPeer(bytes.subarray(at, at + cut));
  };

  test("while inactive everything passes as it is", () => {
    begin();
    const frames = [headers(3, SUBMIT), data(3, 500, 0), data(3, 0), frame(RST_STREAM, 0, 3, Buffer.alloc(4))];
    send(...frames);
    expect(received(toServer)).toEqual(Buffer.concat(frames));
    expect(toPeer).toEqual([]);
  });

  test("a submission is refused without a trace, and others pass", () => {
    begin();
    active = true;
    const other = [headers(5, Buffer.from("other")), data(5, 30)];
    send(headers(3, SUBMIT), ...other, data(3, 200, 0), frame(RST_STREAM, 0, 3, Buffer.alloc(4)));
    expect(received(toServer)).toEqual(Buffer.concat(other));
    const said = received(toPeer);
    expect(said.indexOf(refused(3))).toBe(0);
    expect(said.subarray(refused(3).length)).toEqual(credit(200));
  });

  test("what was left out is given back to the connection's window, to the byte", () => {
    begin();
    active = true;
    send(headers(3, SUBMIT), data(3, 1000, 0), data(3, 500, 0), data(3, 0), headers(5, SUBMIT), data(5, 77));
    const said = received(toPeer);
    let given = 0;
    for (let at = 0; at < said.length; at += 9 + said.readUIntBE(at, 3))
      if (said[at + 3] === WINDOW_UPDATE) given += said.readUInt32BE(at + 9);
    expect(given).toBe(1577);
    expect(toServer).toEqual([]);
  });

  test("a peer that keeps its table has nothing refused", () => {
    begin({ agreeing: false });
    active = true;
    send(headers(3, SUBMIT), data(3, 10));
    expect(received(toServer)).toEqual(Buffer.concat([headers(3, SUBMIT), data(3, 10)]));
    expect(toPeer).toEqual([]);
  });

  test("the block in which the peer agrees passes, whatever it asks for", () => {
    gate.fromPeer(Buffer.concat([PREFACE, settings]));
    gate.fromServer(settings);
    gate.fromPeer(acknowledged);
    received(toServer);
    active = true;
    const first = headers(1, Buffer.concat([AGREED, SUBMIT]));
    send(first, headers(3, SUBMIT));
    expect(received(toServer)).toEqual(first);
  });

  test("a block in several frames passes unseen", () => {
    begin();
    active = true;
    const frames = [headers(3, SUBMIT, 0), frame(9, END_HEADERS, 3, Buffer.from("more")), data(3, 5)];
    send(...frames);
    expect(received(toServer)).toEqual(Buffer.concat(frames));
  });

  test("a block behind padding or a priority passes unseen, and is not taken for the peer's agreement", () => {
    begin({ agreeing: false });
    active = true;
    const padded = headers(3, Buffer.concat([Buffer.of(0x20), SUBMIT, Buffer.alloc(0x20)]), END_HEADERS | 0x8);
    const ranked = headers(5, Buffer.concat([Buffer.of(0x20, 0, 0, 0, 0), SUBMIT]), END_HEADERS | 0x20);
    send(padded, ranked, headers(7, SUBMIT));
    expect(received(toServer)).toEqual(Buffer.concat([padded, ranked, headers(7, SUBMIT)]));
    expect(toPeer).toEqual([]);
  });

  test("trailers and what else comes late for a stream that passed still pass", () => {
    begin();
    send(headers(3, SUBMIT));
    active = true;
    send(data(3, 5, 0), headers(3, SUBMIT, END_STREAM | END_HEADERS));
    expect(received(toServer)).toEqual(
      Buffer.concat([headers(3, SUBMIT), data(3, 5, 0), headers(3, SUBMIT, END_STREAM | END_HEADERS)]),
    );
  });

  test("who does not speak HTTP/2 is none of the gate's business", () => {
    active = true;
    send(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), headers(3, SUBMIT));
    expect(received(toServer)).toEqual(
      Buffer.concat([Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), headers(3, SUBMIT)]),
    );
  });

  test("a refusal never goes into the middle of the server's frames or header blocks", () => {
    begin();
    active = true;
    const answer = [headers(1, Buffer.from("first"), 0), frame(9, END_HEADERS, 1, Buffer.from("rest")), data(1, 100)];
    const bytes = Buffer.concat(answer);
    // The submission comes after each byte of the answer in turn.
    for (let split = 0; split <= bytes.length; split++) {
      const stream = 2 * split + 3;
      gate.fromServer(bytes.subarray(0, split));
      send(headers(stream, SUBMIT));
      gate.fromServer(bytes.subarray(split));
      const said = received(toPeer);
      const at = said.indexOf(refused(stream));
      const without = Buffer.concat([said.subarray(0, at), said.subarray(at + refused(stream).length)]);
      expect(without).toEqual(bytes);
      const gaps = [0, (answer[0] as Buffer).length + (answer[1] as Buffer).length, bytes.length];
      expect(gaps).toContain(at);
    }
  });
});

test("of refused streams only the newest are remembered", () => {
  begin();
  active = true;
  for (let stream = 3; stream < 5003; stream += 2) gate.fromPeer(headers(stream, SUBMIT));
  received(toServer);
  gate.fromPeer(data(5001, 10));
  expect(toServer).toEqual([]);
});
