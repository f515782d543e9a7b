/** What an actor keeps from its creation is written once, and never missing from what is read. */
import { describe, expect, test } from "bun:test";
import { assign, setup } from "xstate";
import { type ActorKind, ActorSystem, type JournalEntry } from "../../../src/actors/runtime/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { quietLog } from "../../support/quiet.ts";

interface Parcel {
  readonly to: { readonly name: string };
  readonly weight: number;
  readonly stops: number;
}

const parcelMachine = setup({
  types: {
    context: {} as Parcel,
    events: {} as { readonly at: number } & (
      | { readonly type: "MOVED" }
      | { readonly type: "REDIRECTED"; readonly name: string }
      | { readonly type: "ARRIVED" }
    ),
    input: {} as { readonly at: number; readonly name: string; readonly weight: number },
  },
}).createMachine({
  id: "parcel",
  context: ({ input }) => ({ to: { name: input.name }, weight: input.weight, stops: 0 }),
  initial: "underWay",
  states: {
    underWay: {
      on: {
        MOVED: { actions: assign({ stops: ({ context }) => context.stops + 1 }) },
        REDIRECTED: { actions: assign({ to: ({ event }) => ({ name: event.name }) }) },
        ARRIVED: "there",
      },
    },
    there: {},
  },
});

const parcelKind: ActorKind<typeof parcelMachine> = {
  name: "parcel",
  machine: parcelMachine,
  lasting: ["to", "weight"],
  deadline: () => null,
  finished: (snapshot) => snapshot.matches("there"),
};

/** A journal whose entries are seen, and one server after the other on it. */
class Post {
  readonly journal = new MemoryJournal();
  readonly kept: (boolean | undefined)[] = [];
  loses = false;

  constructor() {
    this.journal.fault = (batch, write) => {
      write();
      this.kept.push(...batch.map(({ lasting }: JournalEntry) => lasting?.isKept));
      if (this.loses) throw new Error("no answer");
    };
  }

  async open(clock = new FakeClock()) {
    const { journal } = this;
    const system = new ActorSystem({
      clock,
      journal,
      log: quietLog,
      outsideGrace: 0,
      maxPending: 100,
      onDeposed: () => {},
    });
    const parcels = system.register(parcelKind);
    await system.recover();
    system.start();
    return { parcels, clock, system };
  }

  get stored() {
    return JSON.parse(this.journal.rows.get("parcel/a")?.snapshot ?? "null").context as Parcel;
  }
}

describe("what lasts of an actor", () => {
  test("is written when it is made and when it changes, and not otherwise", async () => {
    const post = new Post();
    const { parcels } = await post.open();
    await parcels.create("a", { name: "Ada", weight: 3 });
    await parcels.ask("a", { type: "MOVED" });
    expect(post.stored).toEqual({ to: { name: "Ada" }, weight: 3, stops: 1 });
    await parcels.ask("a", { type: "REDIRECTED", name: "Bob" });
    await parcels.ask("a", { type: "MOVED" });
    expect(post.stored).toEqual({ to: { name: "Bob" }, weight: 3, stops: 2 });
    expect(post.kept).toEqual([false, true, false, true]);
  });

  test("is written again by a process that has only read it: another build may have stored it otherwise", async () => {
    const post = new Post();
    const first = await post.open();
    await first.parcels.create("a", { name: "Ada", weight: 3 });
    await first.system.stop();
    const next = await post.open();
    expect(next.parcels.peek("a")?.snapshot.context).toEqual({ to: { name: "Ada" }, weight: 3, stops: 0 });
    await next.parcels.ask("a", { type: "MOVED" });
    await next.parcels.ask("a", { type: "ARRIVED" });
    expect(post.kept).toEqual([false, false, true]);
    expect(post.stored).toEqual({ to: { name: "Ada" }, weight: 3, stops: 1 });
  });

  test("is written again after a commit in doubt, whatever became of it", async () => {
    const post = new Post();
    const { parcels, clock } = await post.open();
    await parcels.create("a", { name: "Ada", weight: 3 });
    post.loses = true;
    await expect(parcels.ask("a", { type: "REDIRECTED", name: "Bob" })).rejects.toThrow("did not confirm");
    post.loses = false;
    await clock.advance(100);
    await parcels.ask("a", { type: "MOVED" });
    expect(post.kept).toEqual([false, false, false]);
    expect(post.stored).toEqual({ to: { name: "Bob" }, weight: 3, stops: 1 });
  });
});
