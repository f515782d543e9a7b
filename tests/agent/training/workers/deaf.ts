// Takes a job and never listens or answers again: what a worker is like in one endless mini-batch.
declare const self: { onmessage: (() => void) | null; postMessage(message: unknown): void };
self.onmessage = () => {
  self.postMessage({ type: "log", message: "deaf now" });
  for (;;) Math.sqrt(2);
};

export {};
