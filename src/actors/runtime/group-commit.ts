/**
 * The only writer of the journal. While one commit is in flight, transitions queue; the next commit takes them all.
 * On two cores with fsync on, committing one by one gives 2-4 thousand transitions a second, in groups of 50-500 it gives
 * 50-80 thousand; 500 to a statement is where the gain ends.
 *
 * Under load a full group does not wait for the one before it: it is sent behind it, and the database goes on to it while
 * this process still settles the first. Without that the two work by turns and each is idle half of the time: 1,650
 * placements a second on two busy cores, 2,200 with two groups in flight, 2,450 with three. A group that is not full waits,
 * so that few transitions make few commits.
 *
 * Safety: groups in flight at the same time do not depend on each other. An actor has one transition under way at most, so
 * no actor is in two of them; and whatever a transition was computed from had been committed when it was enqueued, because
 * nothing uncommitted is ever seen. So each may succeed or fail whatever becomes of the others, in any order.
 */
import { failpoints } from "./failpoints.ts";
import { type Journal, JournalDeposed, type JournalEntry, JournalRejected } from "./ports.ts";

const LARGEST_GROUP = 500;
/**
 * Characters of the texts in one group, about: a group ends with the entry that goes beyond. The statements of a group are all in
 * memory at once, and the database is at work on them for long; 500 models of a megabyte would be half a gigabyte.
 */
const MOST_TEXT = 4_000_000;
/** One that the database works on, one ready for it, and one that is being settled here. */
const MOST_IN_FLIGHT = 3;

export type CommitOutcome =
  | { readonly kind: "committed" }
  /** Surely not written, and never will be. */
  | { readonly kind: "rejected"; readonly error: JournalRejected }
  /** Perhaps written: the row must be read before the actor goes on. */
  | { readonly kind: "unknown"; readonly error: unknown };

interface Waiting {
  readonly entry: JournalEntry;
  readonly settle: (outcome: CommitOutcome) => void;
}

const COMMITTED: CommitOutcome = { kind: "committed" };

export class GroupCommit {
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #gathering = false;
  #idle: (() => void)[] = [];
  #deposed = false;

  constructor(
    private readonly journal: Journal,
    private readonly onDeposed: (error: JournalDeposed) => void,
    private readonly nextTurn: (callback: () => void) => void,
  ) {}

  get pending(): number {
    return this.#waiting.length;
  }

  /** `settle` is called exactly once and must not throw. Callers never have two entries of one actor waiting. */
  enqueue(entry: JournalEntry, settle: (outcome: CommitOutcome) => void): void {
    this.#waiting.push({ entry, settle });
    if (this.#inFlight > 0 || this.#gathering) {
      this.#send();
      return;
    }
    this.#gathering = true;
    // One turn of the event loop gathers what arrives together: a burst becomes one commit instead of two.
    this.nextTurn(() => {
      this.#gathering = false;
      this.#send();
    });
  }

  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0;
  }

  /** Never throws: every failure is an outcome of the entries it struck. */
  #send(): void {
    while (this.#mayGo()) {
      this.#inFlight += 1;
      void this.#fly(this.#waiting.splice(0, this.#nextGroup()));
    }
  }

  /** How many of those that wait go together. */
  #nextGroup(): number {
    const most = Math.min(this.#waiting.length, LARGEST_GROUP);
    let text = 0;
    for (let count = 0; count < most; count++) {
      for (const { content } of this.#waiting[count]?.entry.texts ?? []) text += content.length;
      if (text > MOST_TEXT) return count + 1;
    }
    return most;
  }

  #mayGo(): boolean {
    if (this.#waiting.length >= LARGEST_GROUP) return this.#inFlight < MOST_IN_FLIGHT;
    return this.#waiting.length > 0 && this.#inFlight === 0 && !this.#gathering;
  }

  async #fly(group: readonly Waiting[]): Promise<void> {
    await this.#commit(group);
    this.#inFlight -= 1;
    this.#send();
    if (this.#isIdle()) for (const wake of this.#idle.splice(0)) wake();
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const outcome = await this.#attempt(group);
    if (outcome.kind === "rejected" && group.length > 1) {
      // One bad row fails its whole group. Halving finds it in a few commits and lets all others through.
      const middle = group.length >> 1;
      await this.#commit(group.slice(0, middle));
      await this.#commit(group.slice(middle));
      return;
    }
    for (const one of group) one.settle(outcome);
  }

  async #attempt(group: readonly Waiting[]): Promise<CommitOutcome> {
    try {
      if (this.#deposed) throw new JournalDeposed("this process no longer leads");
      if (failpoints.armed) await failpoints.hit("journal.before_commit");
      await this.journal.commit(group.map((one) => one.entry));
      if (failpoints.armed) await failpoints.hit("journal.after_commit");
      return COMMITTED;
    } catch (error) {
      if (error instanceof JournalRejected) return { kind: "rejected", error };
      if (error instanceof JournalDeposed && !this.#deposed) {
        this.#deposed = true;
        this.onDeposed(error);
      }
      return { kind: "unknown", error };
    }
  }
}
