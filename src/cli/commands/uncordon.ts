import { nodeOrder } from "./node-order.ts";

export const command = nodeOrder({
  name: "uncordon",
  about:
    "Puts a node that was cordoned or drained back into service. `cyxwiz undrain` is the same. A ban is lifted with `cyxwiz unban`.",
  reasonDoc: "kept in the log",
  examples: [["uncordon 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11", "give it work again"]],
});
