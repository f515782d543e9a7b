/** "Did you mean ...?": the known key nearest to a mistyped one. */
import { allKeys, type KeyName } from "./keys.ts";

/** Levenshtein distance: how many letters must be changed, added or removed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const normal = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "_");

/** The known key that `name` most likely stands for, or null when nothing is near. */
export function closestKey(name: string): KeyName | null {
  // Nobody mistypes into 100 letters; the cap keeps a hostile name from costing time.
  const wanted = normal(name).slice(0, 100);
  let best: { name: KeyName; far: number } | null = null;
  for (const known of allKeys) {
    // The right key in the wrong section, or in none, is a common slip: it counts as near as one letter.
    const sameField = normal(name.slice(name.lastIndexOf(".") + 1)) === known.field ? 1 : Number.POSITIVE_INFINITY;
    const far = Math.min(sameField, distance(wanted, normal(known.name)));
    if (best === null || far < best.far) best = { name: known.name, far };
  }
  return best !== null && best.far <= Math.max(2, Math.floor(wanted.length / 4)) ? best.name : null;
}

/** The end of an error message: names the nearest key in the writing the reader used. */
export function didYouMean(name: string, write: (known: KeyName) => string): string {
  const near = closestKey(name);
  return near === null ? "; docs/configuration.md lists every key" : `; did you mean ${write(near)}?`;
}
