/** The server without its edges on a clock and a journal of the test's own; the nodes are played by the test. */
import { type Core, createCore } from "../../src/actors/core.ts";
import type { CommittedJob } from "../../src/actors/job/kind.ts";
import type { JobInput } from "../../src/actors/job/state.ts";
import type { CommittedNode } from "../../src/actors/node/kind.ts";
import type { NodeInput } from "../../src/actors/node/state.ts";
import type { NodeLink, Offer, OfferReply } from "../../src/actors/node-link.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { MemoryJournal } from "../support/memory-journal.ts";
import { rememberingLog } from "../support/quiet.ts";
import { jobInput, nodeInput } from "./fixtures.ts";

export const HEARTBEAT = 5000;
export const TIMEOUT = 15_000;

export class PlayedLink implements NodeLink {
  readonly offers: Offer[] = [];
  /** How the next offers are answered. */
  answer: (offer: Offer, signal: AbortSignal) => Promise<OfferReply> = async () => ({ accepted: true });
  callable = true;

  offer(offer: Offer, signal: AbortSignal): Promise<OfferReply> {
    this.offers.push(offer);
    return this.answer(offer, signal);
  }

  probe(): Promise<boolean> {
    return Promise.resolve(this.callable);
  }
}

export interface CoreWorld {
  readonly clock: FakeClock;
  readonly journal: MemoryJournal;
  readonly link: PlayedLink;
  readonly log: ReturnType<typeof rememberingLog>;
  readonly core: Core;
  job(id: string): CommittedJob | undefined;
  node(id: string): CommittedNode | undefined;
  /** Creates or registers again, as the transport does. */
  register(id: string, overrides?: Partial<NodeInput>): Promise<void>;
  submit(id: string, overrides?: Partial<JobInput>): Promise<void>;
}

export interface CoreWorldOptions {
  readonly clock?: FakeClock;
  readonly journal?: MemoryJournal;
  readonly link?: PlayedLink;
}

export async function coreWorld(options: CoreWorldOptions = {}): Promise<CoreWorld> {
  const clock = options.clock ?? new FakeClock();
  const journal = options.journal ?? new MemoryJournal();
  const link = options.link ?? new PlayedLink();
  const log = rememberingLog();
  const core = createCore({
    clock,
    journal,
    texts: journal,
    log,
    link,
    heartbeatInterval: HEARTBEAT,
    heartbeatTimeout: TIMEOUT,
    probeDelay: { first: 1000, slowest: 10_000 },
    maxPending: 10_000,
    onDeposed: () => {},
  });
  await core.start();
  return {
    clock,
    journal,
    link,
    log,
    core,
    job: (id) => core.jobs.peek(id),
    node: (id) => core.nodes.peek(id),
    register: async (id, overrides = {}) => {
      const { reputation, profile, policy, bootId } = nodeInput(overrides);
      const { created } = await core.nodes.create(id, { id, reputation, profile, policy, bootId });
      if (!created) await core.nodes.ask(id, { type: "REGISTERED", profile, policy, bootId });
      await settle();
    },
    submit: async (id, overrides = {}) => {
      const { at: _, ...input } = jobInput({ id, ...overrides });
      await core.jobs.create(id, input);
      await settle();
    },
  };
}
