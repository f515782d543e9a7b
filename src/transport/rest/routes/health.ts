/** Whether the server and what it stands on are well. Always 200: the body says how it is. */
import type { Millis } from "../../../actors/runtime/index.ts";
import { SCHEDULER_ID } from "../../../actors/scheduler/machine.ts";
import type { RestServices } from "../deps.ts";
import { ref } from "../openapi/schema.ts";
import type { Route } from "../route.ts";

type Grade = "healthy" | "degraded" | "disconnected" | "off";

/** A database that takes longer than this to answer `select 1` is degraded; from the reference, 3.2. */
const DATABASE_SLOW: Millis = 100;
/** A health check must answer while the database hangs. */
const DATABASE_PATIENCE: Millis = 2000;

export const legacyHealth: Route = {
  method: "GET",
  path: "/api/health",
  id: "getHealth",
  tag: "Health",
  summary: "Whether the server is well",
  description:
    '"degraded" when the database does not answer or the scheduler does not offer jobs. A missing Redis is no fault.',
  reply: { description: "How it is.", schema: ref("LegacyHealth") },
  handle: async (context, services) => {
    const database = (await askDatabase(services)) === "disconnected" ? "down" : "up";
    const scheduler = schedulerState(services);
    const well = database === "up" && scheduler === "brokering" && services.mirror.state !== "down";
    return context.json({
      status: well ? "ok" : "degraded",
      version: services.version,
      service: "cyxwiz-central-server",
      services: { database, redis: services.mirror.state, blockchain: services.chain?.state ?? "off", scheduler },
    });
  },
};

export const health: Route = {
  method: "GET",
  path: "/api/v1/health",
  id: "getServiceHealth",
  tag: "Health",
  summary: "The health of each service the server stands on",
  description:
    "disconnected: the database is away. degraded: two of redis, blockchain and scheduler are away, or three services are slow. off: not configured, and not missed.",
  reply: { description: "How each of them is.", schema: ref("Health") },
  handle: async (context, services) => {
    const now = services.clock.now();
    const grades = {
      database: await askDatabase(services),
      redis: mirrorGrade(services.mirror.state),
      blockchain: chainGrade(services.chain?.state ?? "off"),
      scheduler: schedulerGrade(schedulerState(services)),
    };
    return context.json({
      status: overall(grades),
      version: services.version,
      uptime_seconds: Math.floor((now - services.startedAt) / 1000),
      timestamp: new Date(now).toISOString(),
      services: grades,
    });
  },
};

async function askDatabase({ database, clock }: RestServices): Promise<"healthy" | "degraded" | "disconnected"> {
  const asked = performance.now();
  let cancel = (): void => {};
  const patience = new Promise<false>((resolve) => {
    cancel = clock.after(DATABASE_PATIENCE, () => resolve(false));
  });
  const answered = await Promise.race([database.ping(), patience]);
  cancel();
  if (!answered) return "disconnected";
  return performance.now() - asked < DATABASE_SLOW ? "healthy" : "degraded";
}

/** "stopped" before the actors are recovered and after they have been put away. */
export function schedulerState({ core }: RestServices): string {
  return core.system.running ? (core.scheduler.peek(SCHEDULER_ID)?.state ?? "stopped") : "stopped";
}

const schedulerGrade = (state: string): Grade => {
  if (state === "brokering") return "healthy";
  return state === "stopped" ? "disconnected" : "degraded";
};

function mirrorGrade(state: RestServices["mirror"]["state"]): Grade {
  if (state === "off") return "off";
  if (state === "up") return "healthy";
  return state === "filling" ? "degraded" : "disconnected";
}

function chainGrade(state: NonNullable<RestServices["chain"]>["state"]): Grade {
  if (state === "off") return "off";
  if (state === "up") return "healthy";
  return state === "slow" ? "degraded" : "disconnected";
}

/** The thresholds of the reference, 3.2. Pure. */
export function overall(grades: Readonly<Record<"database" | "redis" | "blockchain" | "scheduler", Grade>>): Grade {
  if (grades.database === "disconnected") return "disconnected";
  const rest = [grades.redis, grades.blockchain, grades.scheduler];
  const away = rest.filter((grade) => grade === "disconnected").length;
  const slow = Object.values(grades).filter((grade) => grade === "degraded").length;
  return away >= 2 || slow >= 3 ? "degraded" : "healthy";
}
