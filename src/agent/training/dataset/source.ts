import { realpathSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { builtinDatasets } from "../datasets/index.ts";
import { shown, TrainingError } from "../errors.ts";
import type { FileAccess, JobLimits } from "../job.ts";
import { listed } from "../model/fields.ts";
import { download } from "./download.ts";

export interface SourceOptions {
  /** The job's field the address stands in, for error messages. */
  readonly field: "dataset_uri" | "hyperparameters.weights_uri";
  readonly files: FileAccess;
  readonly limits: JobLimits;
  readonly signal: AbortSignal;
}

/** Everything an address may look like, for people. */
const allowedAddresses = "a built-in name such as builtin:iris, a file: path or an http(s): address";

/** Reads a whole dataset as text. Gzip is unpacked whatever the name says. Throws TrainingError. */
export async function readText(uri: string, options: SourceOptions): Promise<string> {
  const builtin = builtinDatasets.get(uri);
  if (builtin !== undefined) return builtin;
  if (uri.startsWith("builtin:")) return builtinNamed(uri.slice("builtin:".length), options.field);
  const bytes = await readBytes(uri, options);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new TrainingError(
      "invalid_dataset",
      `${options.field}: the file is not UTF-8 text; use CSV in UTF-8, plain or gzipped`,
    );
  }
}

/** Reads a whole file from disk or the web. Throws TrainingError "unavailable", "too_large" or "unsupported". */
export async function readBytes(uri: string, options: SourceOptions): Promise<Uint8Array> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase(); // two letters at least: C:\ is a path
  if (scheme === "http" || scheme === "https") {
    return unpacked(await download(uri, { ...options, maxBytes: options.limits.maxInputBytes }), options);
  }
  if (scheme === "remote") {
    throw new TrainingError(
      "unsupported",
      `${options.field}: ${shown(uri)} is held by the engine, and this node takes no data peer to peer; use ${allowedAddresses}`,
    );
  }
  if (scheme !== undefined && scheme !== "file") {
    throw new TrainingError("unsupported", `${options.field}: ${shown(uri)} is not supported; use ${allowedAddresses}`);
  }
  return unpacked(await readLocal(pathOf(uri, options), uri, options), options);
}

function builtinNamed(name: string, field: string): string {
  const text = builtinDatasets.get(name);
  if (text === undefined) {
    const names = [...builtinDatasets.keys()].map((each) => `builtin:${each}`);
    throw new TrainingError(
      "unavailable",
      `${field}: ${shown(`builtin:${name}`)} is not a built-in dataset; use ${listed(names)}`,
    );
  }
  return text;
}

function pathOf(uri: string, options: SourceOptions): string {
  // A relative path is looked up where the job may look.
  const base = options.files === "any" ? process.cwd() : (options.files[0] ?? process.cwd());
  if (!uri.toLowerCase().startsWith("file:")) return resolve(base, uri);
  if (!uri.toLowerCase().startsWith("file:/")) return resolve(base, uri.slice("file:".length));
  try {
    return fileURLToPath(uri);
  } catch {
    throw new TrainingError(
      "unavailable",
      `${options.field}: ${shown(uri)} is not a local file: address; use file:///absolute/path`,
    );
  }
}

async function readLocal(path: string, uri: string, options: SourceOptions): Promise<Uint8Array> {
  requireAccess(path, uri, options);
  try {
    const status = statSync(path);
    // A device or a pipe never ends.
    if (!status.isFile())
      throw new TrainingError("unavailable", `${options.field}: ${shown(uri)} is not a regular file`);
    requireSize(status.size, options);
    return await readFile(path, { signal: options.signal });
  } catch (error) {
    if (error instanceof TrainingError) throw error;
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new TrainingError("unavailable", `${options.field}: ${shown(uri)} could not be read (${reason})`);
  }
}

/**
 * Refuses a file outside the directories meant for jobs, links followed. The refusal is the same whether the file
 * exists or not, so a job cannot probe the node's disk.
 */
function requireAccess(path: string, uri: string, options: SourceOptions): void {
  if (options.files === "any") return;
  const real = realOrSame(path);
  const inside = options.files.some((root) => {
    const way = relative(realOrSame(root), real);
    return way !== "" && way !== ".." && !/^\.\.[\\/]/.test(way) && !isAbsolute(way);
  });
  if (inside) return;
  const where =
    options.files.length === 0
      ? "this node opens no local files to jobs"
      : "it is outside this node's data directories";
  throw new TrainingError(
    "unavailable",
    `${options.field}: ${shown(uri)} is not allowed: ${where}; use ${allowedAddresses}`,
  );
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function unpacked(bytes: Uint8Array, options: SourceOptions): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: options.limits.maxInputBytes });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(options);
    throw new TrainingError("invalid_dataset", `${options.field}: the gzip file is damaged (${String(error)})`);
  }
}

function requireSize(size: number, options: SourceOptions): void {
  if (size > options.limits.maxInputBytes) throw tooLarge(options);
}

function tooLarge(options: SourceOptions): TrainingError {
  return new TrainingError(
    "too_large",
    `${options.field}: the file is larger than the ${options.limits.maxInputBytes} bytes this node allows`,
  );
}
