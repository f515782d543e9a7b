/** The names of the mirror's keys. They are a promise to whoever reads Redis: docs/redis.md documents them. Pure. */

export interface MirrorKeys {
  /** Names this filling; see `connection.ts`. */
  readonly generation: string;
  readonly queue: string;
  readonly online: string;
  readonly assignments: string;
  /** The stream, and the channel of the same name. */
  readonly changes: string;
  job(id: string): string;
  assignedNode(jobId: string): string;
  node(id: string): string;
  nodeStatus(id: string): string;
  /** The actor a key of ours belongs to; null for the keys above and for what others keep under the prefix. */
  actorOf(key: string): { readonly kind: "job" | "node"; readonly id: string } | null;
  /** A SCAN pattern for every key under the prefix. */
  readonly pattern: string;
}

const ACTOR_KEY = /^(?:job:(?<job>.+?)(?::assigned_node)?|node:(?<node>.+?)(?::status)?)$/;

export function mirrorKeys(prefix: string): MirrorKeys {
  return {
    generation: `${prefix}mirror:generation`,
    queue: `${prefix}job_queue`,
    online: `${prefix}nodes:online`,
    assignments: `${prefix}assignments`,
    changes: `${prefix}changes`,
    job: (id) => `${prefix}job:${id}`,
    assignedNode: (jobId) => `${prefix}job:${jobId}:assigned_node`,
    node: (id) => `${prefix}node:${id}`,
    nodeStatus: (id) => `${prefix}node:${id}:status`,
    actorOf: (key) => {
      if (!key.startsWith(prefix)) return null;
      const { job, node } = ACTOR_KEY.exec(key.slice(prefix.length))?.groups ?? {};
      if (job !== undefined) return { kind: "job", id: job };
      return node === undefined ? null : { kind: "node", id: node };
    },
    pattern: `${prefix.replace(/[*?[\]\\^]/g, "\\$&")}*`,
  };
}
