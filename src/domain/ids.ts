/** Identities. On the wire and in the database they are lower-case hyphenated UUID text. */
import { createHash } from "node:crypto";

declare const jobId: unique symbol;
declare const nodeId: unique symbol;
export type JobId = string & { readonly [jobId]: true };
export type NodeId = string & { readonly [nodeId]: true };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The UUID in its one canonical spelling, or null. */
export function parseUuid(text: string): string | null {
  return UUID.test(text) ? text.toLowerCase() : null;
}

export const parseJobId = (text: string): JobId | null => parseUuid(text) as JobId | null;
export const parseNodeId = (text: string): NodeId | null => parseUuid(text) as NodeId | null;

/**
 * The job id that an owner's idempotency key stands for: a name-based UUID (RFC 9562 version 8, SHA-256), so that the same
 * key sent twice is the same job (I5) without a table of keys to keep and to expire.
 */
export function jobIdFor(owner: string, idempotencyKey: string): JobId {
  const bytes = createHash("sha256").update(`${owner.length}:${owner}:${idempotencyKey}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-") as JobId;
}
