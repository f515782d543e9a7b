import { type JournalEntry, JournalRejected } from "../../actors/runtime/index.ts";
import { arrayLiteral, type Columns, encodeColumn } from "./columns.ts";
import { type Projector, type Row, type Statement, tableProjector, upsert } from "./projector.ts";
import { reputationStatements } from "./reputation-changes.ts";

const nodes = tableProjector({
  kind: "node",
  table: "nodes",
  besides: ["devices", "reputation_changes"],
  columns: {
    id: "uuid",
    wallet_address: "text",
    name: "text",
    status: "node_status",
    state: "text",
    reputation_score: "double precision",
    stake_amount: "bigint",
    cpu_cores: "integer",
    ram_gb: "integer",
    ram_bytes: "bigint",
    gpu_model: "text",
    gpu_memory_gb: "integer",
    has_cuda: "boolean",
    has_opencl: "boolean",
    total_jobs_completed: "bigint",
    total_jobs_failed: "bigint",
    uptime_percentage: "double precision",
    current_load: "double precision",
    country: "text",
    region: "text",
    ip_address: "text",
    port: "integer",
    assign_endpoint: "text",
    reachability: "text",
    user_id: "text",
    device_id: "text",
    public_key: "text",
    software_version: "text",
    supported_formats: "jsonb",
    available_runtimes: "jsonb",
    pricing: "jsonb",
    strike_count: "integer",
    banned_until: "timestamptz",
    total_bans: "integer",
    last_strike_at: "timestamptz",
    standing_reason: "text",
    set_aside_until: "timestamptz",
    drain_until: "timestamptz",
    version: "bigint",
    last_heartbeat: "timestamptz",
    registered_at: "timestamptz",
    updated_at: "timestamptz",
  },
});

const deviceColumns: Columns = {
  node_id: "uuid",
  device_type: "text",
  device_index: "integer",
  device_name: "text",
  is_enabled: "boolean",
  vram_allocated_mb: "bigint",
  cores_allocated: "integer",
  memory_total_bytes: "bigint",
  memory_available_bytes: "bigint",
  compute_units: "integer",
  supports_fp64: "boolean",
  supports_fp16: "boolean",
  gpu_model: "text",
  driver_version: "text",
  cuda_version: "text",
  compute_capability: "text",
};
const deviceKey = ["node_id", "device_type", "device_index"];
const deviceDefaults: Row = {
  device_name: "",
  is_enabled: true,
  vram_allocated_mb: 0,
  cores_allocated: 0,
  memory_total_bytes: 0,
  memory_available_bytes: 0,
  compute_units: 0,
  supports_fp64: false,
  supports_fp16: false,
};

/**
 * `nodes`, `node_devices` and `reputation_changes`, for actors of kind "node".
 *
 * A row whose `devices` is an array (possibly empty) has that node's devices replaced by it: rows named like the columns of
 * `node_devices`, without `node_id`. A row without `devices` leaves them alone. Unchanged devices cost no write.
 */
export const nodeProjector: Projector = {
  kind: "node",
  statements: (entries, whole) => [
    ...nodes.statements(entries, whole),
    ...deviceStatements(entries),
    ...reputationStatements(entries),
  ],
};

function deviceStatements(entries: readonly JournalEntry[]): readonly Statement[] {
  const owners: string[] = [];
  const devices: Row[] = [];
  for (const { row } of entries) {
    if (row === null || !Array.isArray(row.devices) || typeof row.id !== "string") continue;
    owners.push(row.id);
    for (const device of row.devices as readonly Row[]) devices.push(completeDevice(row.id, device));
  }
  if (owners.length === 0) return [];
  const remove = removeOthers(owners, devices);
  if (devices.length === 0) return [remove];
  return [
    remove,
    upsert("node_devices", deviceKey, { names: Object.keys(deviceColumns), rows: devices }, deviceColumns),
  ];
}

function completeDevice(nodeId: string, device: Row): Row {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(device)) {
    if (!(name in deviceColumns)) throw new JournalRejected(`node_devices has no column ${name}`, false);
    // Undefined is left out, as in the other tables.
    if (value !== undefined) named[name] = value;
  }
  return { ...deviceDefaults, ...named, node_id: nodeId };
}

function removeOthers(owners: readonly string[], devices: readonly Row[]): Statement {
  const column = (name: string) =>
    encodeColumn(
      deviceColumns[name] ?? "text",
      devices.map((device) => device[name]),
      `node_devices.${name}`,
    );
  return {
    name: "remove_node_devices",
    text: `delete from node_devices d where d.node_id = any($1::uuid[]) and not exists (
        select from unnest($2::uuid[], $3::text[], $4::integer[]) as kept (node_id, device_type, device_index)
        where kept.node_id = d.node_id and kept.device_type = d.device_type and kept.device_index = d.device_index)`,
    values: [arrayLiteral(owners), ...deviceKey.map(column)],
  };
}
