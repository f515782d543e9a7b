/** A node, in every situation its own silence, its conduct and operators can bring it into. */
import { nodeKind, presenceOf } from "../../../../src/actors/node/kind.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { nodeEvents, nodeWorlds } from "./node-world.ts";
import { prove } from "./prove.ts";

const kind = nodeKind({
  link: undefined as never,
  clock: new FakeClock(),
  probeDelay: { first: 1000, slowest: 10_000 },
});

prove({
  // The node's one-word state is that of the worst of its three regions; here every region counts.
  kind: { ...kind, stateName: ({ value }) => JSON.stringify(value) },
  worlds: nodeWorlds,
  events: nodeEvents,
  source: "node/state.ts",
  waits: [
    {
      what: "an offline node waits for its owner: nothing waits for it, as the attempts it had end by their own grace period",
      applies: (node) => presenceOf(node) === "offline",
    },
  ],
  isOver: () => false,
  atLeast: 350,
});
