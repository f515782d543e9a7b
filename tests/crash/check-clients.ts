/** What clients were told: none of it may be lost (I1), and a submission sent twice is one job (I5). Pure. */
import type { Fault } from "./checker.ts";
import type { ClientCall, Evidence } from "./evidence.ts";
import type { Life } from "./replayed.ts";

type Lives = ReadonlyMap<string, Life>;

export function checkClients(evidence: Evidence, lives: Lives): readonly Fault[] {
  return [
    ...lostSubmissions(evidence, lives),
    ...evidence.miscounted.map(lost),
    ...lostCancellations(evidence, lives),
    ...lostSights(evidence, lives),
    ...doubledSubmissions(evidence, lives),
  ];
}

const lost = (what: string): Fault => ({ promise: "I1", what });
const doubled = (what: string): Fault => ({ promise: "I5", what });

function lostSubmissions({ calls, jobs }: Evidence, lives: Lives): readonly Fault[] {
  const rows = new Set(jobs.map(({ id }) => id));
  const acknowledged = new Set(calls.filter(isSubmitted).map(({ value }) => value));
  const faults = [...acknowledged].flatMap((id) => {
    if (!lives.has(`job/${id}`)) return [lost(`job ${id} was acknowledged and has no log`)];
    return rows.has(id) ? [] : [lost(`job ${id} was acknowledged and has no row`)];
  });
  // The server must not deny a job that it had acknowledged, not even for a moment.
  const since = new Map<string, number>();
  for (const { value, answeredAt } of calls.filter(isSubmitted))
    since.set(value, Math.min(since.get(value) ?? Number.POSITIVE_INFINITY, answeredAt));
  for (const { call, jobId, answer, value, sentAt } of calls) {
    const denied =
      answer === "refused" && value === "NOT_FOUND" && sentAt >= (since.get(jobId) ?? Number.POSITIVE_INFINITY);
    if (denied) faults.push(lost(`job ${jobId} was acknowledged, and a later ${call} was answered NOT_FOUND`));
  }
  return faults;
}

function lostCancellations({ calls }: Evidence, lives: Lives): readonly Fault[] {
  return calls
    .filter(({ call, answer }) => call === "cancel" && answer === "ok")
    .flatMap(({ jobId }) => {
      const end = lives.get(`job/${jobId}`)?.steps.at(-1)?.state;
      return end === "cancelled" ? [] : [lost(`the cancellation of job ${jobId} was acknowledged, and it is ${end}`)];
    });
}

/** A client that asks again and again sees states of the log, in the order of the log: nothing it was shown is taken back. */
function lostSights({ calls }: Evidence, lives: Lives): readonly Fault[] {
  const seen = calls.filter(({ call, answer }) => call === "status" && answer === "ok");
  const byReader = Map.groupBy(seen, ({ client, jobId }) => `${client} ${jobId}`);
  return [...byReader.values()].flatMap((sights) => {
    const [{ client, jobId }] = sights as [ClientCall];
    const states = (lives.get(`job/${jobId}`)?.steps ?? []).map(({ state }) => statusOf(state));
    let at = 0;
    for (const { value } of sights) {
      const found = states.indexOf(value, at);
      if (found < 0) {
        const after = at === 0 ? "" : ` after ${states[at]}`;
        return [lost(`${client} saw job ${jobId} ${value}${after}, which its log does not have: ${states.join(", ")}`)];
      }
      at = found;
    }
    return [];
  });
}

function doubledSubmissions({ calls }: Evidence, lives: Lives): readonly Fault[] {
  const faults: Fault[] = [];
  const submissions = Map.groupBy(calls.filter(isSubmitted), ({ submission }) => submission);
  const owners = new Map<string, string>();
  for (const [submission, answers] of submissions) {
    const ids = new Set(answers.map(({ value }) => value));
    if (ids.size > 1) faults.push(doubled(`submission ${submission} became ${ids.size} jobs: ${[...ids].join(", ")}`));
    for (const id of ids) {
      const other = owners.get(id);
      if (other !== undefined) faults.push(doubled(`submissions ${other} and ${submission} became one job, ${id}`));
      owners.set(id, submission);
    }
  }
  // A repeat whose first answer was lost may have left a job behind that nobody was told of.
  const sent = new Set(calls.map(({ submission }) => submission));
  const made = new Map<string, string>();
  for (const life of lives.values()) {
    if (life.kind !== "job") continue;
    const submission = submissionOf(life);
    const other = made.get(submission);
    if (!sent.has(submission)) faults.push(doubled(`job ${life.id} is of submission ${submission}, which nobody sent`));
    if (other !== undefined) faults.push(doubled(`submission ${submission} made two jobs: ${other} and ${life.id}`));
    made.set(submission, life.id);
  }
  return faults;
}

const isSubmitted = ({ call, answer }: ClientCall): boolean => call === "submit" && answer === "ok";

/** Clients write the submission's name into the job itself. */
function submissionOf({ steps }: Life): string {
  const creation = steps[0]?.transition.event as
    | { readonly input?: { readonly spec?: { readonly hyperparameters?: Readonly<Record<string, string>> } } }
    | undefined;
  return creation?.input?.spec?.hyperparameters?.submission ?? "(none)";
}

/** The status on the wire, which tells less than the state. */
function statusOf(state: string): string {
  const [root = state] = state.split(".", 1);
  return root === "assigned" || root === "running" ? "in_progress" : root;
}
