/**
 * The wire contract of package `cyxwiz.protocol`, as the rest of the server sees it: message types, enums and service
 * definitions, generated from proto/cyxwiz/. `npm run generate` after changing a .proto file.
 *
 * A message is a plain readonly object with every field present; `JobConfig.create({ epochs: 3 })` fills in the rest,
 * `JobConfig.encode` and `JobConfig.decode` turn it into bytes and back. 64-bit integers are `bigint`.
 */
export { DecodeError, type DeepPartial, type MessageType } from "./codec.ts";
export { serviceName } from "./definition.ts";
export * from "./generated/cyxwiz/common.ts";
export * from "./generated/cyxwiz/compute.ts";
export * from "./generated/cyxwiz/deployment.ts";
export * from "./generated/cyxwiz/execution.ts";
export * from "./generated/cyxwiz/inference.ts";
export * from "./generated/cyxwiz/job.ts";
export * from "./generated/cyxwiz/node.ts";
export * from "./generated/cyxwiz/reservation.ts";
export * from "./generated/cyxwiz/wallet.ts";
