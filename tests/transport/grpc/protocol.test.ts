/** The wire contract: proto/cyxwiz/ against the facts written down from the existing clients, both ways. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ServiceDefinition } from "nice-grpc";
import protobuf from "protobufjs";
import * as descriptor from "protobufjs/ext/descriptor";
import { fileDescriptors } from "../../../src/transport/grpc/generated/descriptors.ts";
import * as protocol from "../../../src/transport/grpc/protocol.ts";
import wireFacts from "../../fixtures/wire-facts.json";

const root = join(import.meta.dir, "../../..");

/** daemon.proto is how a node's own programs talk to each other: the server has no part in it. */
const { "daemon.proto": _, ...facts } = wireFacts.files;

/** One proto file in the shape of wire-facts.json. */
function factsOf(path: string) {
  const proto = new protobuf.Root();
  proto.resolvePath = (_origin, target) => join(root, "proto", target);
  proto.loadSync(path, { keepCase: true }).resolveAll();
  const source = protobuf.parse(readFileSync(join(root, "proto", path), "utf8"), { keepCase: true });
  const scope = proto.lookup(source.package ?? "") as protobuf.Namespace;
  const own = scope.nestedArray.filter((object) => object.filename === join(root, "proto", path));
  const types = own.filter((object) => object instanceof protobuf.Type);
  const enums = [...own, ...types.flatMap((type) => type.nestedArray)].filter((each) => each instanceof protobuf.Enum);
  const services = own.filter((object) => object instanceof protobuf.Service);
  const local = (object: protobuf.ReflectionObject) => object.fullName.slice(`.${source.package}.`.length);
  return {
    package: source.package,
    syntax: /^syntax = "(.*)";$/m.exec(readFileSync(join(root, "proto", path), "utf8"))?.[1],
    imports: (source.imports ?? []).map((each) => basename(each)),
    enums: Object.fromEntries(enums.map((each) => [local(each), each.values])),
    messages: Object.fromEntries(types.map((type) => [local(type), type.fieldsArray.map(fieldFacts)])),
    services: Object.fromEntries(services.map((each) => [each.name, serviceFacts(each)])),
    counts: {
      enums: enums.length,
      enum_values: enums.flatMap((each) => Object.keys(each.values)).length,
      messages: types.length,
      fields: types.flatMap((type) => type.fieldsArray).length,
      services: services.length,
      rpcs: services.flatMap((each) => each.methodsArray).length,
    },
  };
}

function fieldFacts(field: protobuf.Field) {
  const { resolvedType } = field;
  return {
    field: field.name,
    number: field.id,
    type: field instanceof protobuf.MapField ? `map<${field.keyType},${field.type}>` : field.type,
    label: field.map ? "map" : field.options?.proto3_optional ? "optional" : field.repeated ? "repeated" : null,
    ...(resolvedType && {
      resolved: resolvedType.fullName.slice(1),
      kind: resolvedType instanceof protobuf.Enum ? "enum" : "message",
    }),
    ...(field.partOf && { oneof: field.partOf.name }),
  };
}

function serviceFacts(service: protobuf.Service) {
  const methods = service.methodsArray.map((method) => [
    method.name,
    {
      request: method.requestType,
      response: method.responseType,
      client_streaming: method.requestStream === true,
      server_streaming: method.responseStream === true,
      path: `/${service.fullName.slice(1)}/${method.name}`,
    },
  ]);
  return Object.fromEntries(methods);
}

describe("proto/cyxwiz", () => {
  for (const [file, expected] of Object.entries(facts)) {
    test(`${file} says what existing clients say, no more and no less`, () => {
      expect(factsOf(`cyxwiz/${file}`)).toEqual(expected as never);
    });
  }

  test("has no file beyond those and our own, which existing clients do not know", () => {
    const files = [...new Bun.Glob("*").scanSync(join(root, "proto/cyxwiz"))];
    const own = new Set(["gang.proto", "scheduling.proto"]);
    expect(files.filter((file) => !own.has(file)).sort()).toEqual(Object.keys(facts).sort());
  });
});

describe("the generated code", () => {
  test("is what the protos generate", () => {
    const run = Bun.spawnSync([process.execPath, join(root, "scripts/generate.ts"), "--check"]);
    expect(run.stderr.toString()).toBe("");
    expect(run.exitCode).toBe(0);
  });

  test("defines every call under its path on the wire", () => {
    const exported = new Map<string, unknown>(Object.entries(protocol));
    for (const [service, methods] of Object.entries(facts).flatMap(([, file]) => Object.entries(file.services))) {
      const definition = exported.get(`${service}Definition`) as ServiceDefinition;
      const flags = ({ path, client_streaming, server_streaming }: (typeof methods)[string]) =>
        `${path} ${client_streaming} ${server_streaming}`;
      expect(Object.values(definition).map((m) => `${m.path} ${m.requestStream} ${m.responseStream}`)).toEqual(
        Object.values(methods as Record<string, (typeof methods)[string]>).map(flags),
      );
    }
  });

  test("has every enum with its numbers", () => {
    const exported = new Map<string, unknown>(Object.entries(protocol));
    for (const [name, values] of Object.entries(facts).flatMap(([, file]) => Object.entries(file.enums))) {
      expect(exported.get(name.replace(".", "_"))).toEqual(values);
    }
  });
});

const protoc = Bun.spawnSync(["python3", "-c", "import grpc_tools"]).exitCode === 0;

test.skipIf(!protoc)("the descriptors for reflection are those of protoc, byte for byte", () => {
  const names = fileDescriptors.map((file) => file.name);
  const output = join(mkdtempSync(join(tmpdir(), "cyxwiz-protoc-")), "descriptors");
  const command = ["python3", "-m", "grpc_tools.protoc", "-Iproto", `--descriptor_set_out=${output}`, ...names];
  expect(Bun.spawnSync(command, { cwd: root }).exitCode).toBe(0);
  const { file } = descriptor.FileDescriptorSet.decode(readFileSync(output)) as unknown as { file: { name: string }[] };
  const theirs = file.map((each) => {
    const bytes = descriptor.FileDescriptorProto.encode(each).finish();
    return [each.name, Buffer.from(bytes).toString("base64")] as const;
  });
  expect(new Map(fileDescriptors.map((each) => [each.name, each.base64]))).toEqual(new Map(theirs));
});
