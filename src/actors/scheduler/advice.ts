/** What would have to change for a job to be placed, in sentences with the numbers of this network. Pure. */
import { UNITS_PER_TOKEN } from "../../domain/money.ts";
import { hourlyPrice, regionOf, type Unavailable } from "../../domain/placement.ts";
import type { PooledNode } from "./node-pool.ts";
import { type Lack, type Obstacles, obstaclesOf } from "./obstacles.ts";
import type { QueuedJob } from "./ranking.ts";
import type { Scene } from "./scene.ts";

interface Advice {
  readonly text: string;
  /** How many nodes it would open to the job. */
  readonly opens: number;
}

/** What would help a job that fits nowhere. What opens most nodes to it comes first. */
export function adviceOn(job: QueuedJob, scene: Scene): readonly string[] {
  if (scene.pool.size === 0) return ["a node that registers: there is none yet"];
  const obstacles = obstaclesOf(job, scene);
  const advice: Advice[] = [];
  const hasDevice = scene.pool.largest(job.demand.device).ramBytes > 0;
  for (const [lack, nodes] of obstacles.only) {
    // Where others have the device, those without it are beside the point.
    if (lack !== "device" || !hasDevice) advice.push(ADVICE[lack](job, nodes, scene));
  }
  advice.push(...onHardware(job, obstacles, scene));
  for (const [reason, nodes] of obstacles.unavailable)
    advice.push({ text: ON_UNAVAILABLE[reason](nodes), opens: nodes });
  const { taken, excluded } = obstacles;
  if (taken > 0) {
    const where = taken === 1 ? "the one node that could run it" : `one of ${taken} nodes that could run it`;
    advice.push({ text: `wait for a running job to end on ${where}`, opens: taken });
  }
  if (excluded > 0) {
    const until = Math.max(
      0,
      Math.min(...job.exclusions.map((one) => one.until).filter((one) => one > scene.now)) - scene.now,
    );
    advice.push({
      text: `wait ${Math.ceil(until / 1000)} s: ${many(excluded, "node was", "nodes were")} tried a short while ago and will be tried again`,
      opens: excluded,
    });
  }
  const sorted = advice.sort((one, other) => other.opens - one.opens).map(({ text }) => text);
  return [...onGang(job, obstacles), ...sorted];
}

/** Where no node lacks that one thing alone, it is told nevertheless if no node at all has it. */
function onHardware(job: QueuedJob, { only }: Obstacles, { pool }: Scene): readonly Advice[] {
  const { device, ramBytes, vramBytes } = job.demand;
  const advice: Advice[] = [];
  const largest = pool.largest(device);
  if (device !== null && largest.ramBytes === 0) {
    if (!only.has("device")) advice.push({ text: `a node with a ${device} device; none here has one`, opens: 0 });
    return advice;
  }
  if (vramBytes > largest.vramBytes && !only.has("vram")) {
    advice.push({ text: memoryText("GPU memory", vramBytes, largest.vramBytes), opens: 0 });
  }
  if (ramBytes > largest.ramBytes && !only.has("ram")) {
    advice.push({ text: memoryText("RAM", ramBytes, largest.ramBytes), opens: 0 });
  }
  return advice;
}

function onGang({ gang }: QueuedJob, { fitting, taken, unavailable, excluded }: Obstacles): readonly string[] {
  if (gang === null) return [];
  const couldRun = fitting.length + taken + excluded + [...unavailable.values()].reduce((sum, one) => sum + one, 0);
  if (couldRun < gang.size) {
    const missing = gang.size - couldRun;
    return [
      `${many(missing, "more node", "more nodes")} that could run it: it needs ${gang.size}, and there are ${couldRun}`,
    ];
  }
  if (gang.topology === "any") {
    const missing = gang.size - fitting.length;
    return missing <= 0
      ? []
      : [
          `${many(missing, "more node", "more nodes")} free at the same time: it needs ${gang.size}, and ${fitting.length} could take it now`,
        ];
  }
  const byRegion = new Map<string, number>();
  for (const { profile } of fitting) {
    const region = regionOf(profile);
    if (region !== "") byRegion.set(region, (byRegion.get(region) ?? 0) + 1);
  }
  const [region, most] = [...byRegion].sort(([, one], [, other]) => other - one)[0] ?? ["", 0];
  const now = most === 0 ? "none could take it now in any" : `${most} could take it now in ${region}`;
  return most >= gang.size
    ? []
    : [
        `${many(gang.size - most, "more node", "more nodes")} free at the same time in one region: it needs ${gang.size}, and ${now}`,
      ];
}

type OnLack = (job: QueuedJob, nodes: readonly PooledNode[], scene: Scene) => Advice;

