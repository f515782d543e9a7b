/** The architecture as rules: which folder of src/ may import which. Pure. */
import { dirname, join, normalize } from "node:path/posix";

/**
 * What each part may import, by path inside src/ (a part is its folder; files at the top are their own part). Read
 * upwards it is the drawing in docs/architecture.md: domain, config, actors, (store, chain, observability), transport,
 * faces, and the composition root. A longer name wins over a shorter one.
 */
const layers: Readonly<Record<string, readonly string[]>> = (() => {
  const foundation = ["domain", "config"];
  const adapters = ["store", "chain", "observability"];
  const server = [...foundation, "actors", ...adapters, "transport"];
  return {
    domain: [],
    config: ["domain"],
    actors: foundation,
    store: [...foundation, "actors"],
    chain: [...foundation, "actors"],
    observability: [...foundation, "actors"],
    transport: [...foundation, "actors", ...adapters],
    // The reference node is a program of its own that talks to the server over the wire alone; from the runtime it
    // takes the ports (Log, Clock) and nothing of jobs or nodes, from the transport the contract and gRPC's own services.
    agent: [
      ...foundation,
      "observability",
      "actors/runtime",
      ...["generated", "protocol.ts", "health.ts", "reflection.ts"].map((part) => `transport/grpc/${part}`),
    ],
    tui: server,
    web: server,
    cli: [...server, "agent", "tui", "web"],
    "settings.ts": server,
    "services.ts": [...server, "settings.ts"],
    "money.ts": [...server, "settings.ts"],
    "server.ts": [...server, "web", "settings.ts", "services.ts", "money.ts"],
    "main.ts": [...server, "agent", "tui", "web", "cli", "server.ts"],
  };
})();

/** Folders that stand alone: nothing from outside but these packages. */
const closed: Readonly<Record<string, readonly string[]>> = { "actors/runtime": ["xstate"] };

/** Whether `file` (inside src/) lies in `folder`, or is it. */
const within = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);

const partOf = (file: string): string | undefined => Object.keys(layers).find((part) => within(file, part));

/**
 * Judges one import.
 * @param from the importing file, relative to the root, e.g. "src/store/journal.ts"
 * @param specifier what it imports, as written
 * @param exists whether a file, relative to the root, is there
 * @returns the rule it breaks, or null
 */
export function brokenRule(from: string, specifier: string, exists: (file: string) => boolean): string | null {
  const target = specifier.startsWith(".") ? normalize(join(dirname(from), specifier)) : null;
  if (!from.startsWith("src/")) return target === null ? null : throughFace(from, target, exists);
  const importer = from.slice("src/".length);
  const alone = Object.entries(closed).find(([folder]) => within(importer, folder));
  if (target === null) {
    if (alone === undefined || alone[1].some((name) => within(specifier, name))) return null;
    return `src/${alone[0]} imports nothing but ${alone[1].join(", ")} and itself`;
  }
  if (!target.startsWith("src/")) {
    return isData(target) ? null : "src imports nothing from outside src";
  }
  const imported = target.slice("src/".length);
  if (alone !== undefined && !within(imported, alone[0])) {
    return `src/${alone[0]} imports nothing but ${alone[1].join(", ")} and itself`;
  }
  return againstDirection(importer, imported) ?? throughFace(from, target, exists);
}

/** Package data and SQL or proto text are no code. */
const isData = (target: string): boolean => /\.(json|sql|proto|so|html|css|svg)$/.test(target);

function againstDirection(importer: string, imported: string): string | null {
  const part = partOf(importer);
  if (part === undefined) return `src/${importer} belongs to no layer: add it to scripts/imports/rules.ts`;
  const allowed = layers[part] ?? [];
  if (within(imported, part) || allowed.some((other) => within(imported, other))) return null;
  return `src/${part} may import ${allowed.length === 0 ? "nothing else" : allowed.join(", ")}`;
}

/**
 * A folder with an index.ts is entered through it. The nearest one above the target counts, so an inner folder may have a
 * face of its own. Files in the folder itself, and those below it, may of course import each other.
 */
function throughFace(from: string, target: string, exists: (file: string) => boolean): string | null {
  // A face is a promise about code; data, such as a sample job, has no insides to protect.
  if (isData(target)) return null;
  for (let folder = dirname(target); folder.startsWith("src/") && !within(from, folder); folder = dirname(folder)) {
    const face = `${folder}/index.ts`;
    if (exists(face)) return target === face ? null : `${folder} is entered through ${face} only`;
  }
  return null;
}
