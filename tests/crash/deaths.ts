/** When in the server's life each fail point is passed, so that every one of them gets its death. */
import { FAILPOINTS, type FailpointName } from "../../src/actors/runtime/index.ts";

export interface Death {
  readonly place: FailpointName;
  /** Under load, while it starts again over what an earlier death has left, or when it is told to stop. */
  readonly when: "load" | "start" | "stop";
  /** Which time it comes by, it dies. */
  readonly nth: number;
}

/** A load of a few jobs passes the places this often and more. */
const OFTEN = 6;

/** Places on the way of a start, and how often it passes them: nodes, jobs and the scheduler are loaded one after the other. */
const STARTS: Readonly<Record<string, number>> = {
  "leadership.locked": 1,
  "leadership.taken": 1,
  "recovery.half": 3,
  "recovery.loaded": 1,
  "start.before_serving": 1,
};

export const isOnStart = (place: FailpointName): boolean => place in STARTS;

/** A death there, the first or a later time, as `random` chooses. */
export function deathAt(place: FailpointName, random: () => number): Death {
  if (place.startsWith("shutdown.")) return { place, when: "stop", nth: 1 };
  const nth = 1 + Math.floor(random() * (STARTS[place] ?? OFTEN));
  return { place, when: isOnStart(place) ? "start" : "load", nth };
}

/**
 * Every fail point once, in scenes of `together` deaths under load. Where the server is to die on its way up, it has just
 * died under load before.
 */
export function everyDeath(random: () => number, together: number): readonly (readonly Death[])[] {
  const places = shuffled(Object.keys(FAILPOINTS) as FailpointName[], random);
  const starts = places.filter(isOnStart);
  const others = places.filter((place) => !isOnStart(place));
  const scenes: Death[][] = [];
  while (others.length > 0)
    scenes.push([...others.splice(0, together), ...starts.splice(0, 1)].map((place) => deathAt(place, random)));
  return scenes;
}

/** A start that fails is the supervisor's affair, so errors come after the commits of a start. */
const AFTER_START = 6;

/** Errors and waits, a few of each, at every place that takes them while the server serves. */
export function everyError(random: () => number): string {
  const places = (Object.keys(FAILPOINTS) as FailpointName[]).filter(
    (place) => !isOnStart(place) && !place.startsWith("shutdown.") && !("killOnly" in FAILPOINTS[place]),
  );
  const orders = places.flatMap((place) =>
    ["throw", "throw", "delay:150"].map((action, index) => {
      const nth = AFTER_START + index * OFTEN + Math.floor(random() * OFTEN);
      return `${place}:${action}@${nth}`;
    }),
  );
  return orders.join(",");
}

export const nameOf = (scene: readonly Death[]): string =>
  scene.map(({ place, nth }) => `${place}${nth === 1 ? "" : `, time ${nth}`}`).join(", then ");

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
