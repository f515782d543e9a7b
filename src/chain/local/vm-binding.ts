/**
 * Loads LiteSVM's native package for this platform and says what we use of it. The package is a bare .node file without
 * types, and Bun cannot `import` one, hence `require`. Each name is written out, so that the bundler finds the one that is
 * installed and takes it into the compiled program; those that are not installed become a throw, which is caught here.
 */
import { LocalChainError, messageOf } from "./errors.ts";

/** u64 values go in and come out as bigint, addresses as 32 bytes. */
export interface NativeAccount {
  lamports(): bigint;
  data(): Uint8Array;
  owner(): Uint8Array;
  executable(): boolean;
}

export interface NativeInstruction {
  programIdIndex(): number;
  accounts(): Uint8Array;
  data(): Uint8Array;
}

export interface NativeMeta {
  logs(): readonly string[];
  innerInstructions(): readonly (readonly { instruction(): NativeInstruction; stackHeight(): number }[])[];
  computeUnitsConsumed(): bigint;
  returnData(): { programId(): Uint8Array; data(): Uint8Array };
}

/** A number stands for a variant without fields; the others are classes that are told apart by what they carry. */
export type NativeInstructionError = number | { readonly code?: number; readonly msg?: string };
export type NativeTransactionError =
  | number
  | { readonly index?: number; readonly accountIndex?: number; err?(): NativeInstructionError };

export interface NativeFailure {
  err(): NativeTransactionError;
  meta(): NativeMeta;
}

export interface NativeSimulation {
  meta(): NativeMeta;
  postAccounts(): readonly { readonly address: Uint8Array; account(): NativeAccount }[];
}

export interface NativeClock {
  slot: bigint;
  epoch: bigint;
  epochStartTimestamp: bigint;
  leaderScheduleEpoch: bigint;
  unixTimestamp: bigint;
}

export interface NativeVm {
  setBlockhashCheck(check: boolean): void;
  setTransactionHistory(capacity: bigint): void;
  setSigverify(verify: boolean): void;
  setFeatureSet(features: object): void;
  setBuiltins(): void;
  setPrecompiles(): void;
  setDefaultPrograms(): void;
  getClock(): NativeClock;
  setClock(clock: NativeClock): void;
  setSlotHashes(hashes: readonly { readonly slot: bigint; readonly hash: string }[]): void;
  minimumBalanceForRentExemption(size: bigint): bigint;
  getAccount(address: Uint8Array): NativeAccount | null;
  setAccount(address: Uint8Array, account: NativeAccount): void;
  sendVersionedTransaction(wire: Uint8Array): NativeMeta | NativeFailure;
  simulateVersionedTransaction(wire: Uint8Array): NativeSimulation | NativeFailure;
}

export interface Binding {
  readonly LiteSvm: new () => NativeVm;
  readonly Account: new (
    lamports: bigint,
    data: Uint8Array,
    owner: Uint8Array,
    executable: boolean,
    rentEpoch: bigint,
  ) => NativeAccount;
  readonly FailedTransactionMetadata: new () => NativeFailure;
  readonly FeatureSet: { allEnabled(): object };
}

/** A binding, or why there is none. */
type Loader = () => unknown | Failure;
class Failure {
  constructor(readonly why: unknown) {}
}

/** Each `require` stands in a `try` of its own: only there does the bundler forgive a package that is not installed. */
const packages = {
  linuxX64Gnu() {
    try {
      return require("litesvm-linux-x64-gnu");
    } catch (error) {
      return new Failure(error);
    }
  },
  linuxX64Musl() {
    try {
      return require("litesvm-linux-x64-musl");
    } catch (error) {
      return new Failure(error);
    }
  },
  linuxArm64Gnu() {
    try {
      return require("litesvm-linux-arm64-gnu");
    } catch (error) {
      return new Failure(error);
    }
  },
  linuxArm64Musl() {
    try {
      return require("litesvm-linux-arm64-musl");
    } catch (error) {
      return new Failure(error);
    }
  },
  darwinX64() {
    try {
      return require("litesvm-darwin-x64");
    } catch (error) {
      return new Failure(error);
    }
  },
  darwinArm64() {
    try {
      return require("litesvm-darwin-arm64");
    } catch (error) {
      return new Failure(error);
    }
  },
} satisfies Readonly<Record<string, Loader>>;

/** By platform and processor, in the order to try: which C library a Linux has shows when its package loads. */
const fitting: Readonly<Record<string, readonly Loader[]>> = {
  "linux-x64": [packages.linuxX64Gnu, packages.linuxX64Musl],
  "linux-arm64": [packages.linuxArm64Gnu, packages.linuxArm64Musl],
  "darwin-x64": [packages.darwinX64],
  "darwin-arm64": [packages.darwinArm64],
};

const instead =
  'Set blockchain.network to "devnet" (a real cluster) or "none" (costs are recorded, nothing is paid) to go on without it.';

let loaded: Binding | undefined;

/**
 * The native package of this platform.
 * @param platform for the tests
 * @throws LocalChainError `vm_missing`
 */
export function loadBinding(platform = `${process.platform}-${process.arch}`): Binding {
  const loaders = fitting[platform];
  if (loaders === undefined) {
    throw new LocalChainError(
      "vm_missing",
      `The local chain runs on ${Object.keys(fitting).join(", ")}, and this is ${platform}. ${instead}`,
    );
  }
  if (loaded !== undefined) return loaded;
  const failures: string[] = [];
  for (const load of loaders) {
    const result: unknown = load();
    if (!(result instanceof Failure)) {
      // The shape is the contract of version 1.4.1, pinned in package.json; the tests run on the real one.
      loaded = result as Binding;
      return loaded;
    }
    failures.push(messageOf(result.why).split("\n", 1)[0] ?? "");
  }
  throw new LocalChainError(
    "vm_missing",
    `The local chain's virtual machine did not load (${failures.join("; ")}). ` +
      `From source: run "bun install" again, with optional dependencies. ` +
      `The compiled program unpacks it to the temporary directory: point TMPDIR to one that can be written. ${instead}`,
  );
}
