/** Attack after attack on one target, each answer judged; afterwards what must have stayed as it was is looked at. */
import { JobServiceDefinition, NodeServiceDefinition } from "../../src/transport/grpc/protocol.ts";
import { attackConnection, connectionWays } from "./connection-attack.ts";
import { grpcAttack, servedRpcs } from "./grpc-attack.ts";
import { judgeGrpc, judgeLog, judgeRest } from "./judge.ts";
import { everyRoute, restAttack, sendRest } from "./rest-attack.ts";
import type { Target } from "./target.ts";
import { Dice } from "./values.ts";
import { type RawReply, Wire } from "./wire.ts";

export interface Report {
  /** Answers by kind: "grpc 3", "rest 400", "grpc none". */
  readonly answers: Readonly<Record<string, number>>;
  readonly rpcs: number;
  readonly routes: number;
  readonly attacks: number;
  /** Each with what repeats it. */
  readonly faults: readonly string[];
}

export interface CampaignOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Ends before the time is up when there have been so many. */
  readonly attacks?: number;
  readonly workers?: number;
}

/** Milliseconds. What waits for news is hung up on soon. */
const STREAM_PATIENCE = 400;
/** As many are described; what is beyond is only counted among the answers. */
const MOST_FAULTS = 40;

class Notes {
  readonly answers: Record<string, number> = {};
  readonly faults: string[] = [];
  readonly acceptedJobs = new Set<string>();
  readonly acceptedNodes = new Set<string>();
  /** Changes whose answer did not reach us: they may or may not have happened. */
  unanswered = 0;
  attacks = 0;

  answer(kind: string): void {
    this.answers[kind] = (this.answers[kind] ?? 0) + 1;
    this.attacks += 1;
  }

  fault(what: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(what);
  }

  /** What the server says it has taken. */
  taken(path: string, { grpc, body }: RawReply): void {
    const submits = path === JobServiceDefinition.submitJob.path;
    if (!submits && path !== NodeServiceDefinition.registerNode.path) return;
    if (grpc === null) this.unanswered += 1;
    if (grpc !== 0) return;
    if (submits) this.acceptedJobs.add(JobServiceDefinition.submitJob.responseDeserialize(body.subarray(5)).jobId);
    else this.acceptedNodes.add(NodeServiceDefinition.registerNode.responseDeserialize(body.subarray(5)).nodeId);
  }
}

/** For `seconds`, and then the checks, which take a moment more. */
export async function campaign(
  target: Target,
  { seed, seconds, attacks = Number.POSITIVE_INFINITY, workers = 12 }: CampaignOptions,
): Promise<Report> {
  const routes = await everyRoute(target.server.restUrl);
  const scout = new Wire(target.server.address);
  const rpcs = await servedRpcs(scout);
  scout.close();
  const before = await target.rowsOfA();
  const notes = new Notes();
  const endAt = performance.now() + seconds * 1000;
  let next = 0;
  const worker = async (): Promise<void> => {
    const wire = new Wire(target.server.address);
    while (next < attacks && performance.now() < endAt) {
      const index = next++;
      const dice = new Dice(Math.imul(seed, 1_000_003) + index);
      if (index % 100 === 99) await overConnection(target, index, dice);
      else if (index % 3 === 2) await overRest(Math.floor(index / 3));
      else await overGrpc(wire, index, dice);
    }
    wire.close();
  };
  const overGrpc = async (wire: Wire, index: number, dice: Dice): Promise<void> => {
    // In turn, so that none is left out by chance.
    const rpc = rpcs[(index - Math.floor(index / 3)) % rpcs.length];
    if (!rpc) throw new Error("the server serves nothing");
    const { way, call } = grpcAttack(rpc, dice, target.known, target.tokenOfB);
    const reply = await wire.send(call, rpc.streams || call.close === "open" ? STREAM_PATIENCE : undefined);
    notes.answer(`grpc ${reply.grpc ?? (reply.http !== null && reply.http !== 200 ? `http ${reply.http}` : "none")}`);
    const fault = judgeGrpc(reply, target.secret);
    if (fault !== null)
      notes.fault(`seed ${seed}, attack ${index} (${way}) ${call.path}: ${fault}: ${reply.everything.slice(0, 300)}`);
    notes.taken(call.path, reply);
  };
  const overRest = async (turn: number): Promise<void> => {
    const route = routes[turn % routes.length];
    if (!route) return;
    const dice = new Dice(Math.imul(seed, 1_000_003) + turn * 3 + 2);
    // An operator may do much, but even an operator's mistake is not the server's. Orders of theirs would change A's rows.
    const token = dice.chance(0.9) || route.method !== "GET" ? target.tokenOfB : "Bearer x.y.z";
    const { way, request, line } = restAttack(route, dice, target.known, token);
    const reply = await sendRest(
      target.server.restUrl,
      request,
      route.path.endsWith("/events") ? STREAM_PATIENCE : undefined,
    );
    notes.answer(`rest ${reply.status ?? "none"}`);
    const fault = judgeRest(reply, target.secret);
    if (fault !== null)
      notes.fault(`seed ${seed}, attack ${turn * 3 + 2} (${way}) ${line}: ${fault}: ${reply.text.slice(0, 400)}`);
  };
  const overConnection = async ({ server }: Target, index: number, dice: Dice): Promise<void> => {
    const way = connectionWays[Math.floor(index / 100) % connectionWays.length] ?? "noise";
    await attackConnection(Number(server.address.split(":")[1]), way, dice);
    notes.answer("connection");
  };
  await Promise.all(Array.from({ length: workers }, worker));
  await inspect(target, before, notes);
  return {
    answers: notes.answers,
    rpcs: rpcs.length,
    routes: routes.length,
    attacks: notes.attacks,
    faults: notes.faults,
  };
}

/** What must hold when the dust has settled. */
async function inspect(target: Target, before: string, notes: Notes): Promise<void> {
  if (!(await target.serving().catch(() => false))) notes.fault("the server does not serve any more");
  const after = await target.rowsOfA();
  if (after !== before) notes.fault(`rows of another owner changed:\n${difference(before, after)}`);
  if ((await target.poison()) > 0) notes.fault("an event was put aside as poisonous");
  const strangers = async (stored: readonly string[], accepted: ReadonlySet<string>) =>
    stored.filter((id) => !target.planted.has(id) && !accepted.has(id)).length;
  const jobs = await strangers(await target.storedJobs(), notes.acceptedJobs);
  const nodes = await strangers(await target.storedNodes(), notes.acceptedNodes);
  if (jobs + nodes > notes.unanswered) {
    notes.fault(
      `${jobs} jobs and ${nodes} nodes are stored that were refused; ${notes.unanswered} answers are unknown`,
    );
  }
  for (const line of target.logLines()) {
    const fault = judgeLog(line);
    if (fault !== null) notes.fault(`the log: ${fault}: ${JSON.stringify(line.slice(0, 1500))}`);
  }
}

const difference = (before: string, after: string): string => {
  const old = new Set(before.split("\n"));
  return after
    .split("\n")
    .filter((line) => !old.has(line))
    .join("\n")
    .slice(0, 1000);
};
