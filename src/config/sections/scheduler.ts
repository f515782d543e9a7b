/** How jobs are brokered, and how the server reaches nodes. */
import { key } from "../key.ts";
import { choice, decimal, whole } from "../kinds.ts";
import { addressTable } from "../network-kinds.ts";
import { weightTable } from "../table-kinds.ts";

/** The longest time a timer can be set for is 2^31 - 1 ms; 24 days is the round figure below it. */
const longest = 24 * 24 * 3_600_000;
const millis = (min: number, max = longest) => whole({ min, max }, "milliseconds");

export const scheduler = {
  doc: "When jobs are offered, retried and given up. Times in milliseconds.",
  keys: {
    job_poll_interval_ms: key(
      millis(1),
      1000,
      "Kept for old files, and unused: a waiting job or freed capacity wakes the scheduler, nothing polls.",
    ),
    heartbeat_interval_ms: key(
      millis(100, 600_000),
      10_000,
      "How often nodes report; the C++ nodes do every 10 s. After a start or a stall nobody is judged before this time has passed.",
    ),
    node_heartbeat_timeout_ms: key(
      millis(200, 3_600_000),
      30_000,
      "Silence after which a node is offline. Longer than `heartbeat_interval_ms`, so that one lost report does no harm.",
    ),
    offer_timeout_ms: key(
      millis(100, 600_000),
      10_000,
      "How long a node may take to accept a job before it is offered elsewhere.",
    ),
    offer_exclusion_ms: key(
      millis(0),
      60_000,
      "How long a node that refused a job, or did not answer, is not offered the same job again.",
    ),
    start_timeout_ms: key(
      millis(1000),
      300_000,
      "How long a node that accepted may take to show that it runs the job. Fetching a data set counts into it.",
    ),
    grace_period_ms: key(
      millis(0),
      60_000,
      "How long a running job waits for its silent node to come back before it is offered elsewhere.",
    ),
    stop_after_ms: key(
      millis(0),
      75_000,
      "How long a node that cannot reach the server goes on with a run before it stops it itself; 0: until it is told. The default is a little less than `node_heartbeat_timeout_ms` and `grace_period_ms` together, so that it has stopped when the job is offered elsewhere. A job may say otherwise (`cyxwiz.stop_after`).",
    ),
    reconcile: key(
      choice(["keep_replacement", "keep_original"]),
      "keep_replacement",
      "Which attempt is kept when a node comes back with one that was replaced meanwhile. A job may say otherwise (`cyxwiz.reconcile`).",
    ),
    max_duration_ms: key(
      millis(1000),
      7 * 86_400_000,
      "From a job's acceptance to its end, whatever happens in between; after that it fails. A job may ask for less (`cyxwiz.max_duration`).",
    ),
    max_running_per_owner: key(
      whole({ min: 0, max: 1_000_000 }),
      0,
      "Jobs of one owner on nodes at a time; 0: as many as fit. More of them wait.",
    ),
    max_queued_per_owner: key(
      whole({ min: 0, max: 10_000_000 }),
      0,
      "Pending jobs of one owner; 0: as many as `limits.max_queue_depth` allows. More are refused.",
    ),
    owner_weights: key(
      weightTable(),
      {},
      "Shares of particular owners, by user id or wallet. An owner of weight 2 gets twice what one of weight 1 gets when both want more than there is; 1 where nothing is said.",
    ),
    patience_ms: key(
      millis(0),
      60_000,
      "How long a job that fits nowhere at present is overtaken by others before nodes are kept for it; 0: always. Without it a gang, or a job that needs much of a machine, waits for as long as small jobs take whatever falls free.",
    ),
    node_failure_limit: key(
      whole({ min: 0, max: 1000 }),
      5,
      "So many failed or refused attempts in a row set a node aside; 0: never.",
    ),
    node_set_aside_ms: key(
      millis(100, 3_600_000),
      60_000,
      "How long a node is set aside the first time; twice as long each time it fails again at once, up to an hour.",
    ),
    queue_timeout_ms: key(
      millis(1000),
      86_400_000,
      "How long a job may wait for a node before it fails as unplaceable.",
    ),
    run_timeout_factor: key(
      decimal({ min: 1, max: 1000 }, 3),
      3,
      "A run is cut at this many times the job's estimated duration.",
    ),
    max_run_ms: key(millis(1000), 86_400_000, "A run is cut at this age, whatever was estimated."),
    max_retries: key(
      whole({ min: 0, max: 100 }),
      3,
      "Failed runs after which a job fails for good. Refused offers do not count.",
    ),
    retry_backoff_ms: key(millis(0), 1000, "Pause before the first retry; it doubles each time."),
    retry_backoff_max_ms: key(millis(0), 60_000, "Longest such pause."),
    max_jobs_per_node: key(
      whole({ min: 1, max: 1024 }),
      1,
      "Jobs a node runs at once where it does not say how many it can. The C++ node runs one.",
    ),
  },
} as const;

export const nodeLink = {
  doc: "How the server calls nodes to hand them jobs.",
  keys: {
    assign_port_offset: key(
      whole({ min: -65_535, max: 65_535 }),
      3,
      "Added to the port a node registers with, to find where it accepts jobs: 3 for the C++ daemon (50052 → 50055), 2 for the headless node.",
    ),
    assign_endpoints: key(
      addressTable(),
      {},
      "Where particular nodes accept jobs, by node id, when the rule above does not fit them.",
    ),
    connect_timeout_ms: key(millis(50, 120_000), 3000, "How long a connection to a node may take."),
    probe_interval_ms: key(
      millis(100, 3_600_000),
      15_000,
      "How often a node that could not be reached is tried again.",
    ),
    probe_timeout_ms: key(millis(50, 120_000), 3000, "How long such a try may take."),
  },
} as const;
