/** What a cell is told, and what it needs from the system it lives in. */
import type { Cell } from "./cell.ts";
import type { CommitOutcome } from "./group-commit.ts";
import type { Committed, CommittedChange } from "./kind.ts";
import type { Clock, Journal, JournalEntry, Log, Text } from "./ports.ts";

export interface CellHost {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly log: Log;
  /** Hands a transition to the journal. `settle` is called once, with what became of it. */
  enqueue(entry: JournalEntry, settle: (outcome: CommitOutcome) => void): void;
  /** The cell has a new committed state: deadlines, effects and listeners follow from it. */
  committed(cell: Cell, change: CommittedChange): void;
  /** The cell takes no events until it is released: nothing may act in its name meanwhile. */
  setAside(cell: Cell): void;
  /** The cell has nothing to do and need not stay in memory. */
  release(cell: Cell): void;
}

export type Message =
  | {
      readonly type: "event";
      readonly event: { readonly type: string };
      /** The event is for this version of the actor alone: a deadline must not fall on the state after its own. */
      readonly forVersion?: number;
      readonly reply: Reply | null;
    }
  | {
      readonly type: "create";
      readonly input: Readonly<Record<string, unknown>>;
      /** Stored beside the new actor; kept here only until its commit has settled. */
      readonly texts: readonly Text[];
      readonly reply: Reply | null;
    };

export interface Reply {
  /** `created` is true when this very message made the actor. */
  resolve(committed: Committed, created: boolean): void;
  reject(error: Error): void;
}
