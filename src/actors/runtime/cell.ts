/**
 * One actor: its mailbox, and its last committed snapshot, from which the next one is computed.
 *
 * Modes:
 *   unread      nothing is known yet; the first message reads the row
 *   reading     the row is being read
 *   ready       in memory, takes the next message
 *   committing  a transition is with the journal; messages wait
 *   resting     restarted after a failure, waits a little before the next message
 *   absent      the row does not exist: only a creation is accepted
 *   quarantined refuses everything until an operator steps in
 *
 * Safety: a message is answered only in `settle`, after its commit, or with an error. `#committed` changes only there and
 * in `#adopt`, both from what the journal has. What is computed in between lives in its own commit alone: whatever goes
 * wrong, the actor goes on from `#committed` or from the row, so nothing uncommitted can be seen or built upon.
 */
import type { AnyMachineSnapshot } from "xstate";
import type { CellHost, Message, Reply } from "./cell-host.ts";
import type { Computation } from "./computation.ts";
import {
  ActorOverloaded,
  ActorQuarantined,
  ActorUnavailable,
  ActorUnknown,
  EventPoisonous,
  EventRejected,
} from "./errors.ts";
import { failpoints } from "./failpoints.ts";
import type { CommitOutcome } from "./group-commit.ts";
import { type ActorKind, type Committed, dottedState } from "./kind.ts";
import type { ActorRef, JournalEntry, Json, Millis, StoredActor, Text } from "./ports.ts";
import { RestartBudget } from "./restart-budget.ts";

type Mode = "unread" | "reading" | "ready" | "committing" | "resting" | "absent" | "quarantined";

/** A mailbox this long means the actor's senders outrun the journal by far; refusing is kinder than growing. */
const MAILBOX_LIMIT = 1000;
const FIRST_REREAD: Millis = 50;
const SLOWEST_REREAD: Millis = 2000;

export class Cell {
  #mode: Mode = "unread";
  #mailbox: Message[] = [];
  #committed: Committed | null = null;
  /** The actor's row in its own table as this cell last committed it; null since the actor was last read. */
  #row: JournalEntry["row"] = null;
  /** The context that this cell last committed; null since the actor was last read, by whatever build its row was written. */
  #written: Readonly<Record<string, unknown>> | null = null;
  #quarantineReason = "";
  readonly #restarts: RestartBudget;
  #closed = false;
  #rereadDelay = FIRST_REREAD;

  constructor(
    readonly ref: ActorRef,
    readonly kind: ActorKind,
    private readonly computation: Computation,
    private readonly host: CellHost,
  ) {
    this.#restarts = new RestartBudget(host.clock);
  }

  get committed(): Committed | null {
    return this.#committed;
  }

  get quarantined(): string | null {
    return this.#mode === "quarantined" ? this.#quarantineReason : null;
  }

