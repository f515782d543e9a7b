/**
 * grpc.reflection, v1 and v1alpha: lets grpcurl and other tools list and call our services without our .proto files.
 * Old tools know only v1alpha, new ones ask for v1 first; the two differ in nothing but the package name.
 */
import type { Server, ServiceDefinition } from "nice-grpc";
import { Status } from "nice-grpc-common";
import type { DeepPartial } from "./codec.ts";
import { serviceName } from "./definition.ts";
import { type FileDescriptor, fileDescriptors } from "./generated/descriptors.ts";
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "./generated/grpc/reflection/v1/reflection.ts";
import { ServerReflectionDefinition as AlphaDefinition } from "./generated/grpc/reflection/v1alpha/reflection.ts";

type Answer = DeepPartial<ServerReflectionResponse>["messageResponse"];

/** Adds both versions of the reflection service to `server`; they list `services` and themselves, nothing else. */
export function addReflection(server: Pick<Server, "add">, services: readonly ServiceDefinition[]): void {
  const names = [...services, ServerReflectionDefinition, AlphaDefinition].map(serviceName).sort();
  const implementation = {
    async *serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request, names) };
      }
    },
  };
  server.add(ServerReflectionDefinition, implementation);
  server.add(AlphaDefinition, implementation);
}

function answer({ messageRequest: request }: ServerReflectionRequest, services: readonly string[]): Answer {
  switch (request?.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    case "fileByFilename":
      return fileAnswer(fileDescriptors.find((file) => file.name === request.value));
    case "fileContainingSymbol":
      return fileAnswer(definitionOf(request.value));
    case "allExtensionNumbersOfType": // proto3 messages have no extensions
      if (!definitionOf(request.value)) return notFound;
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: request.value } };
    case "fileContainingExtension":
      return notFound;
    default:
      return refusal(Status.UNIMPLEMENTED, "this server does not know such a request");
  }
}

/** The file that defines a symbol. Some clients write names with a leading dot, as protoc does. */
function definitionOf(symbol: string): FileDescriptor | undefined {
  const name = symbol.startsWith(".") ? symbol.slice(1) : symbol;
  return fileDescriptors.find((file) => file.symbols.includes(name));
}

/** The file and, to spare the client a round trip for each, all that it imports. */
function fileAnswer(file: FileDescriptor | undefined): Answer {
  if (!file) return notFound;
  const files = new Set<FileDescriptor>();
  const add = (each: FileDescriptor) => {
    files.add(each);
    for (const imported of fileDescriptors) if (each.imports.includes(imported.name)) add(imported);
  };
  add(file);
  const fileDescriptorProto = [...files].map((each) => new Uint8Array(Buffer.from(each.base64, "base64")));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

const refusal = (errorCode: Status, errorMessage: string): Answer => ({
  case: "errorResponse",
  value: { errorCode, errorMessage },
});

const notFound = refusal(Status.NOT_FOUND, "not found");
