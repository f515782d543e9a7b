/** What this machine can do, as RegisterNode and heartbeats say it. */
import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, freemem, hostname, totalmem } from "node:os";
import { type DeepPartial, type DeviceCaps, DeviceType } from "../transport/grpc/protocol.ts";

const MIB = 2n ** 20n;

export const machineName = (): string => hostname();
export const cpuCores = (): number => availableParallelism();
export const ramTotal = (): bigint => BigInt(totalmem());
export const ramAvailable = (): bigint => BigInt(freemem());

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
