import { UsageError } from "../errors.ts";
import { secondsOf } from "../text/span.ts";
import { nodeOrder } from "./node-order.ts";

export const command = nodeOrder({
  name: "ban",
  about:
    "Keeps a node out of service: for a time, or until `cyxwiz unban`. It may finish what it runs unless --evict is given.",
  reasonDoc: "needed; kept in the log, and told to the node's owner",
  options: [
    { name: "for", value: "TIME", doc: "30m, 24h, 7d (default: until an operator lifts it)" },
    { name: "evict", doc: "move what it runs to other nodes at once" },
  ],
  examples: [
    [
      'ban 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --for=24h --evict --reason="wrong results"',
      "nothing of ours runs there any more",
    ],
  ],
  fields: ({ value, has }) => {
    if ((value("reason") ?? "").trim() === "") {
      throw new UsageError("cyxwiz ban needs a reason: the node's owner is told it", "Say it with --reason=TEXT.");
    }
    const time = value("for");
    return { evict: has("evict"), ...(time !== undefined && { duration_seconds: secondsOf("for", time) }) };
  },
});
