/**
 * What grpc-js itself refuses before any of our code sees the call: bytes that are no message, a message that is too large, a
 * deadline that is none. It calls most of these INTERNAL, which to a caller, and to whoever is woken by it, means that the
 * server is at fault; here they get the status of a caller's mistake, and the word that sending the same again is useless.
 */
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status as Status,
} from "@grpc/grpc-js";

/** A status on its way to the client. */
type Outcome = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** gRFC A6: a negative delay asks the client not to retry. */
const NEVER = "-1";

/** grpc-js's words (1.14, `server-interceptors.js`), and what they should say. */
const faults: readonly { readonly starts: string; readonly code: Status; readonly says: string }[] = [
  {
    starts: "Error deserializing request",
    code: Status.INVALID_ARGUMENT,
    says: "the request's bytes are no such message",
  },
  {
    starts: "Failed to decompress message",
    code: Status.INVALID_ARGUMENT,
    says: "the request's bytes do not decompress",
  },
  { starts: "Invalid grpc-timeout value", code: Status.INVALID_ARGUMENT, says: "grpc-timeout: is no duration" },
];

/** Calls these UNIMPLEMENTED, as if the method did not exist. */
const wrongCount: readonly { readonly starts: string; readonly says: string }[] = [
  { starts: "Received no request message", says: "there is no request message, or it ends too early" },
  { starts: "Received a second request message", says: "there is more than one request message" },
];

/** A status as it leaves. Ours go as they are. */
export function corrected(given: Outcome, maxMessageBytes: number): Outcome {
  const { details } = given;
  if (given.code === Status.INTERNAL) {
    const fault = faults.find(({ starts }) => details.startsWith(starts));
    return fault ? { code: fault.code, details: fault.says, metadata: given.metadata ?? new Metadata() } : given;
  }
  if (given.code === Status.UNIMPLEMENTED) {
    const fault = wrongCount.find(({ starts }) => details.startsWith(starts));
    return fault ? { ...given, code: Status.INVALID_ARGUMENT, details: fault.says } : given;
  }
  if (given.code === Status.RESOURCE_EXHAUSTED && /^Received message (larger|that decompresses)/.test(details)) {
    const metadata = given.metadata ?? new Metadata();
    metadata.set("grpc-retry-pushback-ms", NEVER);
    return {
      code: Status.RESOURCE_EXHAUSTED,
      details: `the message is larger than ${maxMessageBytes} bytes (limits.max_message_bytes); sending it again does not help`,
      metadata,
    };
  }
  return given;
}

/**
 * grpc-js sends these statuses on the innermost call, past every interceptor, so that is where they are taken. The call is
 * handed to us to wrap; replacing one method of the object itself is the only way to see them.
 */
export const wireFaults =
  (maxMessageBytes: number): ServerInterceptor =>
  (_method, call: ServerInterceptingCallInterface) => {
    const send = call.sendStatus.bind(call);
    call.sendStatus = (status) => send(corrected(status, maxMessageBytes));
    return new ServerInterceptingCall(call);
  };
