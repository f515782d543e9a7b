/** What things of the wire contract are called in TypeScript, and where they live. */

/** Names that would hide a global of JavaScript in every module that imports them. */
const GLOBALS = new Set(["Array", "Date", "Error", "Map", "Object", "Promise", "Record", "Set", "String", "Symbol"]);

/** Our own name for a protobuf type: a nested one is flattened (`LogMessage_Level`). */
export function typeName(fullName: string, packageName: string): string {
  const name = fullName.slice(packageName.length + 1).replaceAll(".", "_");
  return GLOBALS.has(name) ? `Protocol${name}` : name;
}

/** `job_id` becomes `jobId`, as protoc's own JSON names do. */
export function jsonName(name: string): string {
  return name.replaceAll(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

export function methodName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The generated module for a proto file: `cyxwiz/job.proto` becomes `cyxwiz/job.ts`. */
export function modulePath(protoPath: string): string {
  return protoPath.replace(/\.proto$/, ".ts");
}

/** How the module at `from` imports the one at `to`, both relative to the same folder. */
export function importPath(from: string, to: string): string {
  const up = from.split("/").slice(0, -1);
  const down = to.split("/");
  while (up.length > 0 && down.length > 1 && up[0] === down[0]) {
    up.shift();
    down.shift();
  }
  return (up.length === 0 ? "./" : "../".repeat(up.length)) + down.join("/");
}
