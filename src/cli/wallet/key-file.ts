/** The wallet's key pair, in a file as the Solana tools keep theirs. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Keypair } from "@solana/web3.js";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import type { World } from "../world.ts";

export const walletOption = {
  name: "wallet",
  value: "FILE",
  doc: "the wallet's key file; default: ~/.config/cyxwiz/wallet.json",
};

export function walletFile({ environment, directory }: World, named: string | undefined): string {
  if (named !== undefined) return resolve(directory, named);
  const home = environment.HOME ?? environment.USERPROFILE;
  if (home === undefined || home === "")
    throw new CliError("there is no home directory: name the wallet with --wallet FILE", Exit.usage);
  return join(home, ".config", "cyxwiz", "wallet.json");
}

/** @throws CliError when it is not there, or is no key file */
export function readWallet(file: string): Keypair {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new CliError(`there is no wallet at ${file}`, Exit.usage, "Make one with `cyxwiz wallet`.", { cause });
  }
  try {
    return Keypair.fromSecretKey(Uint8Array.from(JSON.parse(text) as number[]));
  } catch (cause) {
    throw new CliError(`${file} is no key file: it must be a JSON list of 64 numbers`, Exit.usage, null, { cause });
  }
}

/** Readable by its owner alone. Never writes over a file. */
export function makeWallet(file: string): Keypair {
  const wallet = Keypair.generate();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify([...wallet.secretKey])}\n`, { mode: 0o600, flag: "wx" });
  return wallet;
}

export const hasWallet = (file: string): boolean => existsSync(file);