const ADVICE: Readonly<Record<Lack, OnLack>> = {
  device: ({ demand }, nodes) => ({
    text: `a node with a ${demand.device} device; ${many(nodes.length, "node", "nodes")} here could run it but for that`,
    opens: nodes.length,
  }),
  ram: ({ demand }, nodes, { pool }) => ({
    text: memoryText("RAM", demand.ramBytes, pool.largest(demand.device).ramBytes),
    opens: nodes.length,
  }),
  vram: ({ demand }, nodes, { pool }) => ({
    text: memoryText("GPU memory", demand.vramBytes, pool.largest(demand.device).vramBytes),
    opens: nodes.length,
  }),
  region: (_, nodes) => ({
    text: `drop the region filter: ${many(nodes.length, "node", "nodes")} elsewhere could run it`,
    opens: nodes.length,
  }),
  format: ({ demand }, nodes) => ({
    text: `drop cyxwiz.format=${demand.requirements?.format}: ${many(nodes.length, "node", "nodes")} without it could run it`,
    opens: nodes.length,
  }),
  runtime: ({ demand }, nodes) => ({
    text: `drop cyxwiz.runtime=${demand.requirements?.runtime}: ${many(nodes.length, "node", "nodes")} without it could run it`,
    opens: nodes.length,
  }),
  reputation: (_, nodes) => {
    const best = Math.floor(Math.max(...nodes.map(({ reputation }) => reputation)));
    const opens = nodes.filter(({ reputation }) => reputation >= best).length;
    return { text: `lower cyxwiz.min_reputation to ${best}: ${then(opens)}`, opens };
  },
  stake: (_, nodes) => {
    const stakes = nodes.map(({ profile }) => BigInt(profile.stakeUnits));
    const most = inOrder(stakes).at(-1) ?? 0n;
    const opens = stakes.filter((one) => one >= most).length;
    return { text: `lower cyxwiz.min_stake to ${tokenText(most)}: ${then(opens)}`, opens };
  },
  price: ({ demand }, nodes) => {
    const prices = nodes.map(({ profile }) => hourlyPrice(profile, demand));
    const least = inOrder(prices)[0] ?? 0n;
    const opens = prices.filter((one) => one <= least).length;
    return { text: `raise cyxwiz.max_price_per_hour to ${tokenText(least)}: ${then(opens)}`, opens };
  },
};

const ON_UNAVAILABLE: Readonly<Record<Unavailable, (nodes: number) => string>> = {
  offline: (nodes) => `bring back ${nodes} ${plural(nodes, "node that is", "nodes that are")} offline and could run it`,
  suspect: (nodes) => `wait for ${many(nodes, "silent node", "silent nodes")} that could run it to be heard again`,
  cordoned: (nodes) => `uncordon ${many(nodes, "node", "nodes")} that could run it`,
  draining: (nodes) => `undo the drain of ${many(nodes, "node", "nodes")} that could run it`,
  banned: (nodes) => `lift the ban of ${many(nodes, "node", "nodes")} that could run it`,
  set_aside: (nodes) => `wait for ${many(nodes, "node", "nodes")} that failed too often of late to be used again`,
  reserved: (nodes) =>
    `wait for a reservation to end on ${nodes === 1 ? "1 node" : `one of ${nodes} nodes`} that could run it`,
  uncallable: (nodes) =>
    `make ${many(nodes, "node", "nodes")} that could run it reachable: the server can not call ${nodes === 1 ? "its" : "their"} AssignJob endpoint`,
};

const inOrder = (amounts: readonly bigint[]): readonly bigint[] =>
  [...amounts].sort((one, other) => Number(one - other));

const then = (nodes: number): string => `${many(nodes, "node", "nodes")} could run it then`;

export const plural = (count: number, one: string, several: string): string => (count === 1 ? one : several);

export const many = (count: number, one: string, several: string): string => `${count} ${plural(count, one, several)}`;

function memoryText(what: string, needed: number, largest: number): string {
  const [asked, has] = [gigabytes(needed), gigabytes(largest)];
  // Two sizes that look alike are told apart by their bytes.
  const texts = asked === has ? [`${needed} bytes`, `${largest} bytes`] : [asked, has];
  return `a node with ${texts[0]} of ${what}; the largest here has ${texts[1]}`;
}

const gigabytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toFixed(2))} GB`;

/** As the terms of a job are written: exact, without needless zeros. */
export function tokenText(units: bigint): string {
  const fraction = (units % UNITS_PER_TOKEN).toString().padStart(9, "0").replace(/0+$/, "");
  return `${units / UNITS_PER_TOKEN}${fraction === "" ? "" : `.${fraction}`}`;
}
