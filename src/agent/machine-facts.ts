/** What this machine can do, as RegisterNode and heartbeats say it. */
import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, freemem, hostname, networkInterfaces, totalmem } from "node:os";
import { type DeepPartial, type DeviceCaps, DeviceType } from "../transport/grpc/protocol.ts";

const MIB = 2n ** 20n;

export const machineName = (): string => hostname();
export const cpuCores = (): number => availableParallelism();
export const ramTotal = (): bigint => BigInt(totalmem());
export const ramAvailable = (): bigint => BigInt(freemem());

/**
 * The host under which a server reaches a node that listens on `listenHost`. Every address of this machine is as good as
 * no address, so it becomes one: loopback for a server that is here too, else the first one that others can see.
 */
export function reachableHost(listenHost: string, server: string): string {
  if (listenHost !== "0.0.0.0" && listenHost !== "::") return listenHost;
  if (/^(localhost|127\.[\d.]+|\[?::1\]?):\d+$/i.test(server)) return "127.0.0.1";
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

export function devices(): readonly DeepPartial<DeviceCaps>[] {
  return [cpu(), ...gpus()];
}

function cpu(): DeepPartial<DeviceCaps> {
  return {
    deviceType: DeviceType.DEVICE_CPU,
    deviceName: cpus()[0]?.model.trim() || "CPU",
    memoryTotal: ramTotal(),
    memoryAvailable: ramAvailable(),
    computeUnits: cpuCores(),
    supportsFp64: true,
  };
}

/** NVIDIA's cards, where its tool answers. The training engine does not use them yet, so they are offered to nobody. */
function gpus(): readonly DeepPartial<DeviceCaps>[] {
  if (process.env.CYXWIZ_NODE_OFFER_GPUS !== "1") return [];
  const query = ["--query-gpu=name,memory.total,memory.free,driver_version", "--format=csv,noheader,nounits"];
  const answer = spawnSync("nvidia-smi", query, { encoding: "utf8", timeout: 5000 });
  if (answer.status !== 0) return [];
  return answer.stdout
    .trim()
    .split("\n")
    .map((line) => line.split(",").map((field) => field.trim()))
    .map(([name = "", total = "0", free = "0", driverVersion = ""]) => ({
      deviceType: DeviceType.DEVICE_CUDA,
      deviceName: name,
      gpuModel: name,
      vramTotal: BigInt(total) * MIB,
      vramAvailable: BigInt(free) * MIB,
      driverVersion,
    }));
}
