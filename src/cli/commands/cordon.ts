import { nodeOrder } from "./node-order.ts";

export const command = nodeOrder({
  name: "cordon",
  about: "Offers a node nothing new. What it runs goes on. `cyxwiz uncordon` ends it.",
  reasonDoc: "kept in the log, and told to the node's owner",
  examples: [['cordon 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --reason="new driver"', "give it nothing new for now"]],
});
