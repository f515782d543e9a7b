/** How the generated service definitions are made: nice-grpc's own `ServiceDefinition`, typed by our message types. */
import type { MethodDefinition, ServiceDefinition } from "nice-grpc";
import type { DeepPartial, MessageType } from "./codec.ts";

/** Whoever sends may leave fields out (`DeepPartial`); whoever receives sees every field. */
export type Method<Request, Response, RequestStream extends boolean, ResponseStream extends boolean> = MethodDefinition<
  DeepPartial<Request>,
  Request,
  DeepPartial<Response>,
  Response,
  RequestStream,
  ResponseStream
>;

export function method<Request, Response, RequestStream extends boolean, ResponseStream extends boolean>(
  path: string,
  request: MessageType<Request>,
  response: MessageType<Response>,
  requestStream: RequestStream,
  responseStream: ResponseStream,
): Method<Request, Response, RequestStream, ResponseStream> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
    options: {},
  };
}

/** Full name of the service a definition describes, for example `cyxwiz.protocol.JobService`. */
export function serviceName(definition: ServiceDefinition): string {
  const name = Object.values(definition)[0]?.path.split("/")[1];
  if (!name) throw new Error("a service definition without methods has no name");
  return name;
}
