/** Callers that submit jobs: as fast as they are answered, or at a rate, whether they are answered or not. */
import { SubmitJobResponse } from "../src/transport/grpc/protocol.ts";
import { type Answer, FrameClient } from "./frame-client.ts";
import { sampleJob } from "./sample-job.ts";

export interface Load {
  readonly address: string;
  readonly connections: number;
  /** Every job the server has said yes to, over all phases. */
  readonly acknowledged: Set<string>;
  /** Milliseconds until a caller counts its submission as failed. */
  readonly patience?: number;
}

export interface Phase {
  readonly what: string;
  /** A second. */
  readonly offered: number;
  readonly accepted: number;
  readonly refused: number;
  /** Refusals that said when to come again. */
  readonly hinted: number;
  /** Neither accepted nor refused: an error, or no answer in time. */
  readonly failed: number;
  /** Milliseconds, sorted, of what was accepted, from the moment it was due. */
  readonly latencies: readonly number[];
  readonly refusalLatencies: readonly number[];
}

/** Milliseconds until a caller counts its submission as failed, where nothing else is said. */
const PATIENCE = 10_000;
const RESOURCE_EXHAUSTED = 8;
const SUBMIT = "/cyxwiz.protocol.JobService/SubmitJob";

/** A kind of device that no node has, so that what is measured is acceptance alone. */
const NOBODYS_DEVICE = 5;
const job = sampleJob({ requiredDevice: NOBODYS_DEVICE });

class Tally {
  offered = 0;
  refused = 0;
  hinted = 0;
  failed = 0;
  readonly latencies: number[] = [];
  readonly refusalLatencies: number[] = [];
  /** Those not answered yet, the oldest first. */
  readonly #waiting = new Set<{ readonly until: number; readonly giveUp: () => void }>();
  readonly #sweep: ReturnType<typeof setInterval>;

  constructor(private readonly load: Load) {
    // One clock for all: a timer for each call would cost as much as the call.
    this.#sweep = setInterval(() => {
      const now = performance.now();
      for (const one of this.#waiting) {
        if (one.until > now) return;
        one.giveUp();
      }
    }, 100);
  }

  /** @param due when the call should have gone out: waiting in our own queue is waiting too */
  submit(client: FrameClient, due: number): Promise<void> {
    this.offered += 1;
    return new Promise((resolve) => {
      const settle = (answer: Answer | null) => {
        if (!this.#waiting.delete(waiting)) return;
        this.#count(answer, due);
        resolve();
      };
      const until = performance.now() + (this.load.patience ?? PATIENCE);
      const waiting = { until, giveUp: () => settle(null) };
      this.#waiting.add(waiting);
      client.call(settle);
    });
  }

  #count(answer: Answer | null, due: number): void {
    if (answer?.status === 0 && answer.message !== null) {
      this.load.acknowledged.add(SubmitJobResponse.decode(answer.message).jobId);
      this.latencies.push(performance.now() - due);
    } else if (answer?.status === RESOURCE_EXHAUSTED) {
      this.refused += 1;
      if (answer.hinted) this.hinted += 1;
      this.refusalLatencies.push(performance.now() - due);
    } else this.failed += 1;
  }

  close(): void {
    clearInterval(this.#sweep);
  }

  phase(what: string, seconds: number): Phase {
    const ascending = (values: number[]) => values.sort((a, b) => a - b);
    return {
      what,
      offered: this.offered / seconds,
      accepted: this.latencies.length / seconds,
      refused: this.refused / seconds,
      hinted: this.hinted,
      failed: this.failed,
      latencies: ascending(this.latencies),
      refusalLatencies: ascending(this.refusalLatencies),
    };
  }
}

const connect = (load: Load): readonly FrameClient[] =>
  Array.from({ length: load.connections }, () => new FrameClient(load.address, SUBMIT, job));

/** `width` callers, each of which submits again when it has its answer. */
export async function closedLoop(
  load: Load,
  { what, width, seconds }: { readonly what: string; readonly width: number; readonly seconds: number },
): Promise<Phase> {
  const clients = connect(load);
  const tally = new Tally(load);
  const started = performance.now();
  const worker = async (index: number): Promise<void> => {
    const client = clients[index % clients.length] as FrameClient;
    while (performance.now() - started < seconds * 1000) await tally.submit(client, performance.now());
  };
  await Promise.all(Array.from({ length: width }, (_, index) => worker(index)));
  for (const client of clients) client.close();
  tally.close();
  return tally.phase(what, (performance.now() - started) / 1000);
}

/** `perSecond` submissions, whatever becomes of those before. Ends when the last of them is answered or given up. */
export async function openLoop(
  load: Load,
  { what, perSecond, seconds }: { readonly what: string; readonly perSecond: number; readonly seconds: number },
): Promise<Phase> {
  const clients = connect(load);
  const tally = new Tally(load);
  const started = performance.now();
  const total = Math.round(perSecond * seconds);
  const underWay: Promise<void>[] = [];
  while (underWay.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * perSecond));
    while (underWay.length < due) {
      const index = underWay.length;
      underWay.push(tally.submit(clients[index % clients.length] as FrameClient, started + (index / perSecond) * 1000));
    }
    await Bun.sleep(2);
  }
  const elapsed = (performance.now() - started) / 1000;
  await Promise.all(underWay);
  for (const client of clients) client.close();
  tally.close();
  return tally.phase(what, elapsed);
}
