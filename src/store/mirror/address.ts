/** Where the mirror's Redis is, read from its URL by our own hand: a query string must not be able to change how we connect. */
import { StoreError } from "../errors.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  /** For people: no name and no password. */
  readonly shown: string;
}

const DEFAULT_PORT = 6379;

/**
 * `redis[s]://[[user]:password@]host[:port][/database]`.
 * @throws StoreError "invalid_url"; its message holds no password
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw invalid("it is no URL");
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw invalid(`it starts with ${url.protocol}// instead of redis:// or rediss://`);
  }
  if (url.hostname === "") throw invalid("it names no host");
  const database = /^\/?(\d*)$/.exec(url.pathname)?.[1];
  if (database === undefined) throw invalid(`its path ${url.pathname} is no database number`);
  if (url.search !== "") throw invalid("it has a query string, and there is nothing to set that way");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  return {
    host,
    port,
    tls: url.protocol === "rediss:",
    username: decoded(url.username),
    password: decoded(url.password),
    database: Number(database),
    shown: `${url.protocol}//${url.hostname}:${port}/${Number(database)}`,
  };
}

function decoded(text: string): string | null {
  if (text === "") return null;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("its user or password has a % that is not followed by two hex digits; write % as %25");
  }
}

const invalid = (why: string): StoreError =>
  new StoreError(
    "invalid_url",
    `redis.url cannot be used: ${why}. It looks like redis://user:password@host:6379/0, or rediss:// for TLS.`,
  );
