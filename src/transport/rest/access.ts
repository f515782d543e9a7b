/**
 * Who calls, and who may operate the network.
 *
 * With `jwt.admin_secret` an operator is whoever shows a token signed with it. Without one, whoever calls from this machine
 * is its operator, provided that the server can only be called from this machine: it listens on loopback, nothing on the way
 * says that it speaks for somebody else, and the caller knows it by a name of this machine. The last of these keeps out
 * pages whose own name has been made to lead here (DNS rebinding); their requests bear that name.
 */
import { Refusal } from "../../domain/refusal.ts";
import { bearerToken, readBearer, unauthenticated } from "../tokens.ts";
import type { RestContext, RestServices } from "./deps.ts";

export interface Access {
  /** Checks users' tokens. */
  readonly userSecret: string;
  /** Checks operators' tokens; undefined: there are none. */
  readonly adminSecret: string | undefined;
  /** The server can be reached from this machine only. */
  readonly loopback: boolean;
}

export type Caller =
  | { readonly kind: "operator"; readonly name: string }
  | { readonly kind: "user"; readonly userId: string; readonly wallet: string | null }
  | { readonly kind: "anonymous" };

const LOCAL_OPERATOR: Caller = { kind: "operator", name: "local operator" };

/** A token that is sent must be good. @throws Refusal (`unauthenticated`) */
export async function callerOf(context: RestContext, { access }: Pick<RestServices, "access">): Promise<Caller> {
  const { userSecret, adminSecret } = access;
  const header = context.req.header("authorization");
  if (header === undefined) {
    const local = adminSecret === undefined && access.loopback && isFromHere(context);
    return local ? LOCAL_OPERATOR : { kind: "anonymous" };
  }
  const token = bearerToken(header);
  if (adminSecret !== undefined) {
    const operator = await readBearer(token, adminSecret).catch(() => null);
    if (operator !== null) return { kind: "operator", name: operator.subject };
  }
  const { subject, wallet } = await readBearer(token, userSecret);
  return { kind: "user", userId: subject, wallet };
}

/** The operator's name, for the log of transitions. @throws Refusal for everybody else, with what would let them in */
export async function requireOperator(context: RestContext, services: Pick<RestServices, "access">): Promise<string> {
  const caller = await callerOf(context, services);
  if (caller.kind === "operator") return caller.name;
  if (services.access.adminSecret === undefined) {
    throw new Refusal(
      "permission_denied",
      caller.kind === "user"
        ? "only operators may do this, and the token is a user's; leave it out on the server's own machine, or set jwt.admin_secret and send a token signed with it"
        : "only operators may do this; call the server from its own machine with server.rest_address on loopback, or set jwt.admin_secret and send a token signed with it",
    );
  }
  if (caller.kind === "anonymous")
    throw unauthenticated("only operators may do this: send a token signed with jwt.admin_secret");
  throw new Refusal(
    "permission_denied",
    "only operators may do this, and the token is a user's: send one signed with jwt.admin_secret",
  );
}

/** Refuses a user whose job it is not. Others see what gRPC shows them: everything, which is why loopback is the default. */
export function requireOwnJob(caller: Caller, owner: string, id: string): void {
  if (caller.kind === "user" && caller.userId !== owner) {
    throw new Refusal("permission_denied", `job ${id} belongs to somebody else`);
  }
}

/** The same for whoever calls, before a job of this owner's is shown. A row without an owner is nobody's. */
export async function requireReadable(
  context: RestContext,
  services: Pick<RestServices, "access">,
  { owner, id }: { readonly owner: string | null; readonly id: string },
): Promise<void> {
  const caller = await callerOf(context, services);
  requireOwnJob(caller, owner ?? "", id);
}

/** Whose a job is, in memory or not: null when its row names nobody, undefined when there is no such job. */
export async function ownerOf(id: string, { core, queries }: RestServices): Promise<string | null | undefined> {
  return core.jobs.peek(id)?.snapshot.context.owner ?? (await queries.jobs.find(id))?.user_id;
}

/** What lists of jobs must be narrowed to: a user sees the own ones, as over gRPC. @throws Refusal for another's */
export async function readableOwner(
  context: RestContext,
  services: Pick<RestServices, "access">,
  asked?: string,
): Promise<{ readonly owner?: string }> {
  const caller = await callerOf(context, services);
  requireOwnName(caller, asked);
  if (caller.kind === "user") return { owner: caller.userId };
  return asked === undefined ? {} : { owner: asked };
}

/** Refuses a user who asks what is somebody else's by that one's name. */
export function requireOwnName(caller: Caller, asked: string | undefined): void {
  if (caller.kind === "user" && asked !== undefined && asked !== caller.userId) {
    throw new Refusal("permission_denied", "owner: you may ask for what is your own only", { field: "owner" });
  }
}

/** Whose a node is, for those who may know: nodes are public, the users behind them are not for other users. */
export const ownerShownTo = (caller: Caller, owner: string | null): string | null =>
  caller.kind === "user" && caller.userId !== owner ? null : owner;

const PROXIES = ["forwarded", "x-forwarded-for", "x-real-ip", "via"] as const;
/** Names that no resolver leads elsewhere. "127.example.org" is none of them. */
const HERE = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

const isFromHere = ({ req }: RestContext): boolean =>
  PROXIES.every((name) => req.header(name) === undefined) && HERE.test(req.header("host") ?? "");
