/**
 * The terms a job can state beyond the wire's fields: hyperparameters whose names begin with "cyxwiz.". The wire has no
 * fields for them and its clients need none; docs/scheduling.md lists them for their users. Pure.
 */
import { GANG_LIMIT, type Gang, type Requirements } from "./job-spec.ts";
import { UNITS_PER_TOKEN } from "./money.ts";
import { invalid } from "./refusal.ts";

/** What becomes of a replaced attempt whose node comes back. */
export type Reconcile = "keep_original" | "keep_replacement";

/** What the job says about its own times and its partition policy; absent: the configuration's default. All in milliseconds. */
export interface StatedPolicy {
  readonly lostAfter?: number;
  readonly stopAfter?: number;
  readonly reconcile?: Reconcile;
  readonly maxDuration?: number;
  readonly queueTimeout?: number;
}

export interface JobTerms {
  readonly requirements: Requirements | null;
  readonly gang: Gang | null;
  readonly policy: StatedPolicy;
}

export const TERM_PREFIX = "cyxwiz.";

/** The longest that a stated time may be: what one timer can hold, a little under 25 days. */
const LONGEST_SECONDS = 24 * 24 * 3600;

type Reader = (value: string, field: string) => Partial<Requirements> | StatedPolicy | Partial<Gang>;

const REQUIREMENTS: Readonly<Record<string, Reader>> = {
  "cyxwiz.region": (value, field) => ({ regions: names(value, field) }),
  "cyxwiz.format": (value, field) => ({ format: name(value, field) }),
  "cyxwiz.runtime": (value, field) => ({ runtime: name(value, field) }),
  "cyxwiz.min_reputation": (value, field) => ({ minReputation: within(value, field, 0, 100, "a reputation") }),
  "cyxwiz.min_stake": (value, field) => ({ minStake: tokens(value, field) }),
  "cyxwiz.max_price_per_hour": (value, field) => ({ maxPricePerHour: tokens(value, field) }),
  "cyxwiz.ram": (value, field) => ({ ramBytes: whole(value, field, 0, 2 ** 50, "bytes") }),
};

const POLICY: Readonly<Record<string, Reader>> = {
  "cyxwiz.lost_after": (value, field) => ({ lostAfter: seconds(value, field, 0) }),
  "cyxwiz.stop_after": (value, field) => ({ stopAfter: seconds(value, field, 1) }),
  "cyxwiz.reconcile": (value, field) => ({
    reconcile: oneOf(value, field, ["keep_original", "keep_replacement"] as const),
  }),
  "cyxwiz.max_duration": (value, field) => ({ maxDuration: seconds(value, field, 1) }),
  "cyxwiz.queue_timeout": (value, field) => ({ queueTimeout: seconds(value, field, 1) }),
};

const GANG: Readonly<Record<string, Reader>> = {
  "cyxwiz.gang.size": (value, field) => ({ size: whole(value, field, 1, GANG_LIMIT, "nodes") }),
  "cyxwiz.gang.topology": (value, field) => ({ topology: oneOf(value, field, ["any", "region"] as const) }),
};

/**
 * What a node that can take part in gangs lists among its runtimes. A node that knows nothing of them, such as the existing
 * C++ build, would train the whole job alone; so a gang goes only to these, unless its owner names another runtime.
 */
export const GANG_RUNTIME = "cyxwiz-gang";

/** Names that are the server's to write, when it tells the members of a gang about each other. */
export const GANG_TOLD = ["cyxwiz.gang.rank", "cyxwiz.gang.rendezvous", "cyxwiz.gang.key"] as const;

export const TERM_NAMES: readonly string[] = [REQUIREMENTS, POLICY, GANG].flatMap((group) => Object.keys(group));

/** @throws Refusal naming the hyperparameter at fault */
export function readTerms(hyperparameters: Readonly<Record<string, string>>): JobTerms {
  const read = { requirements: {}, policy: {}, gang: {} };
  for (const [key, value] of Object.entries(hyperparameters)) {
    if (!key.startsWith(TERM_PREFIX)) continue;
    const field = `config.hyperparameters[${JSON.stringify(key.slice(0, 60))}]`;
    if (REQUIREMENTS[key]) Object.assign(read.requirements, REQUIREMENTS[key](value.trim(), field));
    else if (POLICY[key]) Object.assign(read.policy, POLICY[key](value.trim(), field));
    else if (GANG[key]) Object.assign(read.gang, GANG[key](value.trim(), field));
    else if ((GANG_TOLD as readonly string[]).includes(key))
      throw invalid(field, "is written by the server; leave it out");
    else throw invalid(field, `is not a term of this server; it knows ${TERM_NAMES.join(", ")}`);
  }
  const { size, topology } = read.gang as Partial<Gang>;
  if (topology !== undefined && size === undefined) {
    throw invalid('config.hyperparameters["cyxwiz.gang.topology"]', "needs cyxwiz.gang.size beside it");
  }
  const gang = size === undefined || size === 1 ? null : { size, topology: topology ?? "any" };
  const requirements: Requirements = {
    ...(gang !== null && { runtime: GANG_RUNTIME }),
    ...(read.requirements as Requirements),
  };
  return {
    requirements: Object.keys(requirements).length > 0 ? requirements : null,
    gang,
    policy: read.policy,
  };
}

function number(value: string, field: string, what: string): number {
  // Number() alone takes "", "0x10" and "1e400" for numbers.
  if (!/^\d{1,18}(\.\d{1,9})?$/.test(value)) {
    throw invalid(field, `${JSON.stringify(value.slice(0, 40))} is not ${what} written as a plain decimal number`);
  }
  return Number(value);
}

function within(value: string, field: string, min: number, max: number, what: string): number {
  const found = number(value, field, what);
  if (found < min || found > max) throw invalid(field, `${value} is out of range; use ${min} to ${max}`);
  return found;
}

function whole(value: string, field: string, min: number, max: number, what: string): number {
  const found = within(value, field, min, max, `a number of ${what}`);
  if (!Number.isInteger(found)) throw invalid(field, `${value} is not a whole number of ${what}`);
  return found;
}

const seconds = (value: string, field: string, min: number): number =>
  Math.round(within(value, field, min, LONGEST_SECONDS, "a number of seconds") * 1000);

/** Exact: the decimal text is turned into base units digit by digit, never through a float. */
function tokens(value: string, field: string): string {
  number(value, field, "an amount of tokens");
  const [whole = "0", fraction = ""] = value.split(".");
  return (BigInt(whole) * UNITS_PER_TOKEN + BigInt(fraction.padEnd(9, "0"))).toString();
}

function name(value: string, field: string): string {
  if (!/^[\w.+-]{1,64}$/.test(value)) {
    throw invalid(field, "must be a name of 1 to 64 letters, digits, '.', '+', '-' or '_'");
  }
  return value.toLowerCase();
}

function names(value: string, field: string): readonly string[] {
  const list = value
    .split(",")
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== "");
  if (list.length === 0 || list.length > 32 || list.some((one) => one.length > 64)) {
    throw invalid(field, "must name 1 to 32 regions, separated by commas, of at most 64 characters each");
  }
  return [...new Set(list)].sort();
}

function oneOf<T extends string>(value: string, field: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) {
    throw invalid(field, `${JSON.stringify(value.slice(0, 40))} is not allowed; use ${allowed.join(" or ")}`);
  }
  return found;
}
