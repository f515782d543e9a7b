/** What the server listens on, what it stores things in, and what it accepts. */
import { inherited, key, optional } from "../key.ts";
import { choice, path, secret, text, whole } from "../kinds.ts";
import { listenAddress, url } from "../network-kinds.ts";

/** The secret the original server shipped with. Anyone can read it, so anyone can forge tokens with it. */
export const publishedJwtSecret = "dev-secret-key-CHANGE-IN-PRODUCTION-use-long-random-string";

export const server = {
  doc: "Where the server listens and where it keeps its own files.",
  keys: {
    grpc_address: key(
      listenAddress(),
      "127.0.0.1:50051",
      "Where gRPC calls are accepted. Reachable from this machine only, unless you change it.",
    ),
    rest_address: key(listenAddress(), "127.0.0.1:8080", "Where REST calls and the dashboard are served."),
    max_connections: key(
      whole({ min: 1, max: 1_000_000 }),
      1000,
      "Calls and streams that may be open at the same time; more are refused with RESOURCE_EXHAUSTED.",
    ),
    data_dir: key(
      path(),
      ".cyxwiz",
      "Holds the embedded database, the local chain, and their locks. One server per directory.",
    ),
    shutdown_timeout_ms: key(
      whole({ min: 0, max: 600_000 }, "milliseconds"),
      10_000,
      "How long open calls may go on after SIGTERM before they are cut.",
    ),
  },
} as const;

export const database = {
  doc: "PostgreSQL, the truth. Without `url` the server starts an embedded PostgreSQL in `server.data_dir`.",
  keys: {
    url: optional(url(["postgres", "postgresql"]), "The PostgreSQL server to use. Absent: the embedded one."),
    max_connections: key(
      whole({ min: 2, max: 1000 }),
      20,
      "Largest number of connections this process opens. One of them is the journal's, one the leadership's.",
    ),
    min_connections: key(whole({ min: 0, max: 1000 }), 5, "Connections kept open while idle."),
    acquire_timeout_ms: key(
      whole({ min: 100, max: 600_000 }, "milliseconds"),
      30_000,
      "How long a reader waits for a free connection.",
    ),
  },
} as const;

export const redis = {
  doc: "The mirror. Optional: nothing is lost without it.",
  keys: {
    url: optional(url(["redis", "rediss"]), "The Redis server to mirror to. Absent: no mirror."),
    pool_size: key(
      whole({ min: 1, max: 1000 }),
      10,
      "Kept for old files, and unused: one pipelined connection replaces the pool.",
    ),
  },
} as const;

export const mongo = {
  doc: "The original read the website's users here. Accepted so that old files load, and unused: who a caller is comes from the claims of their token.",
  keys: {
    url: optional(url(["mongodb", "mongodb+srv"]), "Unused."),
    database: key(text(), "cyxwiz", "Unused."),
    user_collection: key(text(), "users", "Unused."),
  },
} as const;

export const jwt = {
  doc: "Secrets that sign tokens (HS256).",
  keys: {
    secret: key(
      secret(),
      publishedJwtSecret,
      "Checks the tokens of users and nodes; the website's AUTH_SECRET. The default is published: set your own.",
    ),
    admin_secret: optional(
      secret(),
      "Checks operators' tokens: whoever shows one signed with it may cordon, drain and ban nodes and pause the scheduler. Without it only callers on the server's own machine may, and only while `server.rest_address` is loopback.",
    ),
    p2p_secret: inherited(
      secret(),
      "jwt.secret",
      "Signs the tokens an engine shows to a node. Every node must be started with the same value (`--p2p-secret` of the C++ node, whose built-in default differs from ours).",
    ),
    p2p_token_expiration_seconds: key(
      whole({ min: 30, max: 604_800 }, "seconds"),
      3600,
      "How long such a token is good for.",
    ),
  },
} as const;

export const limits = {
  doc: "What callers may ask of the server. Beyond a limit a call is refused with RESOURCE_EXHAUSTED (HTTP 429 or 413), and told when to come again.",
  keys: {
    max_message_bytes: key(
      whole({ min: 16_384, max: 268_435_456 }, "bytes"),
      4_194_304,
      "Largest gRPC message or REST body. 4 MiB is what the C++ clients expect.",
    ),
    max_queue_depth: key(
      whole({ min: 1, max: 10_000_000 }),
      100_000,
      "Jobs that may wait at once; more are refused with RESOURCE_EXHAUSTED.",
    ),
    max_commit_backlog: key(
      whole({ min: 1, max: 1_000_000 }),
      4000,
      "Submissions and other changes that may wait for the database; beyond it new jobs are refused, while heartbeats, reports and cancellations pass. Placements alone are up to 2,000.",
    ),
    max_commit_wait_ms: key(
      whole({ min: 10, max: 60_000 }, "milliseconds"),
      1000,
      "How long a submission may have waited for the database; while one has, new jobs are refused in the same way.",
    ),
    requests_per_second: key(
      whole({ min: 0, max: 10_000_000 }),
      5000,
      "Calls and requests a second of one caller (the token's user, or else the address), with twice as many at once; 0: no limit. Health is never counted.",
    ),
    reports_per_second: key(
      whole({ min: 0, max: 10_000_000 }),
      1000,
      "Heartbeats and reports a second of one registered node, with twice as many at once; 0: no limit. Counted apart, so that nothing else sent from a node's address silences it.",
    ),
    max_streams_per_caller: key(
      whole({ min: 1, max: 1_000_000 }),
      250,
      "Job streams one caller may have open, over gRPC and over REST.",
    ),
    max_calls_per_connection: key(
      whole({ min: 1, max: 1_000_000 }),
      300,
      "Calls that may be open on one gRPC connection; a client library keeps what is beyond until another call has ended. Keep it above `max_streams_per_caller`, or streams may leave no room for other calls.",
    ),
  },
} as const;

export const logging = {
  doc: "The log, on standard output.",
  keys: {
    level: key(
      choice(["debug", "info", "warn", "error", "off"]),
      "info",
      "Least important line written. `CYXWIZ_LOG=debug` and `RUST_LOG=cyxwiz_central_server=debug` set it too.",
    ),
    format: key(choice(["json", "pretty"]), "json", "One JSON object a line, or text for people."),
  },
} as const;
