/** Arms the fail points that the environment asks for, loudly, and in a release only where they are explicitly enabled. */
import { type Failpoints, failpoints, type Log, parseFailpoints } from "../actors/runtime/index.ts";
import { ConfigError } from "../config/index.ts";

export interface FailpointOrders {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The compiled program, which people run: a stray variable must not be able to end it. */
  readonly isRelease: boolean;
  readonly log: Log;
  /** Default: the process's own. */
  readonly into?: Failpoints;
}

/** @throws ConfigError for a fail point or an action that there is not */
export function armFailpoints({ environment, isRelease, log, into = failpoints }: FailpointOrders): void {
  const orders = environment.CYXWIZ_FAILPOINT ?? "";
  if (orders === "") return;
  if (isRelease && environment.CYXWIZ_FAILPOINTS_ENABLED !== "1") {
    log.warn("CYXWIZ_FAILPOINT is set and was ignored: this is a release, set CYXWIZ_FAILPOINTS_ENABLED=1 as well");
    return;
  }
  try {
    into.arm(parseFailpoints(orders));
  } catch (error) {
    throw new ConfigError([`CYXWIZ_FAILPOINT: ${error instanceof Error ? error.message : String(error)}`]);
  }
  if (into.armed) log.warn("FAIL POINTS ARE ARMED: this server will fail on purpose", { failpoints: orders });
}
