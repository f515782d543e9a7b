/** The rows of a node in `nodes` and `node_devices`, its status, and the probe it owes, in every state of its chart. */
import { describe, expect, test } from "bun:test";
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { nodeKind, nodeStateName, standingReasonOf } from "../../../src/actors/node/kind.ts";
import { NODE_RULES, type NodeMachine, nodeMachine } from "../../../src/actors/node/machine.ts";
import type { NodeEvent } from "../../../src/actors/node/state.ts";
import type { Device } from "../../../src/domain/node-profile.ts";
import { nodeProjector } from "../../../src/store/projections/nodes.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { GIB, nodeInput, nodePolicy, nodeProfile, T0, type Unstamped, uuid } from "../fixtures.ts";

type Snapshot = SnapshotFrom<NodeMachine>;

const kind = nodeKind({
  link: undefined as never,
  clock: new FakeClock(),
  probeDelay: { first: 1000, slowest: 10_000 },
});

const device = (overrides: Partial<Device>): Device => ({
  kind: "cpu",
  name: "device",
  memoryBytes: 16 * GIB,
  memoryAvailableBytes: 8 * GIB,
  vramBytes: 0,
  vramAvailableBytes: 0,
  computeUnits: 8,
  fp64: true,
  fp16: false,
  gpuModel: "",
  driverVersion: "",
  cudaVersion: "",
  pcieGeneration: 0,
  pcieLanes: 0,
  computeCapability: 0,
  ...overrides,
});

const devices = [
  device({}),
  device({ kind: "vulkan", name: "small", vramBytes: 4 * GIB }),
  device({ kind: "cuda", name: "big", gpuModel: "RTX", vramBytes: 24 * GIB, vramAvailableBytes: 20 * GIB }),
];
const profile = nodeProfile({ devices });

const policy = { ...nodePolicy, failureLimit: 2, setAside: 60_000 };

const outcome = (job: number): Unstamped<NodeEvent> => ({
  type: "OUTCOME",
  jobId: uuid(job),
  jobCreatedAt: T0,
  attempt: 1,
  outcome: "failed",
});

const events: readonly Unstamped<NodeEvent>[] = [
  { type: "HEARD" },
  { type: "LOAD", busy: true },
  { type: "LOAD", busy: false },
  { type: "CALLABLE", proven: true },
  { type: "UNCALLABLE" },
  { type: "CORDON", reason: "look at it", by: "operator" },
  { type: "DRAIN", reason: "update", by: "operator", until: T0 + 10 },
  { type: "DRAIN_OVER", until: T0 + 10 },
  outcome(1),
  outcome(2),
  { type: "BAN", reason: "cheated", by: "operator", until: null, evict: false },
  { type: "UNCORDON", reason: "repaired", by: "operator" },
  { type: "UNBAN", reason: "appealed", by: "operator" },
  { type: "DEADLINE" },
  { type: "REGISTERED", profile, policy, bootId: "boot-2" },
];

const nodes: readonly Snapshot[] = (() => {
  const found = new Map<string, Snapshot>();
  const keep = (node: Snapshot): void => {
    const { reachability, unreachableCount, bootId, failedJobs } = node.context;
    const key = JSON.stringify([node.value, reachability, Math.min(2, unreachableCount), bootId, failedJobs.length]);
    if (!found.has(key)) found.set(key, node);
  };
  keep(initialTransition(nodeMachine, nodeInput({ profile, policy }))[0] as Snapshot);
  for (const node of found.values()) {
    for (const event of events) {
      const at = event.type === "DEADLINE" ? (node.context.deadline ?? T0) : T0 + 1;
      keep(transition(nodeMachine, node, { ...event, at, rules: NODE_RULES } as NodeEvent)[0] as Snapshot);
    }
  }
  return [...found.values()];
})();

const rowOf = (node: Snapshot) => kind.row!(node, 7);
const entryOf = (node: Snapshot) => ({
  ref: { kind: "node", id: node.context.id },
  expectedVersion: 6,
  event: {},
  from: null,
  to: nodeStateName(node),
  snapshot: {},
  deadline: null,
  finished: false,
  at: T0,
  row: rowOf(node),
});

const COLUMNS = [
  "id wallet_address name status state reputation_score stake_amount cpu_cores ram_gb ram_bytes gpu_model gpu_memory_gb",
  "has_cuda has_opencl total_jobs_completed total_jobs_failed region ip_address port assign_endpoint reachability user_id",
  "public_key software_version supported_formats available_runtimes pricing strike_count banned_until total_bans",
  "last_strike_at standing_reason set_aside_until drain_until version registered_at",
].flatMap((line) => line.split(" "));

