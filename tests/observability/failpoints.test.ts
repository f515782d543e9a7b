import { describe, expect, test } from "bun:test";
import { Failpoints } from "../../src/actors/runtime/index.ts";
import { armFailpoints } from "../../src/observability/index.ts";
import { rememberingLog } from "../support/quiet.ts";

const order = { CYXWIZ_FAILPOINT: "effect.before:kill" };

function arm(environment: Readonly<Record<string, string>>, isRelease: boolean) {
  const log = rememberingLog();
  const into = new Failpoints(() => {});
  armFailpoints({ environment, isRelease, log, into });
  return { armed: into.armed, said: log.lines.map(({ message }) => message) };
}

describe("CYXWIZ_FAILPOINT", () => {
  test("unset arms nothing and says nothing", () => {
    expect(arm({}, false)).toEqual({ armed: false, said: [] });
    expect(arm({ CYXWIZ_FAILPOINT: "", CYXWIZ_FAILPOINTS_ENABLED: "1" }, true)).toEqual({ armed: false, said: [] });
  });

  test("is obeyed by the source, loudly", () => {
    const { armed, said } = arm(order, false);
    expect(armed).toBe(true);
    expect(said).toEqual([expect.stringContaining("FAIL POINTS ARE ARMED")]);
  });

  test("is ignored by a release that was not told to obey, and it says what is missing", () => {
    const { armed, said } = arm(order, true);
    expect(armed).toBe(false);
    expect(said).toEqual([expect.stringContaining("CYXWIZ_FAILPOINTS_ENABLED=1")]);
    expect(arm({ ...order, CYXWIZ_FAILPOINTS_ENABLED: "yes" }, true).armed).toBe(false);
  });

  test("is obeyed by a release that was told to", () => {
    expect(arm({ ...order, CYXWIZ_FAILPOINTS_ENABLED: "1" }, true).armed).toBe(true);
  });

  test("wrong is an error of the configuration, named after the variable", () => {
    expect(() => arm({ CYXWIZ_FAILPOINT: "nowhere:kill" }, false)).toThrow(/CYXWIZ_FAILPOINT: "nowhere:kill" names no/);
  });
});
