import { schedulerOrder } from "./scheduler-order.ts";

export const command = schedulerOrder({
  name: "pause",
  about:
    "Stops offering jobs to nodes. What runs goes on, and jobs can be submitted. It outlives restarts; `cyxwiz resume` ends it.",
  reasonDoc: "kept in the log, and shown to whoever asks why jobs wait",
  examples: [['pause --reason="moving the database"', "nothing new starts until further notice"]],
});