describe("the row of a node", () => {
  test("is tried on every combination of presence, service and standing", () => {
    expect(new Set(nodes.map(({ value }) => JSON.stringify(value))).size).toBe(4 * 4 * 3);
  });

  test("fills its columns with what they take; those that telemetry fills are left alone", () => {
    for (const node of nodes) {
      expect(Object.keys(rowOf(node)).sort()).toEqual([...COLUMNS, "devices", "reputation_changes"].sort());
      const statements = nodeProjector.statements([entryOf(node)], true);
      const written = /^insert into nodes \(([^)]*)\)/.exec(statements[0]?.text ?? "")?.[1]?.split(",");
      expect(written?.sort()).toEqual([...COLUMNS, "updated_at"].sort());
      expect(statements.some(({ text }) => text.startsWith("insert into node_devices "))).toBe(true);
    }
  });

  test("has a status the enum knows; out of service counts before presence", () => {
    for (const node of nodes) {
      const { presence, service, standing } = node.value;
      const silent = typeof presence === "string";
      const seen = silent ? presence : standing === "setAside" ? "set_aside" : `online.${presence.online}`;
      const state = standing === "banned" ? "banned" : service !== "inService" ? service : seen;
      const status = {
        cordoned: "maintenance",
        draining: "maintenance",
        drained: "maintenance",
        set_aside: "maintenance",
        banned: "offline",
        "online.idle": "online",
        "online.busy": "busy",
        suspect: "offline",
        offline: "offline",
      }[state];
      const { ban, setAside, drainUntil } = node.context;
      expect(rowOf(node)).toMatchObject({
        standing_reason: standingReasonOf(node),
        banned_until: ban?.until ?? null,
        set_aside_until: setAside?.until ?? null,
        drain_until: drainUntil,
      });
      expect(standingReasonOf(node) === null).toBe(service === "inService" && standing === "good");
      expect(rowOf(node)).toMatchObject({ state, status });
    }
  });

  test("is described by its biggest GPU, and keeps the devices its table knows", () => {
    const [node] = nodes;
    expect(rowOf(node!)).toMatchObject({ gpu_model: "RTX", gpu_memory_gb: 24, has_cuda: true, has_opencl: false });
    expect(rowOf(node!).devices).toMatchObject([
      { device_type: "cpu", device_index: 0, memory_total_bytes: 16 * GIB, memory_available_bytes: 8 * GIB },
      { device_type: "cuda", device_index: 2, memory_total_bytes: 24 * GIB, vram_allocated_mb: 20 * 1024 },
    ]);
    const bare = initialTransition(nodeMachine, nodeInput())[0] as Snapshot;
    expect(rowOf(bare)).toMatchObject({ gpu_model: null, gpu_memory_gb: null, has_cuda: false, devices: [] });
  });
});

test("a node's changes of score are written once, in the commit of the transition that made them", () => {
  const before = initialTransition(nodeMachine, nodeInput({ policy }))[0] as Snapshot;
  const failed = transition(nodeMachine, before, {
    ...outcome(1),
    at: T0,
    rules: NODE_RULES,
  } as NodeEvent)[0] as Snapshot;
  const added = nodeProjector.statements([entryOf(failed)], true).find(({ name }) => name === "add_reputation_changes");
  const columns = /\(([^)]*)\)/.exec(added?.text ?? "")?.[1]?.split(",") ?? [];
  expect(Object.fromEntries(columns.map((name, index) => [name, added?.values[index]]))).toEqual({
    node_id: `{"${failed.context.id}"}`,
    number: "{1}",
    reason: '{"failed"}',
    score_before: "{75}",
    score_after: "{70}",
    job_id: `{"${uuid(1)}"}`,
    attempt: "{1}",
    detail: "{NULL}",
    changed_at: `{"${new Date(T0).toISOString()}"}`,
  });
  const later = nodeProjector.statements([{ ...entryOf(failed), at: T0 + 1 }], true);
  expect(later.some(({ name }) => name === "add_reputation_changes")).toBe(false);
  const foreign = { ...entryOf(failed), row: { ...rowOf(failed), reputation_changes: [{ changed_at: T0, mood: 1 }] } };
  expect(() => nodeProjector.statements([foreign], true)).toThrow("reputation_changes has no column mood");
});

test("a node owes a probe while it is online and not known to be callable, and the end of what has one", () => {
  for (const node of nodes) {
    const { reachability, unreachableCount, bootId } = node.context;
    const online = typeof node.value.presence === "object";
    const { drainUntil, setAside } = node.context;
    // The bans here are for good: they have no end to wait for.
    expect(kind.owes?.(node)).toEqual([
      ...(online && reachability !== "callable"
        ? [{ name: "probeEndpoint", key: `probeEndpoint/${bootId}/${unreachableCount}` }]
        : []),
      ...(node.value.service === "draining" ? [{ name: "endDrain", key: `endDrain/${drainUntil}` }] : []),
      ...(node.value.standing === "setAside" ? [{ name: "endSetAside", key: `endSetAside/${setAside?.until}` }] : []),
    ]);
    expect(kind.finished(node)).toBe(false);
    expect(kind.awaitsOutside?.(node)).toBe(true);
    expect(kind.deadline(node)).toBe(node.context.deadline);
  }
});
