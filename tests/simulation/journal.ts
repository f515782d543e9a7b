/**
 * One server's connection to the database, as the journal port. What goes through it keeps its order. A commit can be
 * written and confirmed, refused, lost, written without a confirmation, or reported as failed while it is still on its way;
 * what is still on its way is settled before anything else is done on the connection, as the real Writer does.
 */
import {
  type ActorRef,
  type Journal,
  JournalDeposed,
  type JournalEntry,
  type Json,
  type Millis,
  type Poison,
  type StoredActor,
  type Texts,
} from "../../src/actors/runtime/index.ts";
import type { Process } from "./agenda.ts";
import { type Frozen, freeze, keyOf, type Sabotage, type Store } from "./store.ts";
import type { World } from "./world.ts";

const PAGE = 40;

export interface Connection {
  readonly process: Process;
  readonly epoch: number;
  /** Called before anything is sent; false: the server has died at this very point. */
  readonly mayAct: () => boolean;
}

const never = <T>(): Promise<T> => new Promise<T>(() => {});

export class SimulatedJournal implements Journal, Texts {
  readonly #store: Store;
  /** When the last thing sent is through. */
  #busyUntil: Millis = 0;
  #onItsWay: readonly Frozen[] | null = null;

  constructor(
    private readonly world: World,
    private readonly connection: Connection,
    private readonly sabotage: Sabotage | null,
  ) {
    this.#store = world.store;
  }

  commit(batch: readonly JournalEntry[]): Promise<void> {
    if (!this.connection.mayAct()) return never();
    const frozen = freeze(batch);
    if (this.sabotage === "answers-before-it-writes") {
      void this.#send("commit", () => this.#write(frozen));
      return Promise.resolve();
    }
    return this.#send("commit", () => this.#write(frozen));
  }

  load(ref: ActorRef): Promise<StoredActor | null> {
    if (!this.connection.mayAct()) return never();
    return this.#send(`load ${keyOf(ref)}`, () => {
      this.#settle();
      return this.#store.read(ref);
    });
  }

  async *loadLive(kind: string): AsyncIterable<readonly StoredActor[]> {
    const found = await this.#page(`load all ${kind}`, () => this.#store.live(kind));
    for (let from = 0; from < found.length; from += PAGE) {
      yield await this.#page(`load ${kind} from ${from}`, () => found.slice(from, from + PAGE));
    }
  }

  read(sha256: string): Promise<string | null> {
    if (!this.connection.mayAct()) return never();
    return this.#send(`read text ${sha256}`, () => this.#store.texts.get(sha256) ?? null);
  }

  recordPoison({ ref, event, error }: Poison): Promise<void> {
    if (!this.connection.mayAct()) return never();
    return this.#send("poison", () => {
      this.#store.poison.push(`${keyOf(ref)} ${(event as { type?: Json }).type ?? "row"}: ${error}`);
    });
  }

  #page<T>(label: string, read: () => T): Promise<T> {
    return this.connection.mayAct() ? this.#send(label, read) : never();
  }

  /** What is sent is done even if the server dies meanwhile; only its answer is then heard by nobody. */
  #send<T>(label: string, act: () => T): Promise<T> {
    const { agenda, chance, weather } = this.world;
    const { process } = this.connection;
    const slow = weather.of("slowDatabase", "", agenda.now) * 4000;
    this.#busyUntil = Math.max(this.#busyUntil, agenda.now + 1 + chance.draw("to database") * (4 + slow));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    agenda.after(null, this.#busyUntil - agenda.now, `${process.name} ${label}`, () => {
      let answer: () => void;
      try {
        if (chance.happens("outage", weather.of("outage", "", agenda.now)))
          throw new Error("the database does not answer");
        const result = act();
        answer = () => resolve(result);
      } catch (error) {
        if (error instanceof JournalDeposed) this.world.saw("write of a deposed leader refused");
        answer = () => reject(error);
      }
      // Answers keep their order too: what was asked first is through first.
      this.#busyUntil = Math.max(this.#busyUntil, agenda.now + 1 + chance.draw("from database") * 2);
      agenda.after(process, this.#busyUntil - agenda.now, `${process.name} answer`, answer);
    });
    return promise;
  }

  #write(batch: readonly Frozen[]): void {
    const { agenda, chance, weather } = this.world;
    this.#settle();
    if (chance.happens("lost", weather.of("loseCommits", "", agenda.now))) {
      this.world.saw("commit lost");
      throw new Error("the commit was lost");
    }
    if (chance.happens("late", weather.of("landLate", "", agenda.now))) {
      this.world.saw("commit late");
      this.#onItsWay = batch;
      agenda.after(null, chance.draw("late") * 3000, "late commit", () => {
        if (this.#onItsWay === batch) this.#land();
      });
      throw new Error("the connection broke under the commit");
    }
    this.#store.write(batch, this.connection.epoch);
    if (chance.happens("doubt", weather.of("doubtCommits", "", agenda.now))) {
      this.world.saw("commit in doubt");
      throw new Error("no answer to the commit");
    }
  }

  /** The predecessor of this connection is ended: what it had begun is there, or never will be. */
  #settle(): void {
    if (this.#onItsWay === null || this.sabotage === "no-version-check") return;
    if (this.world.chance.happens("settled by landing", 0.5)) this.#land();
    else this.#onItsWay = null;
  }

  #land(): void {
    const batch = this.#onItsWay;
    this.#onItsWay = null;
    try {
      if (batch) this.#store.write(batch, this.connection.epoch);
      this.world.saw("late commit landed");
    } catch {
      // Refused, and nobody is there to be told.
    }
  }
}
