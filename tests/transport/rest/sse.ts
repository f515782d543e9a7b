/** Reads server-sent events as a client would. */
export interface ServerEvent {
  readonly event: string;
  readonly id: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
}

export interface EventReader {
  readonly status: number;
  readonly events: ServerEvent[];
  readonly comments: string[];
  /** Resolves when the server has closed the stream. */
  readonly closed: Promise<void>;
  states(): ServerEvent[];
  close(): void;
}

export async function follow(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const events: ServerEvent[] = [];
  const comments: string[] = [];
  const closed = (async () => {
    if (!response.body) return;
    let buffer = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      buffer += decoder.decode(chunk, { stream: true });
      const frames = buffer.split("\n\n");
      buffer = frames.pop() ?? "";
      for (const frame of frames) take(frame, events, comments);
    }
  })().catch(() => {});
  return {
    status: response.status,
    events,
    comments,
    closed,
    states: () => events.filter(({ event }) => event === "state"),
    close: () => abort.abort(),
  };
}

export function take(frame: string, events: ServerEvent[], comments: string[]): void {
  if (frame.startsWith(":")) {
    comments.push(frame);
    return;
  }
  const fields = new Map(
    frame.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const data = fields.get("data");
  if (data === undefined) return;
  const id = fields.get("id");
  events.push({
    event: fields.get("event") ?? "message",
    id: id === undefined ? null : Number(id),
    data: JSON.parse(data),
  });
}
