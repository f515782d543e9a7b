import { describe, expect, test } from "bun:test";
import { readEnvironment } from "../../src/config/environment.ts";
import { readFlags } from "../../src/config/flags.ts";

const names = (settings: readonly { readonly name: string; readonly raw: unknown }[]): [string, unknown][] =>
  settings.map(({ name, raw }) => [name, raw]);

describe("the environment", () => {
  test("CYXWIZ_SECTION__KEY sets a key, underscores in names included", () => {
    const { settings, problems } = readEnvironment({
      CYXWIZ_SERVER__GRPC_ADDRESS: "a:1",
      CYXWIZ_NODE_LINK__ASSIGN_PORT_OFFSET: "2",
      CYXWIZ_JWT__P2P_TOKEN_EXPIRATION_SECONDS: "60",
      PATH: "/bin",
    });
    expect(problems).toEqual([]);
    expect(names(settings)).toEqual([
      ["server.grpc_address", "a:1"],
      ["node_link.assign_port_offset", "2"],
      ["jwt.p2p_token_expiration_seconds", "60"],
    ]);
  });

  test("an unknown key is an error that names the closest variable", () => {
    expect(readEnvironment({ CYXWIZ_DATABASE__URI: "x" }).problems).toEqual([
      "CYXWIZ_DATABASE__URI: there is no such key; did you mean CYXWIZ_DATABASE__URL?",
    ]);
  });

  test("a single underscore is a warning that names the right variable", () => {
    const { problems, warnings } = readEnvironment({ CYXWIZ_DATABASE_URL: "x" });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      "CYXWIZ_DATABASE_URL is no setting and was ignored (settings are named CYXWIZ_SECTION__KEY); did you mean CYXWIZ_DATABASE__URL?",
    ]);
  });

  test.each([
    "CYXWIZ_FAILPOINT",
    "CYXWIZ_FAILPOINTS__X",
    "CYXWIZ_TEST_DATABASE_URL",
    "CYXWIZ_TEST_A__B",
    "CYXWIZ_CONFIG",
  ])("%s is reserved", (variable) =>
    expect(readEnvironment({ [variable]: "x" })).toEqual({ settings: [], problems: [], warnings: [] }),
  );

  test.each(["CYXWIZ_SERVER_SERVICE_HOST", "CYXWIZ_PORT", "CYXWIZ_PORT_50051_TCP_ADDR", "CYXWIZ_SERVICE_PORT_GRPC"])(
    "%s, which Kubernetes injects, is passed over",
    (variable) => expect(readEnvironment({ [variable]: "x" })).toEqual({ settings: [], problems: [], warnings: [] }),
  );

  test.each([
    ["cyxwiz_central_server=debug,tower_http=warn", "debug"],
    ["tower_http=debug", undefined],
    ["warn", "warn"],
    ["error,cyxwiz_central_server=info", "info"],
    ["cyxwiz_central_server::scheduler=trace", "debug"],
    ["cyxwiz", "debug"],
    ["off", "off"],
    ["nonsense===,,", undefined],
    ["", undefined],
  ])("RUST_LOG=%s", (directives, level) => {
    expect(readEnvironment({ RUST_LOG: directives }).settings.map(({ raw }) => raw)).toEqual(
      level === undefined ? [] : [level],
    );
  });

  test("CYXWIZ_LOGGING__LEVEL beats CYXWIZ_LOG, which beats RUST_LOG", () => {
    const { settings } = readEnvironment({ CYXWIZ_LOGGING__LEVEL: "error", CYXWIZ_LOG: "warn", RUST_LOG: "debug" });
    expect(settings.map(({ raw }) => raw)).toEqual(["debug", "warn", "error"]); // the last one wins
  });
});

describe("the command line", () => {
  test("both ways to write a value, and dashes for underscores", () => {
    const flags = readFlags(["up", "--server.grpc-address=a:1", "--node-link.assign_port_offset", "-1", "--json", "x"]);
    expect(names(flags.settings)).toEqual([
      ["server.grpc_address", "a:1"],
      ["node_link.assign_port_offset", "-1"],
    ]);
    expect(flags.rest).toEqual(["up", "--json", "x"]);
    expect(flags.problems).toEqual([]);
  });

  test("a true/false key may stand alone and takes no other word", () => {
    const flags = readFlags(["--blockchain.enabled", "up", "--blockchain.enabled", "no"]);
    expect(names(flags.settings)).toEqual([
      ["blockchain.enabled", "true"],
      ["blockchain.enabled", "no"],
    ]);
    expect(flags.rest).toEqual(["up"]);
  });

  test("values may be empty, hold = and line breaks", () => {
    const flags = readFlags(["--redis.url=", "--node_link.assign_endpoints=a=h:1", "--node.name=a\nb"]);
    expect(names(flags.settings)).toEqual([
      ["redis.url", ""],
      ["node_link.assign_endpoints", "a=h:1"],
      ["node.name", "a\nb"],
    ]);
  });

  test("mistakes are named, and do not swallow the command", () => {
    const flags = readFlags(["--server.grpc_adress", "a:1", "status", "--server.data_dir", "--config"]);
    expect(flags.problems).toEqual([
      "--server.grpc_adress: there is no such key; did you mean --server.grpc_address?",
      "--server.data_dir needs a value: a path that is not empty",
      "--config needs the path of a file",
    ]);
    expect(flags.rest).toEqual(["status"]);
  });

  test("nothing is taken after --", () => {
    expect(readFlags(["run", "--", "--server.data_dir=x"])).toMatchObject({
      settings: [],
      rest: ["run", "--", "--server.data_dir=x"],
    });
  });
});
