/** Writes the TypeScript module of one proto file. */
import { type FieldCode, fieldCode, oneofCode, valueType } from "./fields.ts";
import { importPath, jsonName, methodName, modulePath, typeName } from "./names.ts";
import type { ProtoEnum, ProtoFile, ProtoMessage, ProtoService } from "./schema.ts";

const RUNTIME = ["codec", "definition"] as const;

export function typescriptModule(file: ProtoFile, files: readonly ProtoFile[]): string {
  // A type of another package is known by the file that defines it.
  const packageOf = new Map(
    files.flatMap(({ package: name, messages, enums }) =>
      [...enums, ...messages, ...messages.flatMap((message) => message.enums)].map((type) => [type.fullName, name]),
    ),
  );
  const nameOf = (fullName: string) => typeName(fullName, packageOf.get(fullName) ?? file.package);
  const body = [
    ...file.enums.map((type) => enumCode(type, nameOf)),
    ...file.messages.flatMap((message) => [
      ...message.enums.map((type) => enumCode(type, nameOf)),
      messageCode(message, nameOf),
    ]),
    ...file.services.map((service) => serviceCode(service, nameOf)),
  ].join("\n");
  return `${doc(file.comment, "")}${importCode(file, files, body)}\n${body}`;
}

/** Imports exactly what `body` mentions. */
function importCode(file: ProtoFile, files: readonly ProtoFile[], body: string): string {
  const here = modulePath(file.path);
  const words = new Set(body.replaceAll(/\/\*\*.*?\*\//gs, "").match(/\w+/g)); // of the code, not of comments
  const mentioned = (names: readonly string[]) => names.filter((name) => words.has(name));
  const line = (names: readonly string[], path: string) =>
    names.length > 0 ? `import { ${names.join(", ")} } from "${path}";\n` : "";
  const up = `../${"../".repeat(here.split("/").length - 1)}`;
  const runtime = RUNTIME.map((module) => line(mentioned(RUNTIME_NAMES[module]), `${up}${module}.ts`));
  const others = file.imports.map((path) => {
    const other = files.find((candidate) => candidate.path === path);
    if (!other) throw new Error(`${file.path} imports ${path}, which is not there`);
    const types = [...other.enums, ...other.messages, ...other.messages.flatMap((message) => message.enums)];
    const names = types.map((type) => typeName(type.fullName, other.package));
    return line(mentioned(names), importPath(here, modulePath(path)));
  });
  return [...runtime, ...others].join("");
}

const RUNTIME_NAMES = {
  codec: [
    "copyMap",
    "isZero",
    "messageType",
    "readBytes",
    "readEntry",
    "readInt64",
    "readMessage",
    "readPacked",
    "readUint64",
    "writeEntries",
    "writeInt32",
    "writeInt64",
    "writeMessage",
    "writePacked",
    "writeString",
    "writeUint64",
  ],
  definition: ["method"],
} as const;

function enumCode(type: ProtoEnum, nameOf: (fullName: string) => string): string {
  const name = nameOf(type.fullName);
  const values = type.values.map((value) => `${doc(value.comment, "  ")}  ${value.name}: ${value.number},\n`).join("");
  return `${doc(type.comment, "")}export const ${name} = {
${values}} as const;
/** Numbers this version does not know are passed on unchanged, so a \`switch\` needs its \`default\`. */
export type ${name} = (typeof ${name})[keyof typeof ${name}];
`;
}

function messageCode(message: ProtoMessage, nameOf: (fullName: string) => string): string {
  const name = nameOf(message.fullName);
  const fields = fieldsOf(message, nameOf);
  const properties = fields.map(
    (field) =>
      `${doc(field.comment, "  ")}  readonly ${field.name}:${field.type.startsWith("\n") ? "" : " "}${field.type};\n`,
  );
  const reads = fields.flatMap((field) => field.reads);
  const cases = reads.map(([tag, code]) => `      case ${tag}: ${code} return true;\n`).join("");
  const used = fields.length > 0;
  return `${doc(message.comment, "")}export interface ${name} {
${properties.join("")}}
export const ${name} = messageType<${name}>("${message.fullName}", {
  create: (${used ? "p" : ""}) => ({
${fields.map((field) => `    ${field.name}: ${field.create},\n`).join("")}  }),
  write(${used ? "m, w" : ""}) {
${fields.map((field) => `    ${field.write}\n`).join("")}  },
  readField(${used ? "tag, r, m" : ""}) {
${used ? `    switch (tag) {\n${cases}    }\n` : ""}    return false;
  },
});
`;
}

/** Fields in their order; a oneof stands where its first member does. */
function fieldsOf(message: ProtoMessage, nameOf: (fullName: string) => string) {
  const result: (FieldCode & { readonly comment: string | null })[] = [];
  const done = new Set<string>();
  for (const field of message.fields) {
    if (field.oneof === null) {
      result.push({ ...fieldCode(field, valueType(field, nameOf)), comment: field.comment });
    } else if (!done.has(field.oneof)) {
      done.add(field.oneof);
      const members = message.fields.filter((other) => other.oneof === field.oneof);
      const code = oneofCode(
        field.oneof,
        members.map((member) => ({ field: member, value: valueType(member, nameOf) })),
      );
      const comments = members.filter((member) => member.comment);
      const comment = comments.map((member) => `${jsonName(member.name)}: ${member.comment}`).join("\n");
      result.push({ ...code, comment: comment || null });
    }
  }
  return result;
}

function serviceCode(service: ProtoService, nameOf: (fullName: string) => string): string {
  const methods = service.methods.map((rpc) => {
    const types = `${nameOf(rpc.request)}, ${nameOf(rpc.response)}, ${rpc.requestStream}, ${rpc.responseStream}`;
    const path = `/${service.fullName}/${rpc.name}`;
    return `${doc(rpc.comment, "  ")}  ${methodName(rpc.name)}: method("${path}", ${types}),\n`;
  });
  return `${doc(service.comment, "")}export const ${service.name}Definition = {
${methods.join("")}};
`;
}

function doc(comment: string | null, indent: string): string {
  if (comment === null || comment === "") return "";
  const lines = comment.replaceAll("*/", "* /").split("\n");
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}
