/**
 * Named places at which a test ends, disturbs or holds up the process: around every commit, effect and acknowledgement.
 *
 *     journal.after_commit:kill        SIGKILL of this process the first time it comes by
 *     journal.after_commit:kill@3      the third time
 *     effect.before:throw@2            an error, the second time alone (without `@`: each time)
 *     ack.client:delay:200             waits 200 ms, each time
 *     offer.sent:delay:50,ack.node:kill@9
 *
 * Unset, which is always so outside tests, a place costs one look at `armed`, and no turn of the event loop.
 */

interface Place {
  /** What has happened, and what has not, when the process comes by. */
  readonly about: string;
  /** The code around it must not fail or wait here: it takes `kill` only. */
  readonly killOnly?: true;
}

export const FAILPOINTS = {
  "leadership.locked": { about: "the lock is held, the epoch not yet counted up" },
  "leadership.taken": { about: "the epoch is ours, nothing has been read" },
  "recovery.half": { about: "one kind of actor is loaded (nodes, then jobs, then the scheduler), the next is not" },
  "recovery.loaded": { about: "all actors are loaded; no deadline runs and no effect has been carried out again" },
  "start.before_serving": { about: "calls are taken already, health does not say so yet" },
  "journal.before_commit": { about: "a batch of transitions is complete, nothing of it has been sent" },
  "journal.sent": { about: "the batch and its COMMIT are on the wire, the answer has not come" },
  "journal.after_commit": { about: "the batch is durable, nobody has been told" },
  "cell.before_reply": { about: "one actor's transition is durable, its asker has not been answered", killOnly: true },
  "cell.after_reply": { about: "the asker has been answered, what follows has not been begun", killOnly: true },
  "effect.before": { about: "a committed state owes an effect, which has not been begun" },
  "effect.after": { about: "the effect is done, its outcome is not stored" },
  "offer.sent": { about: "AssignJob is under way to a node" },
  "offer.answered": { about: "the node has answered AssignJob, the answer has not been looked at" },
  "ack.client": { about: "a call to JobService is carried out, its answer has not left" },
  "ack.node": { about: "a call to NodeService is carried out, its answer has not left" },
  "mirror.before_write": { about: "a batch for Redis is complete and not sent" },
  "mirror.after_write": { about: "Redis has taken a batch" },
  "shutdown.begun": { about: "a signal to stop has come, nothing has been stopped" },
  "shutdown.before_release": { about: "the actors have stopped, the leadership is still held" },
} as const satisfies Readonly<Record<string, Place>>;

export type FailpointName = keyof typeof FAILPOINTS;

type Action = { readonly type: "kill" } | { readonly type: "throw" } | { readonly type: "delay"; readonly ms: number };

interface Plan {
  readonly name: FailpointName;
  readonly action: Action;
  /** Which time it acts, counted from 1; null: each time. */
  readonly nth: number | null;
}

/** What a fail point throws. */
export class FailpointError extends Error {
  override readonly name = "FailpointError";
}

/** @throws Error that says what is wrong and what there is */
export function parseFailpoints(text: string): readonly Plan[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts.filter((part) => part !== "").map(parsePlan);
}

function parsePlan(part: string): Plan {
  const [, name = "", verb = "", time, nth] = /^([\w.]+):(\w+)(?::(\d+))?(?:@(\d+))?$/.exec(part) ?? [];
  if (!isFailpoint(name)) {
    const known = Object.entries(FAILPOINTS).map(([one, { about }]) => `  ${one}: ${about}`);
    throw new Error(
      `"${part}" names no fail point. Write place:action, with one of these places:\n${known.join("\n")}`,
    );
  }
  const action = actionOf(verb, time);
  if (action === null || nth === "0") {
    throw new Error(
      `"${part}": the action must be kill, throw or delay:MILLISECONDS, with @N (from 1) for the Nth time`,
    );
  }
  const place: Place = FAILPOINTS[name];
  if (place.killOnly && action.type !== "kill") throw new Error(`"${part}": ${name} takes kill only`);
  return { name, action, nth: nth === undefined ? null : Number(nth) };
}

function actionOf(verb: string, time: string | undefined): Action | null {
  if (verb === "delay") return time === undefined ? null : { type: "delay", ms: Number(time) };
  if (time !== undefined) return null;
  return verb === "kill" || verb === "throw" ? { type: verb } : null;
}

const isFailpoint = (name: string): name is FailpointName => Object.hasOwn(FAILPOINTS, name);

export class Failpoints {
  /** Whether anything was ordered. A plain field, since every commit looks at it. */
  armed = false;
  #plans: readonly Plan[] = [];
  readonly #hits = new Map<FailpointName, number>();

  /** @param kill ends this process at once; replaced where the process must live to tell */
  constructor(private readonly kill: () => void = () => process.kill(process.pid, "SIGKILL")) {}

  arm(plans: readonly Plan[]): void {
    this.#plans = plans;
    this.armed = plans.length > 0;
    this.#hits.clear();
  }

  /** The process comes by. Look at `armed` first: an `await` costs a turn even where nothing is to be done. */
  async hit(name: FailpointName): Promise<void> {
    for (const { action } of this.#due(name)) {
      if (action.type === "delay") {
        await new Promise((resolve) => setTimeout(resolve, action.ms));
        continue;
      }
      // What the line before has written leaves with the end of the turn.
      await new Promise((resolve) => setImmediate(resolve));
      if (action.type === "throw") throw new FailpointError(`fail point ${name}`);
      this.kill();
    }
  }

  /** The same where nothing can be waited for. */
  hitNow(name: FailpointName): void {
    for (const { action } of this.#due(name)) if (action.type === "kill") this.kill();
  }

  #due(name: FailpointName): readonly Plan[] {
    const hits = (this.#hits.get(name) ?? 0) + 1;
    this.#hits.set(name, hits);
    return this.#plans.filter((plan) => plan.name === name && (plan.nth === null || plan.nth === hits));
  }
}

/** The process's own: there is one life to end. */
export const failpoints = new Failpoints();
