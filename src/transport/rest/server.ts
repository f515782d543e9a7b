/** Serves the app over HTTP. */
import type { RestApp } from "./app.ts";

export interface RestServerOptions {
  readonly app: RestApp;
  readonly hostname: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface RestServer {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Takes nothing new, ends event streams, lets the other requests finish for up to `patience` milliseconds, then cuts them. */
  stop(patience?: number): Promise<void>;
}

/** Seconds. Four heartbeats of an event stream: a client that has taken nothing for so long is gone. */
const IDLE_TIMEOUT = 60;
/** Above the app's own limit, so that the app answers, with a problem, for bodies that are not far beyond it. */
const BODY_MARGIN = 1024 * 1024;
const DEFAULT_PATIENCE = 10_000;

/** @throws when the address can not be listened on, with what to do about it */
export function startRestServer({ app, hostname, port }: RestServerOptions): RestServer {
  const server = listen({ app, hostname, port });
  return {
    url: server.url.href.replace(/\/$/, ""),
    port: server.port ?? port,
    async stop(patience = DEFAULT_PATIENCE) {
      app.streams.close();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, patience);
      });
      await Promise.race([server.stop(), late]);
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

function listen({ app, hostname, port }: RestServerOptions) {
  try {
    return Bun.serve({
      hostname,
      port,
      idleTimeout: IDLE_TIMEOUT,
      maxRequestBodySize: app.maxBodyBytes + BODY_MARGIN,
      fetch: (request, server) => app.hono.fetch(request, { address: server.requestIP(request)?.address }),
      // Hono answers every error itself; this is for what goes wrong around it.
      error: () => new Response("internal error\n", { status: 500 }),
    });
  } catch (error) {
    throw new Error(
      `Could not listen on ${hostname}:${port} for REST. Is another server running there? Choose another server.rest_address.`,
      { cause: error },
    );
  }
}
