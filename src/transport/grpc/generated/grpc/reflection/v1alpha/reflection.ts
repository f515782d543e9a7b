// Generated from proto/grpc/reflection/v1alpha/reflection.proto by scripts/generate.ts. Do not edit: run `npm run generate`.

/** The standard gRPC reflection protocol under its older name, which older tools still ask for. */
import { messageType, readBytes, readMessage, readPacked, writeInt32, writeMessage, writePacked, writeString } from "../../../../codec.ts";
import { method } from "../../../../definition.ts";

export interface ServerReflectionRequest {
  readonly host: string;
  /**
   * fileContainingSymbol: full name of a message, enum, service, method or field
   * listServices: the text itself means nothing
   */
  readonly messageRequest:
    | { readonly case: "fileByFilename"; readonly value: string }
    | { readonly case: "fileContainingSymbol"; readonly value: string }
    | { readonly case: "fileContainingExtension"; readonly value: ExtensionRequest }
    | { readonly case: "allExtensionNumbersOfType"; readonly value: string }
    | { readonly case: "listServices"; readonly value: string }
    | undefined;
}
export const ServerReflectionRequest = messageType<ServerReflectionRequest>("grpc.reflection.v1alpha.ServerReflectionRequest", {
  create: (p) => ({
    host: p.host ?? "",
    messageRequest: 
      p.messageRequest?.case === "fileContainingExtension" ? { case: "fileContainingExtension", value: ExtensionRequest.create(p.messageRequest.value) } :
      p.messageRequest,
  }),
  write(m, w) {
    if (m.host) writeString(w.uint32(10), m.host);
    switch (m.messageRequest?.case) {
      case "fileByFilename": writeString(w.uint32(26), m.messageRequest.value); break;
      case "fileContainingSymbol": writeString(w.uint32(34), m.messageRequest.value); break;
      case "fileContainingExtension": writeMessage(w, 42, ExtensionRequest, m.messageRequest.value); break;
      case "allExtensionNumbersOfType": writeString(w.uint32(50), m.messageRequest.value); break;
      case "listServices": writeString(w.uint32(58), m.messageRequest.value); break;
    }
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.host = r.stringVerify(); return true;
      case 26: m.messageRequest = { case: "fileByFilename", value: r.stringVerify() }; return true;
      case 34: m.messageRequest = { case: "fileContainingSymbol", value: r.stringVerify() }; return true;
      case 42: m.messageRequest = { case: "fileContainingExtension", value: readMessage(r, ExtensionRequest, m.messageRequest?.case === "fileContainingExtension" ? m.messageRequest.value : undefined) }; return true;
      case 50: m.messageRequest = { case: "allExtensionNumbersOfType", value: r.stringVerify() }; return true;
      case 58: m.messageRequest = { case: "listServices", value: r.stringVerify() }; return true;
    }
    return false;
  },
});

export interface ExtensionRequest {
  readonly containingType: string;
  readonly extensionNumber: number;
}
export const ExtensionRequest = messageType<ExtensionRequest>("grpc.reflection.v1alpha.ExtensionRequest", {
  create: (p) => ({
    containingType: p.containingType ?? "",
    extensionNumber: p.extensionNumber ?? 0,
  }),
  write(m, w) {
    if (m.containingType) writeString(w.uint32(10), m.containingType);
    if (m.extensionNumber) writeInt32(w.uint32(16), m.extensionNumber);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.containingType = r.stringVerify(); return true;
      case 16: m.extensionNumber = r.int32(); return true;
    }
    return false;
  },
});

