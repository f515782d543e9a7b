/** From the text of a request to the text of its answer: JSON-RPC 2.0, single or in batches. */
import { messageOf } from "../errors.ts";
import { RPC_CODES, RpcError } from "../rpc-error.ts";
import { accountMethods } from "./account-methods.ts";
import { clusterMethods } from "./cluster-methods.ts";
import type { Methods, RpcWorld } from "./method.ts";
import { isFields } from "./params.ts";
import { transactionMethods } from "./transaction-methods.ts";

/** Of a body, over HTTP and WebSocket alike: a hundred of the largest transactions in one batch are 170 KB. */
export const MOST_BODY_BYTES = 512 * 1024;
/** Requests in one batch: they are carried out in one go, and everybody else waits. */
const MOST_IN_BATCH = 100;

/** Without prototype: a method called "constructor" is not found. */
const methods: ReadonlyMap<string, Methods[string]> = new Map(
  Object.entries({ ...clusterMethods, ...accountMethods, ...transactionMethods }),
);

export type RequestId = string | number | null;
type Answer = Readonly<Record<string, unknown>>;

/**
 * Answers a request body. Does not throw.
 * @returns null when there is nothing to answer: notifications alone
 */
export function answer(world: RpcWorld, body: string): string | null {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return JSON.stringify(errorAnswer(null, new RpcError(RPC_CODES.parse, "Parse error: the body is not JSON")));
  }
  if (!Array.isArray(request)) {
    const one = answerOne(world, request);
    return one && JSON.stringify(one);
  }
  if (request.length === 0 || request.length > MOST_IN_BATCH) {
    const why = `Invalid request: a batch holds 1 to ${MOST_IN_BATCH} requests, and this one ${request.length}`;
    return JSON.stringify(errorAnswer(null, new RpcError(RPC_CODES.invalidRequest, why)));
  }
  const answers = request.map((one: unknown) => answerOne(world, one)).filter((one) => one !== null);
  return answers.length === 0 ? null : JSON.stringify(answers);
}

function answerOne(world: RpcWorld, request: unknown): Answer | null {
  const id = idOf(request);
  try {
    const { method, params } = requestOf(request);
    const result = carryOut(world, method, params);
    return id === undefined ? null : { jsonrpc: "2.0", result, id };
  } catch (error) {
    return errorAnswer(id ?? null, error);
  }
}

/** Undefined for a notification. */
export function idOf(request: unknown): RequestId | undefined {
  if (!isFields(request)) return null;
  const { id } = request;
  return typeof id === "string" || typeof id === "number" || id === undefined ? id : null;
}

/** @throws RpcError */
export function requestOf(request: unknown): { readonly method: string; readonly params: readonly unknown[] } {
  if (!isFields(request) || typeof request.method !== "string") {
    throw new RpcError(RPC_CODES.invalidRequest, 'Invalid request: it needs "jsonrpc", "id", "method" and "params"');
  }
  const { method, params = [] } = request;
  if (!Array.isArray(params)) {
    throw new RpcError(
      RPC_CODES.invalidParams,
      "Invalid params: they must be a list, in the order of the documentation",
    );
  }
  return { method, params };
}

function carryOut(world: RpcWorld, name: string, params: readonly unknown[]): unknown {
  const method = methods.get(name);
  if (method === undefined) {
    throw new RpcError(
      RPC_CODES.methodNotFound,
      `Method not found: the local chain has no "${name.slice(0, 100)}". It has ${[...methods.keys()].sort().join(", ")}`,
    );
  }
  const fault = world.chain.faults.onRequest?.(name);
  if (fault !== undefined) throw new RpcError(RPC_CODES.nodeBehind, fault);
  return method(world, params);
}

export function errorAnswer(id: RequestId, error: unknown): Answer {
  const known =
    error instanceof RpcError ? error : new RpcError(RPC_CODES.internal, `Internal error: ${messageOf(error)}`);
  const data = known.data === undefined ? {} : { data: known.data };
  return { jsonrpc: "2.0", error: { code: known.code, message: known.message, ...data }, id };
}
