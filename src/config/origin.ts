/** Where a value came from: every error and every rendered value says so. */
import type { KeyName } from "./keys.ts";

export type Origin =
  | { readonly from: "default" }
  | { readonly from: "file"; readonly file: string }
  | { readonly from: "environment"; readonly variable: string }
  | { readonly from: "flag"; readonly flag: string }
  | { readonly from: "key"; readonly key: string };

/** A value given for a key, not yet checked. */
export interface Setting {
  readonly name: KeyName;
  readonly raw: unknown;
  readonly origin: Origin;
}

export function describeOrigin(origin: Origin): string {
  switch (origin.from) {
    case "default":
      return "the default";
    case "file":
      return origin.file;
    case "environment":
      return origin.variable;
    case "flag":
      return origin.flag;
    case "key":
      return origin.key;
  }
}

/** Text (environment, command line) carries numbers and booleans as words. */
export const isTextual = (origin: Origin): boolean => origin.from === "environment" || origin.from === "flag";
