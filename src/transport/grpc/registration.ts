/** RegisterNode's `info`, checked and turned into the profile a node actor keeps. */
import { isIP } from "node:net";
import { DEVICE_KINDS, type DeviceKind } from "../../domain/job-spec.ts";
import { UNITS_PER_TOKEN } from "../../domain/money.ts";
import type { Device, NodeProfile } from "../../domain/node-profile.ts";
import { invalid } from "../../domain/refusal.ts";
import type { Caller } from "./caller.ts";
import { count, finite, text, whole } from "./fields.ts";
import type { DeviceCaps, NodeInfo, NodePricing } from "./protocol.ts";

/** What a node that is not one of the C++ builds says of itself in metadata; see docs/node-protocol.md. */
export interface NodeExtensions {
  /** "host:port" where it serves AssignJob. */
  readonly assignEndpoint: string | undefined;
  readonly slots: string | undefined;
  /** Comma-separated; "attempts" is the one there is. */
  readonly features: string | undefined;
}

/** Metal and Vulkan devices are kept as well; a number we do not know is skipped, as a later protocol may add some. */
const wireDevices: readonly (DeviceKind | undefined)[] = [undefined, ...DEVICE_KINDS];

export function readProfile(
  info: NodeInfo,
  publicKey: Uint8Array,
  caller: Caller,
  extensions: NodeExtensions,
  defaults: { readonly slots: number; readonly assignEndpoint: string | undefined },
): NodeProfile {
  if (publicKey.length !== 0 && publicKey.length !== 32) {
    throw invalid("public_key", `has ${publicKey.length} bytes; an ed25519 key has 32`);
  }
  const devices = info.devices.flatMap((device, index) => readDevice(device, index));
  if (info.devices.length > 64)
    throw invalid("info.devices", `has ${info.devices.length} entries; at most 64 are allowed`);
  return {
    name: text("info.name", info.name, { max: 200 }),
    wallet: text("info.wallet_address", info.walletAddress, { max: 128 }) || caller.wallet || "",
    userId: caller.userId,
    softwareVersion: info.version ? `${info.version.major}.${info.version.minor}.${info.version.patch}` : "",
    devices,
    cpuCores: whole("info.cpu_cores", info.cpuCores, { min: 0, max: 65_536 }),
    ramBytes: count("info.ram_total", info.ramTotal),
    region: text("info.region", info.region, { max: 100 }),
    ipAddress: readHost("info.ip_address", info.ipAddress),
    port: whole("info.port", info.port, { min: 1, max: 65_535 }),
    assignEndpoint: defaults.assignEndpoint ?? readEndpoint(extensions.assignEndpoint),
    stakeUnits: BigInt(
      Math.round(finite("info.staked_amount", info.stakedAmount, { min: 0, max: 1e9 }) * Number(UNITS_PER_TOKEN)),
    ).toString(),
    formats: readNames("info.supported_formats", info.supportedFormats),
    runtimes: readNames("info.available_runtimes", info.availableRuntimes),
    maxModelBytes: count("info.max_model_size", info.maxModelSize),
    terminalAccess: info.supportsTerminalAccess,
    pricing: info.pricing ? readPricing(info.pricing) : null,
    publicKey: publicKey.length === 0 ? null : Buffer.from(publicKey).toString("hex"),
    slots: extensions.slots === undefined ? defaults.slots : readSlots(extensions.slots),
    reportsAttempts: (extensions.features ?? "").split(",").some((name) => name.trim() === "attempts"),
  };
}

function readDevice(device: DeviceCaps, index: number): readonly Device[] {
  const at = `info.devices[${index}]`;
  const kind = wireDevices[device.deviceType];
  if (kind === undefined) return [];
  return [
    {
      kind,
      name: text(`${at}.device_name`, device.deviceName, { max: 200 }),
      memoryBytes: count(`${at}.memory_total`, device.memoryTotal),
      memoryAvailableBytes: count(`${at}.memory_available`, device.memoryAvailable),
      // GPUs of older clients give their memory as `memory_*` only.
      vramBytes: kind === "cpu" ? 0 : count(`${at}.vram_total`, device.vramTotal || device.memoryTotal),
      vramAvailableBytes:
        kind === "cpu"
          ? 0
          : count(`${at}.vram_available`, device.vramTotal ? device.vramAvailable : device.memoryAvailable),
      computeUnits: whole(`${at}.compute_units`, device.computeUnits, { min: 0, max: 1_000_000 }),
      fp64: device.supportsFp64,
      fp16: device.supportsFp16,
      gpuModel: text(`${at}.gpu_model`, device.gpuModel, { max: 200 }),
      driverVersion: text(`${at}.driver_version`, device.driverVersion, { max: 100 }),
      cudaVersion: text(`${at}.cuda_version`, device.cudaVersion, { max: 100 }),
      pcieGeneration: whole(`${at}.pcie_generation`, device.pcieGeneration, { min: 0, max: 100 }),
      pcieLanes: whole(`${at}.pcie_lanes`, device.pcieLanes, { min: 0, max: 1000 }),
      computeCapability: finite(`${at}.compute_capability`, device.computeCapability, { min: 0, max: 1000 }),
    },
  ];
}

function readNames(field: string, names: readonly string[]): readonly string[] {
  if (names.length > 100) throw invalid(field, `has ${names.length} entries; at most 100 are allowed`);
  return names.map((name, index) => text(`${field}[${index}]`, name, { max: 100 }));
}

function readEndpoint(given: string | undefined): string | null {
  if (given === undefined || given === "") return null;
  const endpoint = text("cyxwiz-assign-endpoint", given, { max: 300 });
  const [, bracketed, host = bracketed, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(endpoint) ?? [];
  if (host === undefined || !isHost(host) || Number(port) < 1 || Number(port) > 65_535) {
    throw invalid("cyxwiz-assign-endpoint", "must be host:port, for example 10.0.0.7:50055");
  }
  return endpoint;
}

/** We connect to it, so it must be an address or a name of the DNS and nothing that a resolver might take for more. */
function readHost(field: string, given: string): string {
  const host = text(field, given, { max: 255, required: true });
  if (!isHost(host)) throw invalid(field, "must be an IP address or a host name, without a scheme or a port");
  return host;
}

const isHost = (host: string): boolean => isIP(host) !== 0 || /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(host);

function readSlots(given: string): number {
  const slots = Number(given);
  if (!Number.isInteger(slots) || slots < 1 || slots > 1024) {
    throw invalid(
      "cyxwiz-slots",
      `${JSON.stringify(given.slice(0, 20))} is not allowed; use a whole number from 1 to 1024`,
    );
  }
  return slots;
}

function readPricing(pricing: NodePricing): Readonly<Record<string, number | boolean>> {
  const entries = Object.entries(pricing).map(([name, value]) => {
    if (typeof value === "boolean") return [name, value] as const;
    return [name, finite(`info.pricing.${name}`, Number(value), { min: 0, max: 1e15 })] as const;
  });
  return Object.fromEntries(entries);
}
