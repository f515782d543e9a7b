/** Ids as clients send them. */
import { type JobId, type NodeId, parseJobId, parseNodeId } from "../../domain/ids.ts";
import { invalid, notFound } from "../../domain/refusal.ts";

/** Jobs that an engine starts inside a reservation are named `<reservation id>_<unix seconds>`; they are no jobs of ours. */
const WITHIN_RESERVATION = /^[0-9a-f-]{36}_\d{1,20}$/i;

export function requireJobId(field: string, value: string): JobId {
  const id = parseJobId(value);
  if (id) return id;
  if (WITHIN_RESERVATION.test(value)) throw notFound(`job ${value}`);
  throw invalid(field, `Invalid job ID ${shorten(value)}: must be a UUID such as 3f0c5c1e-8f0e-4b7e-9d3a-2f6f0a1b2c3d`);
}

export function requireNodeId(field: string, value: string): NodeId {
  const id = parseNodeId(value);
  if (!id) throw invalid(field, `Invalid ID ${shorten(value)}: must be the UUID that RegisterNode returned`);
  return id;
}

const shorten = (value: string): string => JSON.stringify(value.slice(0, 60));
