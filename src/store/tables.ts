import type { ColumnType, Generated, GeneratedAlways } from "kysely";

/**
 * The schema as Kysely sees it; `migrations/*.sql` is the source. `bigint` columns arrive as bigint, `timestamptz` as Date,
 * `jsonb` as parsed JSON. Readers select; rows are written by the journal, so few columns need an insert type.
 */
export interface Database {
  nodes: NodesTable;
  node_devices: NodeDevicesTable;
  reputation_changes: ReputationChangesTable;
  jobs: JobsTable;
  payments: PaymentsTable;
  ledger_entries: LedgerEntriesTable;
  node_metrics: NodeMetricsTable;
  actors: ActorsTable;
  transitions: TransitionsTable;
  poison_events: PoisonEventsTable;
  texts: TextsTable;
  leadership: LeadershipTable;
  schema_migrations: SchemaMigrationsTable;
}

export type NodeStatus = "online" | "offline" | "busy" | "maintenance";
export type JobStatus = "pending" | "assigned" | "running" | "completed" | "failed" | "cancelled";
export type PaymentStatus = "pending" | "locked" | "streaming" | "completed" | "failed" | "refunded";
export type DeviceType = "cuda" | "opencl" | "cpu";

/** jsonb: read as parsed JSON, written as JSON text. */
type Jsonb = ColumnType<unknown, string, string>;
type JsonbDefault = ColumnType<unknown, string | undefined, string>;
type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>;
type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

export interface NodesTable {
  id: string;
  wallet_address: string;
  name: string;
  status: Generated<NodeStatus>;
  state: Generated<string>;
  /** 0..100 */
  reputation_score: Generated<number>;
  stake_amount: Generated<bigint>;
  cpu_cores: number;
  ram_gb: number;
  ram_bytes: bigint | null;
  gpu_model: string | null;
  gpu_memory_gb: number | null;
  has_cuda: Generated<boolean>;
  has_opencl: Generated<boolean>;
  total_jobs_completed: Generated<bigint>;
  total_jobs_failed: Generated<bigint>;
  uptime_percentage: Generated<number>;
  current_load: Generated<number>;
  country: string | null;
  region: string | null;
  ip_address: Generated<string>;
  port: Generated<number>;
  assign_endpoint: string | null;
  reachability: Generated<string>;
  user_id: string | null;
  device_id: string | null;
  public_key: string | null;
  software_version: string | null;
  supported_formats: JsonbDefault;
  available_runtimes: JsonbDefault;
  pricing: ColumnType<unknown, string | null | undefined, string | null>;
  strike_count: Generated<number>;
  banned_until: NullableTimestamp;
  total_bans: Generated<number>;
  last_strike_at: NullableTimestamp;
  standing_reason: string | null;
  set_aside_until: NullableTimestamp;
  drain_until: NullableTimestamp;
  version: Generated<bigint>;
  last_heartbeat: Timestamp;
  registered_at: Timestamp;
  updated_at: Timestamp;
}

export interface NodeDevicesTable {
  id: GeneratedAlways<bigint>;
  node_id: string;
  device_type: DeviceType;
  device_index: number;
  device_name: Generated<string>;
  is_enabled: Generated<boolean>;
  vram_allocated_mb: Generated<bigint>;
  cores_allocated: Generated<number>;
  memory_total_bytes: Generated<bigint>;
  memory_available_bytes: Generated<bigint>;
  compute_units: Generated<number>;
  supports_fp64: Generated<boolean>;
  supports_fp16: Generated<boolean>;
  gpu_model: string | null;
  driver_version: string | null;
  cuda_version: string | null;
  compute_capability: string | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface ReputationChangesTable {
  node_id: string;
  /** Counts the changes of one node from 1. */
  number: bigint;
  reason: string;
  /** 0..100, like the one below. */
  score_before: number;
  score_after: number;
  delta: GeneratedAlways<number>;
  job_id: string | null;
  attempt: number | null;
  detail: string | null;
  changed_at: Timestamp;
}

export interface JobsTable {
  id: string;
  user_wallet: string;
  user_id: string | null;
  status: Generated<JobStatus>;
  state: Generated<string>;
  state_reason: string | null;
  job_type: string;
  priority: Generated<number>;
  required_gpu: Generated<boolean>;
  required_gpu_memory_gb: number | null;
  required_ram_gb: number;
  estimated_duration_seconds: bigint;
  /** Base units. */
  estimated_cost: bigint;
  actual_cost: bigint | null;
  assigned_node_id: string | null;
  attempt: Generated<number>;
  retry_count: Generated<number>;
  /** 0..1 */
  progress: Generated<number>;
  current_epoch: Generated<number>;
  total_epochs: Generated<number>;
  metrics: JsonbDefault;
  result_hash: string | null;
  result_uri: string | null;
  result_size: bigint | null;
  error_message: string | null;
  metadata: JsonbDefault;
  version: Generated<bigint>;
  created_at: Timestamp;
  started_at: NullableTimestamp;
  completed_at: NullableTimestamp;
  updated_at: Timestamp;
}

export interface PaymentsTable {
  id: string;
  job_id: string;
  node_id: string | null;
  user_wallet: string;
  node_wallet: string | null;
  /** Base units, like the two below. */
  amount: bigint;
  platform_fee: bigint;
  node_reward: bigint;
  status: Generated<PaymentStatus>;
  state: Generated<string>;
  escrow_tx_hash: string | null;
  completion_tx_hash: string | null;
  escrow_account: string | null;
  version: Generated<bigint>;
  created_at: Timestamp;
  locked_at: NullableTimestamp;
  completed_at: NullableTimestamp;
  updated_at: Timestamp;
}

export interface LedgerEntriesTable {
  payment_id: string;
  number: number;
  debit: string;
  credit: string;
  /** Base units, as decimal text. */
  amount: string;
  signature: string;
  booked_at: Date;
}

export interface NodeMetricsTable {
  id: GeneratedAlways<bigint>;
  node_id: string;
  cpu_usage_percent: number;
  ram_usage_percent: number;
  gpu_usage_percent: number | null;
  gpu_memory_usage_percent: number | null;
  network_rx_bytes: Generated<bigint>;
  network_tx_bytes: Generated<bigint>;
  active_jobs: Generated<number>;
  timestamp: Timestamp;
}

export interface ActorsTable {
  kind: string;
  id: string;
  version: bigint;
  epoch: bigint;
  state: string;
  /** Without what `lasting` has of its context; `whole_snapshot(snapshot, lasting)` has both. */
  snapshot: Jsonb;
  lasting: JsonbDefault;
  deadline: NullableTimestamp;
  finished: Generated<boolean>;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface TransitionsTable {
  seq: GeneratedAlways<bigint>;
  kind: string;
  id: string;
  version: bigint;
  epoch: bigint;
  event: Jsonb;
  from_state: string | null;
  to_state: string;
  at: Timestamp;
}

export interface PoisonEventsTable {
  seq: GeneratedAlways<bigint>;
  kind: string;
  id: string;
  event: Jsonb;
  error: string;
  at: Timestamp;
}

export interface TextsTable {
  sha256: string;
  content: string;
  uses: bigint;
  created_at: Timestamp;
}

export interface LeadershipTable {
  id: Generated<number>;
  epoch: Generated<bigint>;
  holder: Generated<string>;
  taken_at: Timestamp;
}

export interface SchemaMigrationsTable {
  version: number;
  name: string;
  checksum: string;
  applied_at: Timestamp;
}
