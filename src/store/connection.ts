import pg from "pg";
import { messageOf, StoreError } from "./errors.ts";

/** How to reach PostgreSQL. Only `url` is required. */
export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database?sslmode=...`; `?host=/dir` for a unix socket. */
  readonly url: string;
  /** How long to wait for a connection, in milliseconds. */
  readonly connectTimeout?: number;
  /** The longest a statement may run at the server, in milliseconds. */
  readonly statementTimeout?: number;
}

/** Ten seconds: longer than any TCP handshake with one lost packet, short enough for a start-up message. */
export const defaultConnectTimeout = 10_000;
/** Thirty seconds: a query of ours takes milliseconds; one that takes longer is stuck and must let go of its locks. */
export const defaultStatementTimeout = 30_000;
/** Probe a silent connection after ten seconds: a peer that vanished without a word is found before a user notices. */
const keepAliveDelay = 10_000;

const int8 = 20;
const types: pg.CustomTypesConfig = {
  // 64-bit integers become bigint: money must not pass through a float.
  getTypeParser: (oid, format) => (oid === int8 && format !== "binary" ? BigInt : pg.types.getTypeParser(oid, format)),
};

/** The settings every connection shares: timeouts, keep-alive, types, and a name that shows in pg_stat_activity. */
export function clientConfig(options: ConnectionOptions, role: string): pg.ClientConfig {
  checkUrl(options.url);
  return {
    connectionString: options.url,
    application_name: `cyxwiz-central-server ${role}`,
    connectionTimeoutMillis: options.connectTimeout ?? defaultConnectTimeout,
    statement_timeout: options.statementTimeout ?? defaultStatementTimeout,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelay,
    types,
  };
}

/**
 * Opens one connection that cannot crash the process: a connection that breaks while idle emits "error", and an "error"
 * nobody listens to is fatal in Node and Bun. Queries on it are rejected all the same.
 */
export async function connect(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
  return client;
}

/** Names the server for logs and errors, without user, password or parameters. */
export function describeUrl(url: string): string {
  try {
    const { hostname, port, pathname, searchParams } = new URL(withHost(url));
    const host = searchParams.get("host") ?? hostname;
    return host.startsWith("/") ? `${host} (unix socket)` : `${host}:${port || "5432"}${pathname}`;
  } catch {
    return "the configured database";
  }
}

/** Also sees what pg itself would only stumble over: its errors quote the url, password and all. */
function checkUrl(url: string): void {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new StoreError(
      "invalid_url",
      "database.url must look like postgres://user:password@host:5432/database (the value itself is not shown, it may hold a password).",
    );
  }
  if (!isReadable(url)) {
    throw new StoreError(
      "invalid_url",
      "database.url cannot be read (it is not shown, it may hold a password). The port must be a number, and in a user name " +
        "or password the characters / ? # @ : % must be written as %2F %3F %23 %40 %3A %25.",
    );
  }
}

/** False as well when part of a password was taken for a path: no database's name holds an "@". */
function isReadable(url: string): boolean {
  const parsed = URL.parse(withHost(url));
  return parsed !== null && !parsed.pathname.includes("@") && !parsed.hash.includes("@");
}

/** A url without a host, as one with a unix socket may be, is none to the standard parser. */
const withHost = (url: string) => url.replace("@/", "@localhost/").replace(":///", "://localhost/");

/** Wraps a failure to connect so that it says where to and what to do. */
export function unreachable(url: string, error: unknown): StoreError {
  return new StoreError(
    "unreachable",
    `Could not connect to PostgreSQL at ${describeUrl(url)}: ${messageOf(error)}. ` +
      "Is it running, and is database.url right? Without database.url the server starts a PostgreSQL of its own.",
    { cause: error },
  );
}
