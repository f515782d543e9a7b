/** Reads the .proto files into a plain description that the writers turn into TypeScript and descriptors. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";

export interface ProtoFile {
  /** Path below `proto/`, as other files import it: `cyxwiz/job.proto`. */
  readonly path: string;
  readonly package: string;
  readonly imports: readonly string[];
  readonly comment: string | null;
  readonly enums: readonly ProtoEnum[];
  readonly messages: readonly ProtoMessage[];
  readonly services: readonly ProtoService[];
}

/** A type that has a name and lives in a file; `fullName` is `package.Outer.Inner` without a leading dot. */
interface Named {
  readonly name: string;
  readonly fullName: string;
  readonly comment: string | null;
}

export interface ProtoEnum extends Named {
  readonly values: readonly { readonly name: string; readonly number: number; readonly comment: string | null }[];
}

export interface ProtoMessage extends Named {
  readonly fields: readonly ProtoField[];
  readonly oneofs: readonly string[];
  readonly enums: readonly ProtoEnum[];
}

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  /** For a map, the type of its values; its keys are strings. */
  readonly type: FieldType;
  readonly label: "single" | "repeated" | "map";
  readonly oneof: string | null;
  readonly comment: string | null;
}

export type FieldType =
  | { readonly kind: "scalar"; readonly scalar: string }
  | { readonly kind: "enum" | "message"; readonly fullName: string };

export interface ProtoService extends Named {
  readonly methods: readonly {
    readonly name: string;
    readonly request: string;
    readonly response: string;
    readonly requestStream: boolean;
    readonly responseStream: boolean;
    readonly comment: string | null;
  }[];
}

/** Every .proto file below `directory`, each after the files it imports. */
export function readSchema(directory: string): ProtoFile[] {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".proto"))
    .sort();
  const root = new protobuf.Root();
  const parsed = new Map(
    paths.map((path) => {
      const source = readFileSync(join(directory, path), "utf8").replaceAll("\r\n", "\n");
      const options = { keepCase: true, alternateCommentMode: true, preferTrailingComment: true };
      // protobufjs takes the file name, which each type remembers, from a global.
      Object.assign(protobuf.parse, { filename: path });
      const { package: packageName, imports } = protobuf.parse(source, root, options);
      if (!packageName) throw new Error(`${path}: a proto file needs a package`);
      return [path, { package: packageName, imports: imports ?? [], comment: leadingComment(source) }] as const;
    }),
  );
  root.resolveAll();
  const files = [...parsed].map(([path, file]) => ({ path, ...file, ...contents(root, path, file.package) }));
  refuseRecursion(files);
  return importsFirst(files);
}

function contents(root: protobuf.Root, path: string, packageName: string) {
  const objects = root.lookup(packageName);
  if (!(objects instanceof protobuf.Namespace)) throw new Error(`${path}: nothing in package ${packageName}`);
  const own = objects.nestedArray.filter((object) => object.filename === path);
  return {
    enums: own.filter((object) => object instanceof protobuf.Enum).map(readEnum),
    messages: own.filter((object) => object instanceof protobuf.Type).map(readMessage),
    services: own.filter((object) => object instanceof protobuf.Service).map(readService),
  };
}

const named = (object: protobuf.ReflectionObject): Named => ({
  name: object.name,
  fullName: object.fullName.slice(1),
  comment: object.comment,
});

function readEnum(source: protobuf.Enum): ProtoEnum {
  const values = Object.entries(source.values).map(([name, number]) => ({
    name,
    number,
    comment: source.comments[name] ?? null,
  }));
  return { ...named(source), values };
}

function readMessage(source: protobuf.Type): ProtoMessage {
  for (const inner of source.nestedArray) {
    if (!(inner instanceof protobuf.Enum)) throw new Error(`${inner.fullName}: nested messages are not supported yet`);
  }
  return {
    ...named(source),
    fields: source.fieldsArray.map(readField),
    oneofs: source.oneofsArray.map((oneof) => oneof.name),
    enums: source.nestedArray.filter((inner) => inner instanceof protobuf.Enum).map(readEnum),
  };
}

function readField(source: protobuf.Field): ProtoField {
  if (source.options?.proto3_optional) throw new Error(`${source.fullName}: "optional" is not supported yet`);
  if (source instanceof protobuf.MapField && source.keyType !== "string") {
    throw new Error(`${source.fullName}: only maps with string keys are supported yet`);
  }
  return {
    name: source.name,
    number: source.id,
    type: fieldType(source),
    label: source.map ? "map" : source.repeated ? "repeated" : "single",
    oneof: source.partOf?.name ?? null,
    comment: source.comment,
  };
}

function fieldType(source: protobuf.Field): FieldType {
  const resolved = source.resolvedType;
  if (!resolved) return { kind: "scalar", scalar: source.type };
  return { kind: resolved instanceof protobuf.Enum ? "enum" : "message", fullName: resolved.fullName.slice(1) };
}

function readService(source: protobuf.Service): ProtoService {
  const methods = source.methodsArray.map((method) => {
    if (!method.resolvedRequestType || !method.resolvedResponseType) throw new Error(`${method.fullName}: unresolved`);
    return {
      name: method.name,
      request: method.resolvedRequestType.fullName.slice(1),
      response: method.resolvedResponseType.fullName.slice(1),
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      comment: method.comment,
    };
  });
  return { ...named(source), methods };
}

/** The comment a file opens with, which says what it is about. */
function leadingComment(source: string): string | null {
  const lines = source.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return end > 0
    ? lines
        .slice(0, end)
        .map((line) => line.slice(2).trim())
        .join("\n")
    : null;
}

/** The decoder has no depth limit because none is needed without recursion; so recursion must not slip in unseen. */
function refuseRecursion(files: readonly ProtoFile[]): void {
  const messages = new Map(files.flatMap((file) => file.messages).map((message) => [message.fullName, message]));
  const safe = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name)) throw new Error(`${name} contains itself: give the decoder a depth limit first`);
    if (safe.has(name)) return;
    for (const { type } of messages.get(name)?.fields ?? []) {
      if (type.kind === "message") visit(type.fullName, [...above, name]);
    }
    safe.add(name);
  };
  for (const name of messages.keys()) visit(name, []);
}

function importsFirst(files: readonly ProtoFile[]): ProtoFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const ordered = new Set<ProtoFile>();
  const add = (path: string, importer: string): void => {
    const file = byPath.get(path);
    if (!file) throw new Error(`${importer} imports ${path}, which is not there`);
    for (const other of file.imports) add(other, path);
    ordered.add(file);
  };
  for (const file of files) add(file.path, file.path);
  return [...ordered];
}
