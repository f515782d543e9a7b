/**
 * What heartbeats say about machines, gathered in memory and written in batches: the time of the last heartbeat, load and
 * uptime to `nodes`, samples to `node_metrics`. Telemetry is not a transition; a crash loses a few seconds of it.
 */
import type { Core } from "../actors/core.ts";
import { uptimeOf } from "../actors/node/kind.ts";
import type { Clock, Log, Millis } from "../actors/runtime/index.ts";
import type { NewNodeMetrics, NodePulse, Queries } from "../store/queries/index.ts";
import type { NodeInfo } from "./grpc/protocol.ts";

/** A person who looks at a list sees heartbeats at most this late. */
const WRITE_EVERY: Millis = 5000;
/** One sample a minute and node: half a million rows a year for each. */
const SAMPLE_EVERY: Millis = 60_000;
const KEEP_SAMPLES_FOR: Millis = 30 * 86_400_000;
const PRUNE_EVERY: Millis = 3_600_000;

export class NodeTelemetry {
  readonly #pulses = new Map<string, NodePulse>();
  #samples: NewNodeMetrics[] = [];
  readonly #sampledAt = new Map<string, Millis>();
  #prunedAt: Millis;
  #cancel: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly core: Core,
    private readonly queries: Pick<Queries, "nodes" | "metrics">,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#prunedAt = clock.now();
  }

  note(nodeId: string, status: NodeInfo | undefined, activeJobs: number): void {
    const now = this.clock.now();
    const node = this.core.nodes.peek(nodeId);
    if (!node) return;
    const { context } = node.snapshot;
    this.#pulses.set(nodeId, {
      id: nodeId,
      heardAt: new Date(now),
      load: this.core.broker.pool.loadOf(nodeId),
      uptime: uptimeOf(context, now),
    });
    if (now - (this.#sampledAt.get(nodeId) ?? 0) < SAMPLE_EVERY) return;
    this.#sampledAt.set(nodeId, now);
    const gpu = status?.devices.find((device) => device.vramTotal > 0n);
    this.#samples.push({
      node_id: nodeId,
      // No message carries processor load; the column is the specification's.
      cpu_usage_percent: 0,
      ram_usage_percent: usedPercent(BigInt(context.profile.ramBytes), status?.ramAvailable),
      gpu_usage_percent: null,
      gpu_memory_usage_percent: gpu ? usedPercent(gpu.vramTotal, gpu.vramAvailable) : null,
      active_jobs: Math.max(activeJobs, [...this.core.broker.pool.attemptsOn(nodeId)].length),
      timestamp: new Date(now),
    });
  }

  start(): void {
    this.#cancel = this.clock.after(WRITE_EVERY, () => {
      this.#writing = this.#write().finally(() => {
        if (this.#cancel) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    await this.#writing;
    await this.#write();
  }

  /** Never throws: what cannot be written is dropped, the next heartbeats bring newer. */
  async #write(): Promise<void> {
    const pulses = [...this.#pulses.values()];
    const samples = this.#samples;
    this.#pulses.clear();
    this.#samples = [];
    try {
      await this.queries.nodes.recordPulses(pulses);
      await this.queries.metrics.insert(samples);
      const now = this.clock.now();
      if (now - this.#prunedAt >= PRUNE_EVERY) {
        this.#prunedAt = now;
        await this.queries.metrics.prune(new Date(now - KEEP_SAMPLES_FOR));
      }
    } catch (error) {
      this.log.warn("node telemetry could not be written", { pulses: pulses.length, samples: samples.length, error });
    }
  }
}

/** 0..100; 0 where the node did not say what is free. */
function usedPercent(total: bigint, available: bigint | undefined): number {
  if (total <= 0n || available === undefined || available <= 0n || available > total) return 0;
  return Number(((total - available) * 10_000n) / total) / 100;
}
