/** Reads the texts that were stored beside actors, and keeps those that were read last. */
import type { Kysely } from "kysely";
import type { Text, Texts } from "../actors/runtime/index.ts";
import { sha256Of } from "../domain/job-texts.ts";
import type { Database } from "./tables.ts";

/** What the readers' connections give. Null also for a text that is not what its hash says: changed by hand, it is not the job's. */
export function databaseTexts(db: Kysely<Database>): Texts {
  return {
    async read(sha256) {
      const row = await db.selectFrom("texts").select("content").where("sha256", "=", sha256).executeTakeFirst();
      return row === undefined || sha256Of(row.content) !== sha256 ? null : row.content;
    },
  };
}

/** Four of the largest there can be (4 MB in 16-bit characters). */
export const TEXT_CACHE_BYTES = 32 * 2 ** 20;

/**
 * Texts by hash, which never change, so what is kept is never out of date. It serves those who submit one model many times, gangs
 * and second offers, and each new job whose offer follows at once; a model that only one job has makes room for the next.
 */
export class CachedTexts implements Texts {
  /** The one that was used last comes last. */
  readonly #kept = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<string | null>>();
  #bytes = 0;

  /** @param limit bytes of all texts that are kept */
  constructor(
    private readonly source: Texts,
    private readonly limit: number = TEXT_CACHE_BYTES,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  async read(sha256: string): Promise<string | null> {
    const kept = this.#kept.get(sha256);
    if (kept !== undefined) {
      this.#kept.delete(sha256);
      this.#kept.set(sha256, kept);
      return kept;
    }
    const underWay = this.#underWay.get(sha256);
    if (underWay) return underWay;
    const reading = this.source
      .read(sha256)
      .then((content) => {
        if (content !== null) this.keep({ sha256, content });
        return content;
      })
      .finally(() => this.#underWay.delete(sha256));
    this.#underWay.set(sha256, reading);
    return reading;
  }

  keep({ sha256, content }: Text): void {
    const size = sizeOf(content);
    if (size > this.limit || this.#kept.has(sha256)) return;
    this.#kept.set(sha256, content);
    this.#bytes += size;
    for (const [oldest, text] of this.#kept) {
      if (this.#bytes <= this.limit) return;
      this.#kept.delete(oldest);
      this.#bytes -= sizeOf(text);
    }
  }
}

/** At most: a text of Latin letters alone takes half. */
const sizeOf = (content: string): number => content.length * 2;
