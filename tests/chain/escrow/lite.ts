/** LiteSVM as its native package gives it: the part that the tests use, with types of our own because it comes with none. */
import { createRequire } from "node:module";

interface SvmAccount {
  data(): Uint8Array;
  lamports(): bigint;
  owner(): Uint8Array;
  executable(): boolean;
}
export interface SvmMeta {
  computeUnitsConsumed(): bigint;
  logs(): string[];
}
interface SvmFailure {
  meta(): SvmMeta;
  err(): unknown;
}
interface SvmClock {
  slot: bigint;
  unixTimestamp: bigint;
}
interface Svm {
  setFeatureSet(features: unknown): void;
  setBuiltins(): void;
  setLamports(lamports: bigint): void;
  setSysvars(): void;
  setPrecompiles(): void;
  setDefaultPrograms(): void;
  setSigverify(on: boolean): void;
  setBlockhashCheck(on: boolean): void;
  getAccount(address: Uint8Array): SvmAccount | null;
  setAccount(address: Uint8Array, account: SvmAccount): void;
  airdrop(address: Uint8Array, lamports: bigint): void;
  minimumBalanceForRentExemption(size: bigint): bigint;
  latestBlockhash(): string;
  expireBlockhash(): void;
  getClock(): SvmClock;
  setClock(clock: SvmClock): void;
  warpToSlot(slot: bigint): void;
  setRent(rent: unknown): void;
  sendLegacyTransaction(bytes: Uint8Array): SvmMeta | SvmFailure;
}
interface LiteSvmPackage {
  /** An empty one; `new LiteSvm()` loads all programs for its own choice of features. */
  readonly LiteSvm: { default(): Svm };
  readonly FeatureSet: { allEnabled(): { getInactiveFeaturesCount(): number } };
  readonly Account: new (
    lamports: bigint,
    data: Uint8Array,
    owner: Uint8Array,
    executable: boolean,
    rentEpoch: bigint,
  ) => SvmAccount;
  readonly Rent: new (lamportsPerByte: bigint, threshold: number, burnPercent: number) => unknown;
  readonly FailedTransactionMetadata: new () => SvmFailure;
}

const require = createRequire(import.meta.url);

/** One native package per platform; which of the two Linux ones was installed is a matter of the C library. */
function load(): LiteSvmPackage {
  const place = `${process.platform}-${process.arch}`;
  for (const libc of process.platform === "linux" ? ["-gnu", "-musl"] : [""]) {
    try {
      return require(`litesvm-${place}${libc}`) as LiteSvmPackage;
    } catch {
      // the next one
    }
  }
  throw new Error(`no LiteSVM for ${place}: run bun install`);
}
export const lite = load();
