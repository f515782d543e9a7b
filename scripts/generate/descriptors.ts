/**
 * Writes the module with our files' descriptors, which server reflection hands out.
 *
 * protobufjs can describe a `Root` by itself, but as one file per package and without imports or JSON names, which
 * grpcurl cannot link; so the descriptors are built here, and a test compares them with protoc's byte for byte.
 */
import * as descriptor from "protobufjs/ext/descriptor";
import { jsonName } from "./names.ts";
import type { FieldType, ProtoEnum, ProtoField, ProtoFile, ProtoMessage, ProtoService } from "./schema.ts";

const WIDTH = 112;

export function descriptorsModule(files: readonly ProtoFile[]): string {
  const entries = files.map((file) => {
    const base64 = Buffer.from(describe(file)).toString("base64");
    return `  {
    name: "${file.path}",
    imports: ${JSON.stringify(file.imports)},
    symbols: [
${wrap(symbolsOf(file).join(" "), / /)}
    ].join(" ").split(" "),
    base64: [
${wrap(base64, /(?:)/)}
    ].join(""),
  },
`;
  });
  return `/** Our .proto files as descriptors, each after those it imports. */
export interface FileDescriptor {
  /** As other files import it: \`cyxwiz/job.proto\`. */
  readonly name: string;
  readonly imports: readonly string[];
  /** Full names of all that the file defines: types, fields, enum values, services, methods. */
  readonly symbols: readonly string[];
  /** A serialized google.protobuf.FileDescriptorProto. */
  readonly base64: string;
}

export const fileDescriptors: readonly FileDescriptor[] = [
${entries.join("")}];
`;
}

/** Splits a long text into string literals of a bearable width, at `separator`. */
function wrap(text: string, separator: RegExp): string {
  const joint = " ".match(separator)?.[0] ?? "";
  const lines: string[] = [];
  let line = "";
  for (const piece of text.split(separator)) {
    if (line !== "" && line.length + piece.length >= WIDTH) {
      lines.push(line);
      line = piece;
    } else {
      line = line === "" ? piece : line + joint + piece;
    }
  }
  return [...lines, line].map((each) => `      "${each}",`).join("\n");
}

function symbolsOf(file: ProtoFile): string[] {
  const ofEnum = (type: ProtoEnum) => {
    const scope = type.fullName.slice(0, -type.name.length); // protobuf puts enum values beside their enum, not in it
    return [type.fullName, ...type.values.map((value) => scope + value.name)];
  };
  return [
    ...file.enums.flatMap(ofEnum),
    ...file.messages.flatMap((message) => [
      message.fullName,
      ...message.fields.map((field) => `${message.fullName}.${field.name}`),
      ...message.oneofs.map((oneof) => `${message.fullName}.${oneof}`),
      ...message.fields
        .filter((field) => field.label === "map")
        .map((field) => `${message.fullName}.${entryName(field)}`),
      ...message.enums.flatMap(ofEnum),
    ]),
    ...file.services.flatMap((service) => [
      service.fullName,
      ...service.methods.map((method) => `${service.fullName}.${method.name}`),
    ]),
  ];
}

function describe(file: ProtoFile): Uint8Array {
  const type = descriptor.FileDescriptorProto;
  return type
    .encode(
      type.fromObject({
        name: file.path,
        package: file.package,
        dependency: file.imports,
        messageType: file.messages.map(describeMessage),
        enumType: file.enums.map(describeEnum),
        service: file.services.map(describeService),
        syntax: "proto3",
      }),
    )
    .finish();
}

const entryName = (field: ProtoField) => {
  const name = jsonName(field.name);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Entry`;
};

function describeMessage(message: ProtoMessage) {
  const maps = message.fields.filter((field) => field.label === "map");
  return {
    name: message.name,
    field: message.fields.map((field) => ({
      name: field.name,
      number: field.number,
      label: field.label === "single" ? LABEL_OPTIONAL : LABEL_REPEATED,
      ...(field.label === "map"
        ? { type: TYPES.message, typeName: `.${message.fullName}.${entryName(field)}` }
        : describeType(field.type)),
      jsonName: jsonName(field.name),
      ...(field.oneof === null ? {} : { oneofIndex: message.oneofs.indexOf(field.oneof) }),
    })),
    // A map is a list of entries, each of a message type made for it.
    nestedType: maps.map((field) => ({
      name: entryName(field),
      field: [
        { name: "key", number: 1, label: LABEL_OPTIONAL, type: TYPES.string, jsonName: "key" },
        { name: "value", number: 2, label: LABEL_OPTIONAL, ...describeType(field.type), jsonName: "value" },
      ],
      options: { mapEntry: true },
    })),
    enumType: message.enums.map(describeEnum),
    oneofDecl: message.oneofs.map((name) => ({ name })),
  };
}

function describeType(type: FieldType) {
  if (type.kind !== "scalar") return { type: TYPES[type.kind], typeName: `.${type.fullName}` };
  const number = TYPES[type.scalar];
  if (number === undefined) throw new Error(`no descriptor for the type ${type.scalar} yet`);
  return { type: number };
}

function describeEnum(type: ProtoEnum) {
  return { name: type.name, value: type.values.map(({ name, number }) => ({ name, number })) };
}

function describeService(service: ProtoService) {
  return {
    name: service.name,
    method: service.methods.map((method) => ({
      name: method.name,
      inputType: `.${method.request}`,
      outputType: `.${method.response}`,
      ...(method.requestStream ? { clientStreaming: true } : {}),
      ...(method.responseStream ? { serverStreaming: true } : {}),
    })),
  };
}

const LABEL_OPTIONAL = 1;
const LABEL_REPEATED = 3;

/** google.protobuf.FieldDescriptorProto.Type, as far as we use it. */
const TYPES: Readonly<Record<string, number>> = {
  double: 1,
  int64: 3,
  uint64: 4,
  int32: 5,
  bool: 8,
  string: 9,
  message: 11,
  bytes: 12,
  enum: 14,
};