  /** Queues a message. Never throws: refusals go to the message's reply. */
  post(message: Message): void {
    if (this.#mode === "quarantined") {
      message.reply?.reject(new ActorQuarantined(this.ref, this.#quarantineReason));
      return;
    }
    if (this.#mailbox.length >= MAILBOX_LIMIT) {
      message.reply?.reject(new ActorOverloaded(this.ref, `${MAILBOX_LIMIT} messages wait already`));
      return;
    }
    this.#mailbox.push(message);
    this.#pump();
  }

  /** Takes a row read at start-up. Returns false, and is quarantined, when it cannot be loaded. */
  restore(stored: StoredActor): boolean {
    try {
      this.#adopt(stored);
      return true;
    } catch (error) {
      this.quarantine(`its stored state cannot be loaded: ${messageOf(error)}`);
      void this.#recordPoison(stored.snapshot, error);
      return false;
    }
  }

  quarantine(reason: string): void {
    this.#mode = "quarantined";
    this.#quarantineReason = reason;
    this.host.log.error("an actor was quarantined", { kind: this.ref.kind, id: this.ref.id, reason });
    this.host.setAside(this);
    for (const message of this.#mailbox.splice(0)) message.reply?.reject(new ActorQuarantined(this.ref, reason));
  }

  /** An operator's second chance: the row is read again with the next message. */
  release(): void {
    if (this.#mode !== "quarantined") return;
    this.#restarts.clear();
    this.#mode = "unread";
    this.#read();
  }

  /** Refuses everything that waits, and reads no more; for shutdown, after the last commit has settled. */
  close(): void {
    this.#closed = true;
    for (const message of this.#mailbox.splice(0)) {
      message.reply?.reject(new ActorUnavailable(this.ref, "the server is stopping"));
    }
  }

  #pump(): void {
    while (this.#mailbox.length > 0) {
      switch (this.#mode) {
        case "unread":
          this.#read();
          return;
        case "ready":
        case "absent": {
          const message = this.#mailbox.shift();
          if (message) this.#take(message);
          break;
        }
        default:
          return;
      }
    }
    if (this.#mode === "absent" || (this.#mode === "ready" && this.#committed?.finished)) this.host.release(this);
  }

  #take(message: Message): void {
    const committed = this.#committed;
    if (message.type === "create") {
      if (committed) message.reply?.resolve(committed, false);
      else this.#create(message.input, message.texts, message.reply);
      return;
    }
    if (!committed) {
      message.reply?.reject(new ActorUnknown(this.ref));
      return;
    }
    if (committed.finished || (message.forVersion ?? committed.version) !== committed.version) {
      message.reply?.reject(new EventRejected(committed, message.event.type));
      return;
    }
    this.#step(committed, message.event, message.reply);
  }

  #create(input: Readonly<Record<string, unknown>>, texts: readonly Text[], reply: Reply | null): void {
    const at = this.host.clock.now();
    const event = { type: "created", input: { ...input, at } };
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = this.computation.begin(event.input);
    } catch (error) {
      this.#fail(event, error, reply);
      return;
    }
    this.#commit(snapshot, event, null, at, reply, texts);
  }

  #step(committed: Committed, event: { readonly type: string }, reply: Reply | null): void {
    const at = this.host.clock.now();
    const { rules } = this.kind;
    const stamped = rules === undefined ? { ...event, at } : { ...event, at, rules };
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = this.computation.next(committed.snapshot, stamped);
    } catch (error) {
      this.#fail(stamped, error, reply);
      return;
    }
    if (snapshot === committed.snapshot) reply?.reject(new EventRejected(committed, event.type));
    else this.#commit(snapshot, stamped, committed, at, reply);
  }

  #commit(
    snapshot: AnyMachineSnapshot,
    event: { readonly type: string },
    before: Committed | null,
    at: Millis,
    reply: Reply | null,
    texts: readonly Text[] = [],
  ): void {
    let after: Committed;
    let entry: JournalEntry;
    try {
      after = this.#describe(snapshot, (before?.version ?? 0) + 1, at);
      entry = {
        ref: this.ref,
        expectedVersion: before?.version ?? 0,
        event: event as unknown as Json,
        from: before?.state ?? null,
        to: after.state,
        snapshot: this.computation.persist(snapshot),
        ...(this.kind.lasting && { lasting: { names: this.kind.lasting, isKept: this.#keeps(snapshot.context) } }),
        deadline: deadlineOf(this.kind, snapshot),
        finished: after.finished,
        at,
        row: this.kind.row?.(snapshot as never, after.version) ?? null,
        rowBefore: this.#row,
        ...(texts.length > 0 && { texts }),
      };
    } catch (error) {
      this.#fail(event, error, reply);
      return;
    }
    this.#mode = "committing";
    this.host.enqueue(entry, (outcome) => this.#settle(outcome, entry, before, after, reply));
  }

  /** Whether the row has the lasting fields of the context as they are now. */
  #keeps(context: Readonly<Record<string, unknown>>): boolean {
    const written = this.#written;
    return written !== null && (this.kind.lasting ?? []).every((name) => context[name] === written[name]);
  }

  #settle(
    outcome: CommitOutcome,
    entry: JournalEntry,
    before: Committed | null,
    after: Committed,
    reply: Reply | null,
  ): void {
    const event = entry.event as unknown as { readonly type: string };
    switch (outcome.kind) {
      case "committed":
        this.#committed = after;
        this.#row = entry.row;
        this.#written = after.snapshot.context;
        this.#mode = "ready";
        if (failpoints.armed) failpoints.hitNow("cell.before_reply");
        reply?.resolve(after, before === null);
        if (failpoints.armed) failpoints.hitNow("cell.after_reply");
        this.host.committed(this, { before, after, event: event.type });
        this.#pump();
        return;
      case "rejected":
        if (outcome.error.stale) {
          // Somebody else's commit, or one of ours that we took for lost: the row knows.
          reply?.reject(new ActorUnavailable(this.ref, "its row changed underneath", { cause: outcome.error }));
          this.#reread();
        } else {
          this.#mode = before ? "ready" : "absent";
          this.#fail(event, outcome.error, reply);
        }
        return;
      case "unknown":
        reply?.reject(
          new ActorUnavailable(this.ref, `the database did not confirm: ${messageOf(outcome.error)}`, {
            cause: outcome.error,
          }),
        );
        this.#reread();
        return;
    }
  }

  /** The event is put aside and the actor goes on from its last committed state, a little later each time, until it is too often. */
  #fail(event: { readonly type: string }, error: unknown, reply: Reply | null): void {
    this.host.log.error("an event could not be applied and was put aside", {
      kind: this.ref.kind,
      id: this.ref.id,
      event: event.type,
      error,
    });
    void this.#recordPoison(event as unknown as Json, error);
    reply?.reject(
      new EventPoisonous(this.ref, `${event.type} could not be applied: ${messageOf(error)}`, { cause: error }),
    );
    const rest = this.#restarts.spend();
    if (rest === null) {
      this.quarantine(`it failed ${RestartBudget.limit} times in a short while, last with: ${messageOf(error)}`);
      return;
    }
    const mode = this.#committed ? "ready" : "absent";
    this.#mode = "resting";
    this.host.clock.after(rest, () => {
      if (this.#mode !== "resting") return;
      this.#mode = mode;
      this.#pump();
    });
  }

  #reread(): void {
    this.#mode = "reading";
    const delay = this.#rereadDelay;
    this.#rereadDelay = Math.min(delay * 2, SLOWEST_REREAD);
    this.host.clock.after(delay, () => {
      if (!this.#closed) this.#read();
    });
  }

  /** Reads the row and goes on from what it says. Retries for as long as the database does not answer. */
  #read(): void {
    this.#mode = "reading";
    this.host.journal.load(this.ref).then(
      (stored) => {
        if (this.#closed) return;
        this.#rereadDelay = FIRST_REREAD;
        this.#row = null;
        this.#written = null;
        const known = this.#committed;
        if (stored === null) {
          // Deleted by hand, if it ever was there.
          this.#committed = null;
          this.#mode = "absent";
        } else {
          if (known?.version === stored.version) this.#mode = "ready";
          else if (!this.restore(stored)) return;
          const now = this.#committed;
          // The commit we took for lost is there: what follows from it has not been done yet. A first read of a
          // finished actor has no followers.
          if (now && !(known === null && now.finished))
            this.host.committed(this, { before: known, after: now, event: "reloaded" });
        }
        this.#pump();
      },
      (error) => {
        if (this.#closed) return;
        this.host.log.warn("an actor's row could not be read; trying again", { ...this.ref, error });
        for (const message of this.#mailbox.splice(0)) {
          message.reply?.reject(new ActorUnavailable(this.ref, "the database does not answer", { cause: error }));
        }
        this.#reread();
      },
    );
  }

  #adopt(stored: StoredActor): void {
    const snapshot = this.computation.restore(this.kind.upgrade?.(stored.snapshot) ?? stored.snapshot);
    const described = this.#describe(snapshot, stored.version, stored.updatedAt);
    // A snapshot that its own kind cannot read would fail later, in the middle of something else.
    deadlineOf(this.kind, described.snapshot);
    this.kind.row?.(described.snapshot as never, stored.version);
    this.#committed = { ...described, finished: stored.finished };
    this.#mode = "ready";
  }

  #describe(snapshot: AnyMachineSnapshot, version: number, at: Millis): Committed {
    const state = this.kind.stateName?.(snapshot as never) ?? dottedState(snapshot.value);
    return { ref: this.ref, version, state, snapshot, finished: this.kind.finished(snapshot as never), at };
  }

  async #recordPoison(event: Json, error: unknown): Promise<void> {
    try {
      await this.host.journal.recordPoison({
        ref: this.ref,
        event,
        error: messageOf(error),
        at: this.host.clock.now(),
      });
    } catch (failure) {
      this.host.log.warn("a poisonous event could not be recorded", { ...this.ref, error: failure });
    }
  }
}

/** A deadline that is no time would be one that never comes. */
function deadlineOf(kind: ActorKind, snapshot: AnyMachineSnapshot): Millis | null {
  const deadline = kind.deadline(snapshot as never);
  if (deadline !== null && !Number.isFinite(deadline)) throw new Error(`${deadline} is no time for a deadline`);
  return deadline;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
