import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, type ConfigSources, type LoadedConfig, loadConfig } from "../../src/config/index.ts";

const directory = mkdtempSync(join(tmpdir(), "cyxwiz-config-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => rmSync(join(directory, "config.toml"), { recursive: true, force: true }));

const around = { home: "/home/ada", directory };
const write = (text: string | Uint8Array, name = "config.toml"): void => writeFileSync(join(directory, name), text);
const load = (sources: Omit<ConfigSources, "around"> = {}): LoadedConfig => loadConfig({ ...sources, around });

/** The problems a configuration is refused for. */
function problemsOf(sources: Omit<ConfigSources, "around"> = {}): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("without any source", () => {
  test("the server listens on this machine only and needs no outside database", () => {
    const { config, file } = load();
    expect(config.server.grpcAddress).toEqual({ host: "127.0.0.1", port: 50051 });
    expect(config.server.restAddress).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(config.database.url).toBeUndefined();
    expect(config.redis.url).toBeUndefined();
    expect(config.blockchain.network).toBe("local");
    expect(file).toBeNull();
  });

  test("paths are absolute and ~ is the home directory", () => {
    const { config } = load();
    expect(config.blockchain.payerKeypairPath).toBe("/home/ada/.config/solana/id.json");
    expect(config.server.dataDir).toBe(join(directory, ".cyxwiz"));
  });

  test("the configuration cannot be changed afterwards", () => {
    const { config } = load();
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.jwt)).toBe(true);
  });
});

describe("precedence", () => {
  test("a partial file leaves the other defaults alone", () => {
    write('[database]\nurl = "postgres://u@h/d"\n');
    const { config, origins } = load();
    expect(config.database.url).toBe("postgres://u@h/d");
    expect(config.database.maxConnections).toBe(20);
    expect(origins.get("database.url")).toEqual({ from: "file", file: "config.toml" });
  });

  test("the environment wins over the file and the command line over both", () => {
    write("[scheduler]\nmax_retries = 1\nretry_backoff_ms = 11\noffer_timeout_ms = 111\n");
    const environment = { CYXWIZ_SCHEDULER__MAX_RETRIES: "2", CYXWIZ_SCHEDULER__RETRY_BACKOFF_MS: "22" };
    const { config } = load({ environment, args: ["--scheduler.max_retries=3"] });
    expect(config.scheduler).toMatchObject({ maxRetries: 3, retryBackoffMs: 22, offerTimeoutMs: 111 });
  });

  test("a bad value that is overridden does no harm", () => {
    write("[scheduler]\nmax_retries = -5\n");
    expect(load({ environment: { CYXWIZ_SCHEDULER__MAX_RETRIES: "2" } }).config.scheduler.maxRetries).toBe(2);
  });

  test("--config beats CYXWIZ_CONFIG, which beats the usual file", () => {
    write('[node]\nname = "usual"\n');
    write('[node]\nname = "env"\n', "env.toml");
    write('[node]\nname = "flag"\n', "flag.toml");
    const environment = { CYXWIZ_CONFIG: "env.toml" };
    expect(load().config.node.name).toBe("usual");
    expect(load({ environment }).config.node.name).toBe("env");
    expect(load({ environment, args: ["--config", "flag.toml"] }).config.node.name).toBe("flag");
  });

  test("an empty variable takes an optional key back out", () => {
    write('[redis]\nurl = "redis://h"\n');
    const { config, origins } = load({ environment: { CYXWIZ_REDIS__URL: "" } });
    expect(config.redis.url).toBeUndefined();
    expect(origins.get("redis.url")).toEqual({ from: "environment", variable: "CYXWIZ_REDIS__URL" });
  });

  test("the p2p secret is jwt.secret until it is set", () => {
    expect(load({ environment: { CYXWIZ_JWT__SECRET: "a".repeat(40) } }).config.jwt.p2pSecret).toBe("a".repeat(40));
    expect(load({ environment: { CYXWIZ_JWT__P2P_SECRET: "b".repeat(40) } }).config.jwt.p2pSecret).toBe("b".repeat(40));
  });
});

