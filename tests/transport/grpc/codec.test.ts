/** The generated codecs against protobufjs's own, which reads the .proto files at run time; and against bad bytes. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import protobuf from "protobufjs";
import * as gang from "../../../src/transport/grpc/generated/cyxwiz/gang.ts";
import * as scheduling from "../../../src/transport/grpc/generated/cyxwiz/scheduling.ts";
import { fileDescriptors } from "../../../src/transport/grpc/generated/descriptors.ts";
import * as health from "../../../src/transport/grpc/generated/grpc/health/v1/health.ts";
import * as reflection from "../../../src/transport/grpc/generated/grpc/reflection/v1/reflection.ts";
import * as alpha from "../../../src/transport/grpc/generated/grpc/reflection/v1alpha/reflection.ts";
import * as protocol from "../../../src/transport/grpc/protocol.ts";
import {
  DecodeError,
  JobConfig,
  JobStatus,
  StatusCode,
  TensorInfo,
  TrainingCommand,
} from "../../../src/transport/grpc/protocol.ts";
import { forTheirs, plainOfOurs, plainOfTheirs, randomMessage, seeded } from "./random-messages.ts";

type Fields = Record<string, unknown>;
/** Any message type: what it takes and gives is random here, so only looked at as fields. */
interface AnyType {
  readonly typeName: string;
  create(partial?: Fields): Fields;
  encode(message: Fields): Uint8Array;
  decode(bytes: Uint8Array): Fields;
}

const proto = new protobuf.Root();
proto.resolvePath = (_origin, target) => join(import.meta.dir, "../../../proto", target);
proto
  .loadSync(
    fileDescriptors.map((file) => file.name),
    { keepCase: true },
  )
  .resolveAll();

const types = [protocol, gang, scheduling, health, reflection, alpha]
  .flatMap((module) => Object.values<unknown>(module))
  .filter((each): each is AnyType => typeof each === "object" && each !== null && "typeName" in each);

const theirs = (typeName: string) => proto.lookupType(typeName);
const bytes = (...values: number[]) => Uint8Array.from(values);

describe("every message type", () => {
  test("of the protos has a codec", () => {
    const names = fileDescriptors
      .flatMap((file) => file.symbols)
      .filter((name) => proto.lookup(name) instanceof protobuf.Type);
    expect(types.map((type) => type.typeName).sort()).toEqual(names.sort());
  });

  test("reads what protobufjs writes, and protobufjs reads what it writes", () => {
    const random = seeded(20250105);
    for (const type of types) {
      const reference = theirs(type.typeName);
      for (let round = 0; round < 40; round++) {
        const partial = randomMessage(reference, random);
        const whole = type.create(partial);
        const expected = plainOfOurs(reference, whole);
        const written = type.encode(partial);
        expect(plainOfOurs(reference, type.decode(written))).toEqual(expected);
        expect(plainOfTheirs(reference, reference.decode(written) as never)).toEqual(expected);
        const writtenByThem = reference.encode(reference.fromObject(forTheirs(reference, partial))).finish();
        expect(plainOfOurs(reference, type.decode(writtenByThem))).toEqual(expected);
        expect(type.encode(whole)).toEqual(written); // sending defaults is sending nothing
      }
    }
  }, 60_000);

  test("answers any cut or corrupted message with a value or a DecodeError, nothing else", () => {
    const random = seeded(7);
    for (const type of types) {
      const written = type.encode(randomMessage(theirs(type.typeName), random));
      for (let round = 0; round < 60; round++) {
        const broken = written.slice(0, Math.floor(random() * (written.length + 1)));
        for (let flips = Math.floor(random() * 3); flips > 0 && broken.length > 0; flips--) {
          broken[Math.floor(random() * broken.length)] = Math.floor(random() * 256);
        }
        try {
          type.decode(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }
    }
  });

  test("decodes nothing to its defaults", () => {
    for (const type of types) expect(type.decode(bytes())).toEqual(type.create());
  });
});

describe("64-bit integers", () => {
  for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 32n, -1n]) {
    test(`${value} comes through exactly, alone and in a list`, () => {
      expect(JobStatus.decode(JobStatus.encode({ startTime: value })).startTime).toBe(value);
      expect(TensorInfo.decode(TensorInfo.encode({ shape: [value, 0n, value] })).shape).toEqual([value, 0n, value]);
    });
  }

  test("unsigned ones reach 2^64 - 1", () => {
    const { Transaction } = protocol;
    for (const jobId of [2n ** 64n - 1n, 2n ** 63n]) {
      expect(Transaction.decode(Transaction.encode({ jobId })).jobId).toBe(jobId);
    }
    expect(() => Transaction.encode({ jobId: -1n })).toThrow(RangeError);
  });

  test("what does not fit is refused, not bent", () => {
    expect(() => JobStatus.encode({ startTime: 2n ** 63n })).toThrow("does not fit an int64");
    expect(() => JobConfig.encode({ epochs: 2 ** 31 })).toThrow("does not fit an int32");
    expect(() => JobConfig.encode({ epochs: 1.5 })).toThrow("does not fit an int32");
  });
});

