import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import {
  allKeys,
  type KeyName,
  loadConfig,
  renderEffective,
  renderReference,
  variableOf,
} from "../../src/config/index.ts";
import { camel } from "../../src/config/keys.ts";
import type { TomlValue } from "../../src/config/kinds.ts";

const directory = mkdtempSync(join(tmpdir(), "cyxwiz-table-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const around = { home: "/home/ada", directory };

const key = "DefY4GG33pAgBJqwPKDSKbPbCKmoCcN8oymvHhzsp2dA";
/** For every key a value that is not its default and goes together with the other defaults. */
const others: Readonly<Record<KeyName, TomlValue>> = {
  "server.grpc_address": "[::1]:6000",
  "server.rest_address": "localhost:6001",
  "server.max_connections": 7,
  "server.data_dir": "/data/there",
  "server.shutdown_timeout_ms": 0,
  "database.url": "postgres://u@h:5433/d?sslmode=require",
  "database.max_connections": 50,
  "database.min_connections": 0,
  "database.acquire_timeout_ms": 100,
  "redis.url": "rediss://h:6380/1",
  "redis.pool_size": 3,
  "blockchain.enabled": false,
  "blockchain.network": "devnet",
  "blockchain.solana_rpc_url": "https://rpc.example/",
  "blockchain.paid_jobs": "with_wallet",
  "blockchain.local_rpc_address": "127.0.0.1:0",
  "blockchain.payer_keypair_path": "/keys/id.json",
  "blockchain.program_id": key,
  "blockchain.token_mint": key,
  "blockchain.platform_token_account": key,
  "blockchain.platform_fee_percent": 2.5,
  "blockchain.funding_timeout_ms": 1000,
  "scheduler.job_poll_interval_ms": 5,
  "scheduler.heartbeat_interval_ms": 500,
  "scheduler.node_heartbeat_timeout_ms": 45_000,
  "scheduler.offer_timeout_ms": 200,
  "scheduler.offer_exclusion_ms": 0,
  "scheduler.start_timeout_ms": 1000,
  "scheduler.grace_period_ms": 0,
  "scheduler.stop_after_ms": 5000,
  "scheduler.reconcile": "keep_original",
  "scheduler.max_duration_ms": 60_000,
  "scheduler.max_running_per_owner": 3,
  "scheduler.max_queued_per_owner": 7,
  "scheduler.owner_weights": { alice: 2.5, bob: 1 },
  "scheduler.patience_ms": 0,
  "scheduler.node_failure_limit": 2,
  "scheduler.node_set_aside_ms": 100,
  "scheduler.queue_timeout_ms": 1000,
  "scheduler.run_timeout_factor": 1.5,
  "scheduler.max_run_ms": 1000,
  "scheduler.max_retries": 0,
  "scheduler.retry_backoff_ms": 5,
  "scheduler.retry_backoff_max_ms": 90_000,
  "scheduler.max_jobs_per_node": 8,
  "node_link.assign_port_offset": -2,
  "node_link.assign_endpoints": { "1-2": "h:1", 'od"d': "[::1]:2" },
  "node_link.connect_timeout_ms": 50,
  "node_link.probe_interval_ms": 100,
  "node_link.probe_timeout_ms": 50,
  "jwt.secret": "one secret of thirty-two letters",
  "jwt.admin_secret": "two secret",
  "jwt.p2p_secret": "three secret",
  "jwt.p2p_token_expiration_seconds": 30,
  "limits.max_message_bytes": 16_384,
  "limits.max_queue_depth": 1,
  "limits.max_commit_backlog": 7,
  "limits.max_commit_wait_ms": 50,
  "limits.requests_per_second": 0,
  "limits.reports_per_second": 3,
  "limits.max_streams_per_caller": 2,
  "limits.max_calls_per_connection": 5,
  "logging.level": "debug",
  "logging.format": "pretty",
  "node.server": "central.example:50051",
  "node.name": 'a "quoted" # name\nwith more',
  "node.listen_address": "0.0.0.0:0",
  "node.advertise_address": "node.example:50055",
  "node.data_dir": "/data/node",
  "node.token": "four secret",
  "node.wallet_address": key,
  "node.region": "eu-west",
  "node.max_jobs": 2,
  "mongo.url": "mongodb://h/d",
  "mongo.database": "d",
  "mongo.user_collection": "u",
};

const asText = (value: TomlValue): string =>
  typeof value === "object"
    ? Object.entries(value)
        .map(([name, text]) => `${name}=${text}`)
        .join(",")
    : String(value);

const nested = (values: Readonly<Record<string, TomlValue>>): string => {
  const document: Record<string, Record<string, TomlValue>> = {};
  for (const [name, value] of Object.entries(values)) {
    const [section = "", field = ""] = name.split(".");
    document[section] = { ...document[section], [field]: value };
  }
  return stringify(document);
};

const configFile = (text: string): string[] => {
  writeFileSync(join(directory, "other.toml"), text);
  return ["--config", "other.toml"];
};

const valueIn = (config: object, name: string): unknown =>
  name.split(".").reduce<unknown>((part, step) => (part as Record<string, unknown>)[camel(step)], config);

describe.each(allKeys.map(({ name, key }) => [name, key] as const))("%s", (name, { kind, doc }) => {
  const other = others[name];

  test("can be set from the file, the environment and the command line, to the same value", () => {
    const sources = [
      { args: configFile(nested({ [name]: other })), from: "file" },
      { environment: { [variableOf(name)]: asText(other) }, from: "environment" },
      { args: [`--${name}=${asText(other)}`], from: "flag" },
      { args: [`--${name}`, asText(other)], from: "flag" },
    ] as const;
    for (const { from, ...source } of sources) {
      const { config, origins } = loadConfig({ ...source, around });
      expect(origins.get(name)?.from).toBe(from);
      expect(kind.toToml(valueIn(config, name))).toEqual(other);
    }
  });

  test("has a default other than the test's value, and a sentence of documentation", () => {
    const value = valueIn(loadConfig({ around }).config, name);
    if (value !== undefined) expect(kind.toToml(value)).not.toEqual(other);
    expect(doc).toMatch(/^\S.*[.)]$/);
    expect(renderReference()).toContain(doc.replaceAll("|", "\\|"));
  });
});

describe("the effective configuration", () => {
  test("read back as a file gives the same values, secrets apart", () => {
    const first = loadConfig({ args: configFile(nested(others)), around });
    const again = loadConfig({ args: configFile(renderEffective(first)), around });
    for (const {
      name,
      key: { kind },
    } of allKeys) {
      if (!kind.hide || !name.match(/secret|token$/))
        expect([name, valueIn(again.config, name)]).toEqual([name, valueIn(first.config, name)]);
    }
  });

  test("the defaults too", () => {
    const first = loadConfig({ around });
    expect(loadConfig({ args: configFile(renderEffective(first)), around }).config).toEqual(first.config);
  });

  test("says where each value came from", () => {
    const text = renderEffective(
      loadConfig({ environment: { CYXWIZ_SCHEDULER__MAX_RETRIES: "5" }, args: ["--node.name=n"], around }),
    );
    expect(text).toContain("max_retries = 5  # from CYXWIZ_SCHEDULER__MAX_RETRIES\n");
    expect(text).toContain('name = "n"  # from --node.name\n');
    expect(text).toContain('grpc_address = "127.0.0.1:50051"  # from the default\n');
    expect(text).toContain('# p2p_secret = "(hidden)"  # from jwt.secret\n');
    expect(text).toContain("# url is not set  # from the default\n");
  });

  test("shows no secret", () => {
    const secrets = { ...others, "database.url": "postgres://u:hunter2@h/d", "redis.url": "redis://:hunter3@h" };
    const text = renderEffective(loadConfig({ args: configFile(nested(secrets)), around }));
    expect(text).not.toMatch(/hunter|(one|two|three|four) secret/);
    expect(text).toContain('# url = "postgres://u:***@h/d"  # from other.toml');
  });

  test("a hostile file name cannot add a line", () => {
    writeFileSync(join(directory, "a\nb = 1"), "[node]\nregion = 'x'\n");
    const text = renderEffective(loadConfig({ args: ["--config", "a\nb = 1"], around }));
    expect(Object.keys(parse(text))).not.toContain("b");
    expect(text).toContain("from a?b = 1");
  });
});
