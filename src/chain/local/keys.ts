/** Key pairs in files, in the form the Solana tools read: a JSON list of 64 numbers. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { Keypair } from "@solana/web3.js";
import { LocalChainError, messageOf } from "./errors.ts";

/** Readable by its owner alone. */
const PRIVATE = 0o600;

/**
 * The key pair in `file`; a new one is made when there is none. Whole or not there at all, whenever the process dies.
 * @throws LocalChainError `keys_unreadable`
 */
export function keypairIn(file: string): Keypair {
  try {
    if (!existsSync(file)) create(file);
    const numbers: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!Array.isArray(numbers)) throw new Error("it is no list of numbers");
    return Keypair.fromSecretKey(Uint8Array.from(numbers as number[]));
  } catch (error) {
    throw new LocalChainError(
      "keys_unreadable",
      `Could not read the key pair ${file}: ${messageOf(error)}. Restore the file from a backup: what belongs to the key is lost without it.`,
      { cause: error },
    );
  }
}

/** Written beside and then linked: a link never replaces a file, so of two processes that begin at once both use one key. */
function create(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  const descriptor = openSync(draft, "w", PRIVATE);
  try {
    writeFileSync(descriptor, JSON.stringify([...Keypair.generate().secretKey]));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
