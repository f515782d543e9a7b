import { secondsOf } from "../text/span.ts";
import { nodeOrder } from "./node-order.ts";

export const command = nodeOrder({
  name: "drain",
  about:
    "Cordons a node, so that it finishes what it runs and gets nothing new. With a deadline, what it still runs then is moved to other nodes.",
  reasonDoc: "kept in the log, and told to the node's owner",
  options: [{ name: "deadline", value: "TIME", doc: "10m, 2h, 1d: when what it still runs is moved (default: never)" }],
  examples: [["drain 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --deadline=10m", "have it empty in ten minutes"]],
  fields: ({ value }) => {
    const deadline = value("deadline");
    return deadline === undefined ? {} : { deadline_seconds: secondsOf("deadline", deadline) };
  },
});