describe("a reader of newer messages", () => {
  test("skips fields it does not know, of every wire type", () => {
    const unknown = bytes(
      0xf8,
      0x07,
      1,
      0xf9,
      0x07,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0xfa,
      0x07,
      2,
      9,
      9,
      0xfd,
      0x07,
      1,
      2,
      3,
      4,
    );
    const group = bytes(0xfb, 0x07, 0x08, 1, 0xfc, 0x07);
    const message = Buffer.concat([unknown, JobConfig.encode({ jobId: "j" }), group, JobConfig.encode({ epochs: 3 })]);
    expect(JobConfig.decode(message)).toEqual(JobConfig.create({ jobId: "j", epochs: 3 }));
  });

  test("skips a known field that comes with another wire type", () => {
    expect(JobConfig.decode(bytes(0x08, 5))).toEqual(JobConfig.create()); // job_id as a number
  });

  test("keeps enum numbers it does not know, and sends them on", () => {
    const decoded = JobStatus.decode(bytes(0x10, 99));
    expect(decoded.status as number).toBe(99);
    expect(JobStatus.encode(decoded)).toEqual(bytes(0x10, 99));
  });

  test("takes number lists packed, unpacked and in pieces", () => {
    expect(TensorInfo.decode(bytes(0x0a, 2, 1, 2, 0x08, 3, 0x0a, 1, 4)).shape).toEqual([1n, 2n, 3n, 4n]);
  });

  test("merges a message field that comes twice", () => {
    const { SubmitJobRequest } = protocol;
    const twice = Buffer.concat([
      SubmitJobRequest.encode({ config: { jobId: "j", epochs: 1 } }),
      SubmitJobRequest.encode({ config: { epochs: 2, hyperparameters: { a: "b" } } }),
    ]);
    expect(SubmitJobRequest.decode(twice).config).toEqual(
      JobConfig.create({ jobId: "j", epochs: 2, hyperparameters: { a: "b" } }),
    );
  });
});

describe("bytes that are no message are refused:", () => {
  const refused: Record<string, Uint8Array> = {
    "text cut short": bytes(0x0a, 5, 0x61),
    "a tag without its value": bytes(0x10),
    "a number that never ends": bytes(0x10, ...Array<number>(11).fill(0xff)),
    "a length beyond 4 GiB": bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff),
    "a tag with field number 0": bytes(0x00, 1),
    "a group that ends without beginning": bytes(0xfc, 0x07),
    "a group that does not end": bytes(0xfb, 0x07, 0x08, 1),
    "a group nested a thousand deep": bytes(...Array<number[]>(1000).fill([0xfb, 0x07]).flat()),
    "invalid UTF-8": bytes(0x0a, 1, 0xff),
    "invalid UTF-8 in a long text": bytes(0x0a, 100, ...Array<number>(99).fill(0x61), 0xc3),
    "invalid UTF-8 in a map's key": bytes(0x42, 3, 0x0a, 1, 0xff),
    "a number that runs over the end of its map entry": bytes(0x42, 3, 0x0a, 0, 0x11, 0, 0, 0, 0, 0, 0, 0, 0),
    "a nested message longer than the one around it": bytes(0x3a, 2, 0x12, 5, 0x61, 0x61, 0x61, 0x61, 0x61),
  };
  for (const [what, broken] of Object.entries(refused)) {
    test(what, () => expect(() => JobStatus.decode(broken)).toThrow(DecodeError));
  }

  test("and the error names the type", () => {
    expect(() => JobStatus.decode(bytes(0x10))).toThrow("not a valid cyxwiz.protocol.JobStatus");
  });
});

describe("details of proto3", () => {
  test("a map's key may be __proto__ and pollutes nothing", () => {
    const hyperparameters = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
    const decoded = JobConfig.decode(JobConfig.encode({ hyperparameters })).hyperparameters;
    expect(Object.entries(decoded)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
    expect(Object.getPrototypeOf(decoded)).toBeNull();
    expect(Object.entries(JobConfig.create({ hyperparameters }).hyperparameters)).toEqual(Object.entries(decoded));
    expect(({} as Fields).x).toBeUndefined();
  });

  test("a map entry without key or value has the defaults", () => {
    expect(JobStatus.decode(bytes(0x42, 0)).metrics).toEqual({ "": 0 });
  });

  test("a set oneof is sent even with a default value, and the last one wins", () => {
    const paused = TrainingCommand.encode({ command: { case: "pause", value: false } });
    expect(TrainingCommand.decode(paused).command).toEqual({ case: "pause", value: false });
    const both = Buffer.concat([paused, TrainingCommand.encode({ command: { case: "updateParams", value: {} } })]);
    expect(TrainingCommand.decode(both).command?.case).toBe("updateParams");
  });

  test("a lone surrogate is sent as U+FFFD, for it is no UTF-8", () => {
    expect(JobConfig.decode(JobConfig.encode({ jobId: "a\ud800" })).jobId).toBe("a\ufffd");
  });

  test("decoded bytes are a copy of their own", () => {
    const { SubmitJobRequest } = protocol;
    const frame = Buffer.from(SubmitJobRequest.encode({ initialData: bytes(1, 2, 3) }));
    const { initialData } = SubmitJobRequest.decode(frame);
    frame.fill(0);
    expect(initialData).toEqual(bytes(1, 2, 3));
    expect(initialData.buffer.byteLength).toBe(3);
  });

  test("create copies", () => {
    const shape = [1n];
    const whole = TensorInfo.create({ shape });
    shape.push(2n);
    expect(whole).toEqual({ shape: [1n], dtype: protocol.DataType.DATA_TYPE_UNKNOWN, name: "" });
    expect(JobStatus.create({ status: StatusCode.STATUS_FAILED }).error).toBeUndefined();
  });
});