export interface ServerReflectionResponse {
  readonly validHost: string;
  readonly originalRequest: ServerReflectionRequest | undefined;
  readonly messageResponse:
    | { readonly case: "fileDescriptorResponse"; readonly value: FileDescriptorResponse }
    | { readonly case: "allExtensionNumbersResponse"; readonly value: ExtensionNumberResponse }
    | { readonly case: "listServicesResponse"; readonly value: ListServiceResponse }
    | { readonly case: "errorResponse"; readonly value: ErrorResponse }
    | undefined;
}
export const ServerReflectionResponse = messageType<ServerReflectionResponse>("grpc.reflection.v1alpha.ServerReflectionResponse", {
  create: (p) => ({
    validHost: p.validHost ?? "",
    originalRequest: p.originalRequest === undefined ? undefined : ServerReflectionRequest.create(p.originalRequest),
    messageResponse: 
      p.messageResponse?.case === "fileDescriptorResponse" ? { case: "fileDescriptorResponse", value: FileDescriptorResponse.create(p.messageResponse.value) } :
      p.messageResponse?.case === "allExtensionNumbersResponse" ? { case: "allExtensionNumbersResponse", value: ExtensionNumberResponse.create(p.messageResponse.value) } :
      p.messageResponse?.case === "listServicesResponse" ? { case: "listServicesResponse", value: ListServiceResponse.create(p.messageResponse.value) } :
      p.messageResponse?.case === "errorResponse" ? { case: "errorResponse", value: ErrorResponse.create(p.messageResponse.value) } :
      p.messageResponse,
  }),
  write(m, w) {
    if (m.validHost) writeString(w.uint32(10), m.validHost);
    if (m.originalRequest !== undefined) writeMessage(w, 18, ServerReflectionRequest, m.originalRequest);
    switch (m.messageResponse?.case) {
      case "fileDescriptorResponse": writeMessage(w, 34, FileDescriptorResponse, m.messageResponse.value); break;
      case "allExtensionNumbersResponse": writeMessage(w, 42, ExtensionNumberResponse, m.messageResponse.value); break;
      case "listServicesResponse": writeMessage(w, 50, ListServiceResponse, m.messageResponse.value); break;
      case "errorResponse": writeMessage(w, 58, ErrorResponse, m.messageResponse.value); break;
    }
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.validHost = r.stringVerify(); return true;
      case 18: m.originalRequest = readMessage(r, ServerReflectionRequest, m.originalRequest); return true;
      case 34: m.messageResponse = { case: "fileDescriptorResponse", value: readMessage(r, FileDescriptorResponse, m.messageResponse?.case === "fileDescriptorResponse" ? m.messageResponse.value : undefined) }; return true;
      case 42: m.messageResponse = { case: "allExtensionNumbersResponse", value: readMessage(r, ExtensionNumberResponse, m.messageResponse?.case === "allExtensionNumbersResponse" ? m.messageResponse.value : undefined) }; return true;
      case 50: m.messageResponse = { case: "listServicesResponse", value: readMessage(r, ListServiceResponse, m.messageResponse?.case === "listServicesResponse" ? m.messageResponse.value : undefined) }; return true;
      case 58: m.messageResponse = { case: "errorResponse", value: readMessage(r, ErrorResponse, m.messageResponse?.case === "errorResponse" ? m.messageResponse.value : undefined) }; return true;
    }
    return false;
  },
});

export interface FileDescriptorResponse {
  /** each a serialized google.protobuf.FileDescriptorProto */
  readonly fileDescriptorProto: readonly Uint8Array[];
}
export const FileDescriptorResponse = messageType<FileDescriptorResponse>("grpc.reflection.v1alpha.FileDescriptorResponse", {
  create: (p) => ({
    fileDescriptorProto: p.fileDescriptorProto?.map((v) => new Uint8Array(v)) ?? [],
  }),
  write(m, w) {
    for (const v of m.fileDescriptorProto ?? []) w.uint32(10).bytes(v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.fileDescriptorProto.push(readBytes(r)); return true;
    }
    return false;
  },
});

export interface ExtensionNumberResponse {
  readonly baseTypeName: string;
  readonly extensionNumber: readonly number[];
}
export const ExtensionNumberResponse = messageType<ExtensionNumberResponse>("grpc.reflection.v1alpha.ExtensionNumberResponse", {
  create: (p) => ({
    baseTypeName: p.baseTypeName ?? "",
    extensionNumber: p.extensionNumber?.map((v) => v) ?? [],
  }),
  write(m, w) {
    if (m.baseTypeName) writeString(w.uint32(10), m.baseTypeName);
    writePacked(w, 18, m.extensionNumber, writeInt32);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.baseTypeName = r.stringVerify(); return true;
      case 18: readPacked(r, m.extensionNumber, (r) => r.int32()); return true;
      case 16: m.extensionNumber.push(r.int32()); return true;
    }
    return false;
  },
});

export interface ListServiceResponse {
  readonly service: readonly ServiceResponse[];
}
export const ListServiceResponse = messageType<ListServiceResponse>("grpc.reflection.v1alpha.ListServiceResponse", {
  create: (p) => ({
    service: p.service?.map((v) => ServiceResponse.create(v)) ?? [],
  }),
  write(m, w) {
    for (const v of m.service ?? []) writeMessage(w, 10, ServiceResponse, v);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.service.push(readMessage(r, ServiceResponse)); return true;
    }
    return false;
  },
});

export interface ServiceResponse {
  readonly name: string;
}
export const ServiceResponse = messageType<ServiceResponse>("grpc.reflection.v1alpha.ServiceResponse", {
  create: (p) => ({
    name: p.name ?? "",
  }),
  write(m, w) {
    if (m.name) writeString(w.uint32(10), m.name);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 10: m.name = r.stringVerify(); return true;
    }
    return false;
  },
});

export interface ErrorResponse {
  /** a gRPC status code */
  readonly errorCode: number;
  readonly errorMessage: string;
}
export const ErrorResponse = messageType<ErrorResponse>("grpc.reflection.v1alpha.ErrorResponse", {
  create: (p) => ({
    errorCode: p.errorCode ?? 0,
    errorMessage: p.errorMessage ?? "",
  }),
  write(m, w) {
    if (m.errorCode) writeInt32(w.uint32(8), m.errorCode);
    if (m.errorMessage) writeString(w.uint32(18), m.errorMessage);
  },
  readField(tag, r, m) {
    switch (tag) {
      case 8: m.errorCode = r.int32(); return true;
      case 18: m.errorMessage = r.stringVerify(); return true;
    }
    return false;
  },
});

export const ServerReflectionDefinition = {
  serverReflectionInfo: method("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ServerReflectionRequest, ServerReflectionResponse, true, true),
};
