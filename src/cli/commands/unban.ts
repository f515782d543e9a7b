import { nodeOrder } from "./node-order.ts";

export const command = nodeOrder({
  name: "unban",
  about:
    "Lifts a node's ban, forgets its strikes, and gives it at least the 25 points of reputation that it takes to be offered jobs. Also ends its being set aside.",
  reasonDoc: "kept with the node's record",
  examples: [["unban 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --reason=repaired", "another chance"]],
});
