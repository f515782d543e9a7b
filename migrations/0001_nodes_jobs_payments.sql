-- The tables people and other programs read. The truth about a live job or node is its actor (see 0002); these rows are
-- written in the same transaction, so they never disagree with it.
--
-- Amounts are base units (bigint, 1 token = 10^9), times are timestamptz, identifiers uuid.
-- Hot tables keep free room in each page (fillfactor), so that an update that touches no indexed column stays on its page
-- and writes no index entry (HOT). That is why `last_heartbeat`, `current_load`, `progress` and their like have no index.

create type node_status as enum ('online', 'offline', 'busy', 'maintenance');
create type job_status as enum ('pending', 'assigned', 'running', 'completed', 'failed', 'cancelled');
create type payment_status as enum ('pending', 'locked', 'streaming', 'completed', 'failed', 'refunded');

create table nodes (
  id                   uuid primary key,
  wallet_address       text not null,
  name                 text not null,
  status               node_status not null default 'offline',
  -- The actor's dotted state, finer than `status`: "online.idle", "suspect", "banned".
  state                text not null default 'offline',
  reputation_score     double precision not null default 75,
  stake_amount         bigint not null default 0,
  cpu_cores            integer not null,
  ram_gb               integer not null,
  ram_bytes            bigint,
  gpu_model            text,
  gpu_memory_gb        integer,
  has_cuda             boolean not null default false,
  has_opencl           boolean not null default false,
  total_jobs_completed bigint not null default 0,
  total_jobs_failed    bigint not null default 0,
  uptime_percentage    double precision not null default 100,
  current_load         double precision not null default 0,
  country              text,
  region               text,
  ip_address           text not null default '0.0.0.0',
  port                 integer not null default 50052,
  -- Where AssignJob is sent, "host:port", when it is not the usual P2P port + 3.
  assign_endpoint      text,
  reachability         text not null default 'unknown',
  user_id              text,
  device_id            text,
  public_key           text,
  software_version     text,
  supported_formats    jsonb not null default '[]',
  available_runtimes   jsonb not null default '[]',
  pricing              jsonb,
  strike_count         integer not null default 0,
  banned_until         timestamptz,
  total_bans           integer not null default 0,
  last_strike_at       timestamptz,
  version              bigint not null default 0,
  last_heartbeat       timestamptz not null default now(),
  registered_at        timestamptz not null default now(),
  updated_at           timestamptz not null default now()
) with (fillfactor = 80);

create index nodes_status on nodes (status);
create index nodes_reputation on nodes (reputation_score desc);
create index nodes_registered_at on nodes (registered_at desc, id desc);
create index nodes_endpoint on nodes (ip_address, port);
create index nodes_user on nodes (user_id, device_id) where user_id is not null;
create index nodes_device on nodes (device_id) where device_id is not null;
-- Not unique: one owner may run many machines, and most nodes of the existing build send an empty wallet.
create index nodes_wallet on nodes (wallet_address) where wallet_address <> '';

create table node_devices (
  id                     bigint generated always as identity primary key,
  node_id                uuid not null references nodes (id) on delete cascade,
  device_type            text not null check (device_type in ('cuda', 'opencl', 'cpu')),
  device_index           integer not null,
  device_name            text not null default '',
  is_enabled             boolean not null default true,
  vram_allocated_mb      bigint not null default 0,
  cores_allocated        integer not null default 0,
  memory_total_bytes     bigint not null default 0,
  memory_available_bytes bigint not null default 0,
  compute_units          integer not null default 0,
  supports_fp64          boolean not null default false,
  supports_fp16          boolean not null default false,
  gpu_model              text,
  driver_version         text,
  cuda_version           text,
  compute_capability     text,
  created_at             timestamptz not null default now(),
  updated_at             timestamptz not null default now(),
  -- Also the index for "the devices of this node".
  unique (node_id, device_type, device_index)
);
create index node_devices_type on node_devices (device_type) where is_enabled;

create table jobs (
  id                         uuid primary key,
  user_wallet                text not null,
  user_id                    text,
  status                     job_status not null default 'pending',
  -- The actor's dotted state, finer than `status`, and a code that says why it waits or why it ended.
  state                      text not null default 'pending',
  state_reason               text,
  job_type                   text not null,
  priority                   smallint not null default 0,
  required_gpu               boolean not null default false,
  required_gpu_memory_gb     integer,
  required_ram_gb            integer not null,
  estimated_duration_seconds bigint not null,
  estimated_cost             bigint not null,
  actual_cost                bigint,
  assigned_node_id           uuid references nodes (id),
  -- Grows with every offer to a node; reports that carry an older attempt are refused.
  attempt                    integer not null default 0,
  retry_count                integer not null default 0,
  progress                   double precision not null default 0,
  current_epoch              integer not null default 0,
  total_epochs               integer not null default 0,
  metrics                    jsonb not null default '{}',
  result_hash                text,
  result_uri                 text,
  result_size                bigint,
  error_message              text,
  metadata                   jsonb not null default '{}',
  version                    bigint not null default 0,
  created_at                 timestamptz not null default now(),
  started_at                 timestamptz,
  completed_at               timestamptz,
  updated_at                 timestamptz not null default now()
) with (fillfactor = 80);

-- Each listing is read by key (created_at, id) downwards, so a page costs the same wherever it lies.
create index jobs_created_at on jobs (created_at desc, id desc);
create index jobs_user_id on jobs (user_id, created_at desc, id desc) where user_id is not null;
create index jobs_user_wallet on jobs (user_wallet, created_at desc, id desc);
create index jobs_status on jobs (status, created_at desc, id desc);
create index jobs_assigned_node on jobs (assigned_node_id, created_at desc, id desc) where assigned_node_id is not null;

create table payments (
  id                 uuid primary key,
  job_id             uuid not null references jobs (id),
  node_id            uuid references nodes (id),
  user_wallet        text not null,
  node_wallet        text,
  amount             bigint not null check (amount >= 0),
  platform_fee       bigint not null check (platform_fee >= 0),
  node_reward        bigint not null check (node_reward >= 0),
  status             payment_status not null default 'pending',
  state              text not null default 'pending',
  escrow_tx_hash     text,
  completion_tx_hash text,
  escrow_account     text,
  version            bigint not null default 0,
  created_at         timestamptz not null default now(),
  locked_at          timestamptz,
  completed_at       timestamptz,
  updated_at         timestamptz not null default now()
) with (fillfactor = 80);

create index payments_job on payments (job_id);
create index payments_node on payments (node_id) where node_id is not null;
create index payments_status on payments (status, created_at desc, id desc);
create index payments_created_at on payments (created_at desc, id desc);

create table node_metrics (
  id                       bigint generated always as identity primary key,
  node_id                  uuid not null references nodes (id) on delete cascade,
  cpu_usage_percent        double precision not null,
  ram_usage_percent        double precision not null,
  gpu_usage_percent        double precision,
  gpu_memory_usage_percent double precision,
  network_rx_bytes         bigint not null default 0,
  network_tx_bytes         bigint not null default 0,
  active_jobs              integer not null default 0,
  "timestamp"              timestamptz not null default now()
);

create index node_metrics_node on node_metrics (node_id, "timestamp" desc);
-- Append-only and in order of time, so a block-range index is enough to find what is old, at almost no cost.
create index node_metrics_timestamp on node_metrics using brin ("timestamp");
