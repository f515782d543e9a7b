import { schedulerOrder } from "./scheduler-order.ts";

export const command = schedulerOrder({
  name: "resume",
  about: "Offers jobs to nodes again after `cyxwiz pause`.",
  reasonDoc: "kept in the log",
  examples: [["resume", "go on"]],
});
