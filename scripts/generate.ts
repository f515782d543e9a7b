/**
 * Generates src/transport/grpc/generated/ from proto/.
 *
 *     npm run generate              writes the files
 *     npm run generate -- --check   writes nothing; fails if the files are not what the protos say
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { descriptorsModule } from "./generate/descriptors.ts";
import { modulePath } from "./generate/names.ts";
import { readSchema } from "./generate/schema.ts";
import { typescriptModule } from "./generate/typescript.ts";

const root = join(import.meta.dir, "..");
const output = join(root, "src/transport/grpc/generated");

const banner = (source: string) =>
  `// Generated from ${source} by scripts/generate.ts. Do not edit: run \`npm run generate\`.\n\n`;

function generate(): Map<string, string> {
  const files = readSchema(join(root, "proto"));
  return new Map([
    ...files.map((file) => {
      return [modulePath(file.path), banner(`proto/${file.path}`) + typescriptModule(file, files)] as const;
    }),
    ["descriptors.ts", banner("proto/") + descriptorsModule(files)],
  ]);
}

function existing(): Map<string, string> {
  if (!existsSync(output)) return new Map();
  const paths = readdirSync(output, { recursive: true, encoding: "utf8" }).map((path) => path.replaceAll("\\", "/"));
  const sources = paths.filter((path) => path.endsWith(".ts"));
  return new Map(sources.map((path) => [path, readFileSync(join(output, path), "utf8").replaceAll("\r\n", "\n")]));
}

const wanted = generate();
const present = existing();
const stale = [...new Set([...wanted.keys(), ...present.keys()])].filter(
  (path) => wanted.get(path) !== present.get(path),
);

if (process.argv.includes("--check")) {
  if (stale.length > 0) {
    console.error(
      "src/transport/grpc/generated/ is not what proto/ says. Run `npm run generate` and commit the result.",
    );
    for (const path of stale) console.error(`  ${path}`);
    process.exit(1);
  }
} else {
  for (const path of stale) {
    const content = wanted.get(path);
    if (content === undefined) {
      rmSync(join(output, path));
    } else {
      mkdirSync(dirname(join(output, path)), { recursive: true });
      writeFileSync(join(output, path), content);
    }
  }
  console.log(stale.length > 0 ? `Wrote ${stale.join(", ")}` : "Nothing to do: the generated code is up to date.");
}
