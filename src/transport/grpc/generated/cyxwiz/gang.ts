// Generated from proto/cyxwiz/gang.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/**
 * How the members of a gang train one model together. Served by rank 0's node on the gRPC server that also serves
 * NodeService.AssignJob; the central server has no part in it. docs/gangs.md tells the whole story.
 */
import { isZero, messageType, readBytes, readInt64, readMessage, writeInt32, writeInt64, writeMessage, writeString } from "../../codec.ts";
import { method } from "../../definition.ts";

export interface Frame {
  /**
   * welcome: from rank 0: you are in
   * start: from rank 0: all are in, and the central server lets us begin
   * share: both ways
   * weights: both ways, after a share
   * alive: both ways
   * end: both ways, the last frame
   */
  readonly body:
    | { readonly case: "welcome"; readonly value: Welcome }
    | { readonly case: "start"; readonly value: Start }
    | { readonly case: "share"; readonly value: Share }
    | { readonly case: "weights"; readonly value: Weights }
    | { readonly case: "alive"; readonly value: Alive }
    | { readonly case: "end"; readonly value: End }
    | undefined;
}
export const Frame = messageType<Frame>("cyxwiz.gang.v1.Frame", {
  create: (p) => ({
    body: 
      p.body?.case === "welcome" ? { case: "welcome", value: Welcome.create(p.body.value) } :
      p.body?.case === "start" ? { case: "start", value: Start.create(p.body.value) } :
      p.body?.case === "share" ? { case: "share", value: Share.create(p.body.value) } :
      p.body?.case === "weights" ? { case: "weights", value: Weights.create(p.body.value) } :
      p.body?.case === "alive" ? { case: "alive", value: Alive.create(p.body.value) } :
      p.body?.case === "end" ? { case: "end", value: End.create(p.body.value) } :
      p.body,
  }),
  write(m, w) {
    switch (m.body?.case) {
      case "welcome": writeMessage(w, 10, Welcome, m.body.value); break;
      case "start": writeMessage(w, 18, Start, m.body.value); break;
      case "share": writeMessage(w, 26, Share, m.body.value); break;
      case "weights": writeMessage(w, 34, Weights, m.body.value); break;
      case "alive": writeMessage(w, 42, Alive, m.body.value); break;
      case "end": writeMessage(w, 50, End, m.body.value); break;
    }
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.body = { case: "welcome", value: readMessage(r, Welcome, m.body?.case === "welcome" ? m.body.value : undefined) }; return true;
      case 18: m.body = { case: "start", value: readMessage(r, Start, m.body?.case === "start" ? m.body.value : undefined) }; return true;
      case 26: m.body = { case: "share", value: readMessage(r, Share, m.body?.case === "share" ? m.body.value : undefined) }; return true;
      case 34: m.body = { case: "weights", value: readMessage(r, Weights, m.body?.case === "weights" ? m.body.value : undefined) }; return true;
      case 42: m.body = { case: "alive", value: readMessage(r, Alive, m.body?.case === "alive" ? m.body.value : undefined) }; return true;
      case 50: m.body = { case: "end", value: readMessage(r, End, m.body?.case === "end" ? m.body.value : undefined) }; return true;
    }
    return false;
  },
});

export interface Welcome {
}
export const Welcome = messageType<Welcome>("cyxwiz.gang.v1.Welcome", {
  create: () => ({
  }),
  write() {
  },
  readField() {
    return false;
  },
});

export interface Start {
}
export const Start = messageType<Start>("cyxwiz.gang.v1.Start", {
  create: () => ({
  }),
  write() {
  },
  readField() {
    return false;
  },
});

/** From a member: what its rows taught it in this round. From rank 0: the same over all members together. */
export interface Share {
  /** 0 before the first epoch, then the epoch's number */
  readonly round: number;
  /** rows trained on; the weight of this share in the average */
  readonly rows: bigint;
  /** summed over these rows */
  readonly loss: number;
  /** rows classified right; -1 when the model is no classifier */
  readonly correct: bigint;
  /** hex, of the dataset's text as UTF-8; members whose data differ must not train together */
  readonly dataSha256: string;
  /** how many bytes of weights follow */
  readonly weightsBytes: bigint;
}
export const Share = messageType<Share>("cyxwiz.gang.v1.Share", {
  create: (p) => ({
    round: p.round ?? 0,
    rows: p.rows ?? 0n,
    loss: p.loss ?? 0,
    correct: p.correct ?? 0n,
    dataSha256: p.dataSha256 ?? "",
    weightsBytes: p.weightsBytes ?? 0n,
  }),
  write(m, w) {
    if (m.round) writeInt32(w.uint32(8), m.round);
    if (m.rows) writeInt64(w.uint32(16), m.rows);
    if (m.loss !== undefined && !isZero(m.loss)) w.uint32(25).double(m.loss);
    if (m.correct) writeInt64(w.uint32(32), m.correct);
    if (m.dataSha256) writeString(w.uint32(42), m.dataSha256);
    if (m.weightsBytes) writeInt64(w.uint32(48), m.weightsBytes);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.round = r.int32(); return true;
      case 16: m.rows = readInt64(r); return true;
      case 25: m.loss = r.double(); return true;
      case 32: m.correct = readInt64(r); return true;
      case 42: m.dataSha256 = r.stringVerify(); return true;
      case 48: m.weightsBytes = readInt64(r); return true;
    }
    return false;
  },
});

/** A piece of the weights: float32, little-endian, all parameters one after the other. At most 1 MiB a frame. */
export interface Weights {
  readonly data: Uint8Array;
}
export const Weights = messageType<Weights>("cyxwiz.gang.v1.Weights", {
  create: (p) => ({
    data: p.data === undefined ? new Uint8Array() : new Uint8Array(p.data),
  }),
  write(m, w) {
    if (m.data?.length) w.uint32(10).bytes(m.data);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.data = readBytes(r); return true;
    }
    return false;
  },
});

/** Sent when there is nothing else to say, so that silence means something. */
export interface Alive {
}
export const Alive = messageType<Alive>("cyxwiz.gang.v1.Alive", {
  create: () => ({
  }),
  write() {
  },
  readField() {
    return false;
  },
});

export interface End {
  /** empty: done; otherwise why this attempt cannot go on */
  readonly reason: string;
}
export const End = messageType<End>("cyxwiz.gang.v1.End", {
  create: (p) => ({
    reason: p.reason ?? "",
  }),
  write(m, w) {
    if (m.reason) writeString(w.uint32(10), m.reason);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.reason = r.stringVerify(); return true;
    }
    return false;
  },
});

export const GangServiceDefinition = {
  /**
   * One call per member and attempt, from the meeting to the end. Who calls is in the call's metadata: cyxwiz-job,
   * cyxwiz-attempt, cyxwiz-gang-rank, cyxwiz-gang-size and cyxwiz-gang-key.
   */
  train: method("/cyxwiz.gang.v1.GangService/Train", Frame, Frame, true, true),
};
