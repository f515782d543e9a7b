/** Evidence of a small run in which all went well, made by the real actors over a journal in memory; tests forge it. */
import type { JournalEntry } from "../../src/actors/runtime/index.ts";
import { jobSpec, nodeProfile, result, uuid } from "../actors/fixtures.ts";
import { coreWorld } from "../actors/world.ts";
import { settle } from "../support/fake-clock.ts";
import { MemoryJournal } from "../support/memory-journal.ts";
import type { ClientCall, Evidence, NodeLine, Transition } from "./evidence.ts";

export const [FIRST, SECOND, CANCELLED] = [uuid(1), uuid(2), uuid(3)] as const;
export const [NODE, OTHER] = [uuid(101), uuid(102)] as const;

/** Two jobs complete, one after the other, each on its node; a third is cancelled while it waits for a node with a GPU. */
export async function goodRun(): Promise<Evidence> {
  const journal = new MemoryJournal();
  const transitions: Transition[] = [];
  journal.fault = (batch, write) => {
    write();
    transitions.push(...batch.map((entry) => transitionOf(entry, String(journal.commits))));
  };
  const world = await coreWorld({ journal });
  const runs: NodeLine[] = [];
  for (const node of [NODE, OTHER]) await world.register(node, { profile: nodeProfile({ slots: 1 }) });
  for (const [jobId, submission] of [
    [FIRST, "client/1"],
    [SECOND, "client/2"],
  ] as const) {
    await world.submit(jobId, { spec: jobSpec({ hyperparameters: { submission } }) });
    await world.clock.advance(1000);
    const node = world.job(jobId)?.snapshot.context.live?.nodeId ?? "";
    const source = { nodeId: node, jobId, attempt: 1 };
    await world.core.reports.progress({ ...source, progress: 0, epoch: 0, metrics: {}, log: "" });
    runs.push({ node, type: "started", jobId, attempt: 1, at: world.clock.now() });
    await world.clock.advance(1000);
    runs.push({ node, type: "ended", jobId, attempt: 1, at: world.clock.now(), outcome: "completed" });
    await world.core.reports.completed(source, result);
    await world.clock.advance(1000);
  }
  await world.submit(CANCELLED, { spec: jobSpec({ device: "cuda", hyperparameters: { submission: "client/3" } }) });
  await world.core.jobs.ask(CANCELLED, { type: "CANCEL", reason: "" });
  await settle();
  await world.core.stop();
  return { ...storedOf(journal, transitions), calls: callsOf(), runs, poison: [], miscounted: [] };
}

function transitionOf({ ref, expectedVersion, event, to }: JournalEntry, commit: string): Transition {
  return { ...ref, version: expectedVersion + 1, event: JSON.parse(JSON.stringify(event)), to, commit };
}

function storedOf(journal: MemoryJournal, transitions: readonly Transition[]) {
  const actors = [...journal.rows].map(([key, { version, state, finished, snapshot }]) => {
    const [kind = "", id = ""] = key.split("/");
    return { kind, id, version, state, finished, snapshot: JSON.parse(snapshot) };
  });
  const jobs = actors
    .filter(({ kind }) => kind === "job")
    .map(({ id, state, version, snapshot }) => ({ id, state, version, attempt: snapshot.context.attempt }));
  return { actors, transitions, jobs };
}

function callsOf(): readonly ClientCall[] {
  let at = 0;
  const call = (name: ClientCall["call"], submission: string, jobId: string, value: string): ClientCall => {
    at += 10;
    return { client: "client", call: name, submission, jobId, answer: "ok", value, sentAt: at, answeredAt: at + 5 };
  };
  return [
    { ...call("submit", "client/1", "", "UNAVAILABLE"), answer: "unknown" },
    call("submit", "client/1", "", FIRST),
    call("submit", "client/1", "", FIRST),
    call("status", "client/1", FIRST, "pending"),
    call("status", "client/1", FIRST, "in_progress"),
    call("status", "client/1", FIRST, "completed"),
    call("submit", "client/2", SECOND, SECOND),
    call("status", "client/2", SECOND, "completed"),
    call("submit", "client/3", CANCELLED, CANCELLED),
    call("cancel", "client/3", CANCELLED, "cancelled"),
    call("status", "client/3", CANCELLED, "cancelled"),
  ];
}