describe("problems", () => {
  test("each names key, value, origin and what is allowed", () => {
    expect(problemsOf({ environment: { CYXWIZ_SCHEDULER__MAX_RETRIES: "-1" } })).toEqual([
      "scheduler.max_retries = -1 (from CYXWIZ_SCHEDULER__MAX_RETRIES): must be a whole number from 0 to 100",
    ]);
  });

  test("all are reported at once, from every source", () => {
    write('[server]\ngrpc_address = "nowhere"\n[scheduler]\nmax_retries = "3"\n');
    const problems = problemsOf({
      environment: { CYXWIZ_LOGGING__FORMAT: "xml" },
      args: ["--limits.max_queue_depth=0"],
    });
    expect(problems).toEqual([
      "server.grpc_address = nowhere (from config.toml): must be host:port",
      "scheduler.max_retries = 3 (from config.toml): must be a whole number from 0 to 100, written without quotes",
      "limits.max_queue_depth = 0 (from --limits.max_queue_depth): must be a whole number from 1 to 10_000_000",
      "logging.format = xml (from CYXWIZ_LOGGING__FORMAT): must be one of json, pretty",
    ]);
  });

  test("secrets and passwords are never shown", () => {
    write('[jwt]\nsecret = 12345678\n[redis]\nurl = "redis:/x:hunter2@h"\n');
    const environment = { CYXWIZ_DATABASE__URL: "postgres://u:hunter/2#@h:5432/d", CYXWIZ_NODE__TOKEN: " " };
    const text = problemsOf({ environment }).join("\n");
    expect(text).toContain("jwt.secret = (hidden)");
    expect(text).toContain("special characters in a password are written as %XX");
    expect(text).not.toMatch(/hunter|1234/);
  });

  test.each([
    [
      "[scheduler]\nmax_retires = 1",
      "scheduler.max_retires (from config.toml): there is no such key; did you mean scheduler.max_retries?",
    ],
    ["grpc_address = 'x'", "grpc_address (from config.toml): there is no such key; did you mean server.grpc_address?"],
    [
      "[node]\nplatform_fee_percent = 1",
      "node.platform_fee_percent (from config.toml): there is no such key; did you mean blockchain.platform_fee_percent?",
    ],
    [
      "[weather]\nsun = true",
      "weather.sun (from config.toml): there is no such key; docs/configuration.md lists every key",
    ],
    ["[weather]", "weather (from config.toml): there is no such key; docs/configuration.md lists every key"],
    ["server = 3", "server (from config.toml): is a section; write [server] and its keys below"],
    ["[[server]]\ngrpc_address='x'", "server (from config.toml): is a section; write [server] and its keys below"],
    [
      "[__proto__]\nx = 1",
      "__proto__.x (from config.toml): there is no such key; docs/configuration.md lists every key",
    ],
    [
      "[server]\nconstructor = 1",
      "server.constructor (from config.toml): there is no such key; docs/configuration.md lists every key",
    ],
  ])("an unknown key in the file: %j", (text, problem) => {
    write(text);
    expect(problemsOf()).toEqual([problem]);
  });

  test.each([
    ["[server]\n  grpc_address = 127.0.0.1\n", /^config\.toml:2:\d+: /],
    ["[server\n", /^config\.toml:1:\d+: /],
    ["a = 1\na = 2\n", /^config\.toml:2:\d+: /],
    ['[jwt]\nsecret = "hunter2\n', /^config\.toml:2:\d+: [^\n]*$/],
  ])("a TOML mistake gives file, line and column: %j", (text, expected) => {
    write(text);
    const [problem = "", ...more] = problemsOf();
    expect(more).toEqual([]);
    expect(problem).toMatch(expected);
    expect(problem).not.toContain("hunter2");
  });

  test("an unreadable file says why", () => {
    expect(problemsOf({ args: ["--config", "gone.toml"] })).toEqual([
      "gone.toml cannot be read: there is no such file",
    ]);
    mkdirSync(join(directory, "config.toml"));
    expect(problemsOf()).toEqual(["config.toml cannot be read: it is a directory"]);
    rmSync(join(directory, "config.toml"), { recursive: true });
    write(new Uint8Array([0xff, 0xfe, 0x41]));
    expect(problemsOf()).toEqual(["config.toml cannot be read: it is not UTF-8 text"]);
    chmodSync(join(directory, "config.toml"), 0o644);
  });

  test("an empty file is fine, and so is one with a byte order mark and Windows line ends", () => {
    write("");
    expect(problemsOf()).toEqual([]);
    write("\ufeff[scheduler]\r\nmax_retries = 7\r\n");
    expect(load().config.scheduler.maxRetries).toBe(7);
  });

  test("contradictions between keys name both", () => {
    const args = [
      "--database.max_connections=3",
      "--scheduler.heartbeat_interval_ms=30000",
      "--server.rest_address=127.0.0.1:50051",
    ];
    expect(problemsOf({ args })).toEqual([
      "database.min_connections = 5 (from the default) and database.max_connections = 3 (from --database.max_connections): the first must not be larger",
      "scheduler.heartbeat_interval_ms = 30000 (from --scheduler.heartbeat_interval_ms) and scheduler.node_heartbeat_timeout_ms = 30000 (from the default): nodes must report more often than they time out",
      "server.grpc_address and server.rest_address are both 127.0.0.1:50051: they need different ports",
    ]);
    expect(problemsOf({ args: ["--server.grpc_address=127.0.0.1:0", "--server.rest_address=127.0.0.1:0"] })).toEqual(
      [],
    );
  });

  test("real money is refused with the published secret", () => {
    const args = ["--blockchain.network=mainnet-beta"];
    expect(problemsOf({ args })).toHaveLength(1);
    expect(problemsOf({ args: [...args, `--jwt.secret=${"s".repeat(32)}`] })).toEqual([]);
  });

  test("a hostile value cannot draw on the terminal or fake a line", () => {
    const [problem = ""] = problemsOf({ environment: { CYXWIZ_LOGGING__LEVEL: "\x1b[2J\n  - fine\u202e" } });
    expect(problem).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe("warnings", () => {
  const about = (key: string, sources: Omit<ConfigSources, "around">): string[] =>
    load(sources).warnings.filter((warning) => warning.includes(key));

  test.each(["0.0.0.0:50051", "[::]:50051", "192.168.1.5:50051", "example.org:50051"])(
    "%s is open to others",
    (address) => {
      expect(about("server.grpc_address", { args: ["--server.grpc_address", address] })).toHaveLength(1);
    },
  );

  test.each(["localhost:1", "127.0.0.9:1", "[::1]:1"])("%s is not", (address) => {
    expect(about("server.grpc_address", { args: ["--server.grpc_address", address] })).toEqual([]);
  });

  test("the published secret, a short one, and one shared with nodes are named", () => {
    expect(about("published default", {})).toHaveLength(1);
    expect(about("shorter than 32 bytes", { args: ["--jwt.secret=short"] })).toHaveLength(1);
    expect(about("jwt.p2p_secret", { args: [`--jwt.secret=${"s".repeat(32)}`] })).toHaveLength(1);
    const separate = [`--jwt.secret=${"s".repeat(32)}`, `--jwt.p2p_secret=${"p".repeat(32)}`];
    expect(load({ args: separate }).warnings).toEqual([]);
  });

  test("keys without effect are named when they are set", () => {
    expect(about("job_poll_interval_ms", {})).toEqual([]);
    expect(about("job_poll_interval_ms", { args: ["--scheduler.job_poll_interval_ms=1000"] })).toHaveLength(1);
    expect(about("mongo.url", { args: ["--mongo.url=mongodb://h/d"] })).toHaveLength(1);
    expect(
      about("solana_rpc_url", { args: ["--blockchain.solana_rpc_url=https://api.devnet.solana.com"] }),
    ).toHaveLength(1);
  });
});

test("the file of the original README loads as it is", () => {
  write(`[database]
url = "postgres://cyxwiz:cyxwiz@localhost/cyxwiz"
[redis]
url = "redis://localhost:6379"
[blockchain]
solana_rpc_url = "https://api.devnet.solana.com"
payer_keypair_path = "~/.config/solana/id.json"
network = "devnet"
`);
  const { config } = load();
  expect(config.blockchain).toMatchObject({ network: "devnet", solanaRpcUrl: "https://api.devnet.solana.com" });
});
