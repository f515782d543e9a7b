import type { JournalEntry } from "../actors/runtime/index.ts";
import type { Statement } from "./projections/projector.ts";

/**
 * The texts that the batch's creations refer to, one statement for each: as a parameter of its own a text goes to the server
 * as it is, in a list of texts every quote of it would have to be escaped. In order of their hashes, so that two transactions
 * that want the same ones wait for each other and never in a circle.
 */
export function writeTexts(batch: readonly JournalEntry[]): readonly Statement[] {
  const wanted = new Map<string, { readonly content: string; readonly at: number; uses: number }>();
  for (const { texts = [], at } of batch) {
    for (const { sha256, content } of texts) {
      const known = wanted.get(sha256);
      if (known) known.uses += 1;
      else wanted.set(sha256, { content, at, uses: 1 });
    }
  }
  return [...wanted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sha256, { content, at, uses }]) => ({
      name: "journal_text",
      text: writeText,
      values: [sha256, content, uses, at],
    }));
}

// The update takes the row's lock, for which a deletion waits, and leaves the content where it is. (`do nothing` would take none,
// and the text could be gone before this transaction commits.)
const writeText = `
  insert into texts (sha256, content, uses, created_at) values ($1, $2, $3, to_timestamp($4::float8 / 1000))
  on conflict (sha256) do update set uses = texts.uses + excluded.uses`;
