/**
 * The one table of settings. Parsing, validation, the `Config` type, the rendered configuration and
 * docs/configuration.md all come from it; to add a setting, add a line to a section.
 */
import type { Key, Section } from "./key.ts";
import { blockchain } from "./sections/blockchain.ts";
import { node } from "./sections/node.ts";
import { nodeLink, scheduler } from "./sections/scheduler.ts";
import { database, jwt, limits, logging, mongo, redis, server } from "./sections/server.ts";

export const sections = {
  server,
  database,
  redis,
  blockchain,
  scheduler,
  node_link: nodeLink,
  jwt,
  limits,
  logging,
  node,
  mongo,
} as const;

type Sections = typeof sections;

/** "server.grpc_address": a key as people write it. */
export type KeyName = {
  [S in keyof Sections]: `${S}.${keyof Sections[S]["keys"] & string}`;
}[keyof Sections];

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type Values<K> = { readonly [N in keyof K & string as Camel<N>]: K[N] extends Key<infer T> ? T : never };

/** The effective configuration: `config.server.grpcAddress` is the file's `server.grpc_address`. Frozen. */
export type Config = { readonly [S in keyof Sections & string as Camel<S>]: Values<Sections[S]["keys"]> };

export const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export interface NamedKey {
  readonly name: KeyName;
  readonly section: string;
  readonly field: string;
  readonly key: Key<unknown>;
}

/** Every key, in the order of the table. */
export const allKeys: readonly NamedKey[] = Object.entries<Section>(sections).flatMap(([section, { keys }]) =>
  Object.entries(keys).map(([field, key]) => ({ name: `${section}.${field}` as KeyName, section, field, key })),
);

const byName = new Map<string, NamedKey>(allKeys.map((named) => [named.name, named]));

export const findKey = (name: string): NamedKey | undefined => byName.get(name);
export const isSection = (name: string): boolean => Object.hasOwn(sections, name);
