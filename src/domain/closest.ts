/** "Did you mean ...?" for commands, options and fields. */

/** Letters to change, add, remove, or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The one of `known` that `word` most likely stands for, or null when nothing is near. */
export function closest(word: string, known: readonly string[]): string | null {
  // Nobody mistypes into 60 letters; the cap keeps a hostile word from costing time.
  const wanted = word.toLowerCase().slice(0, 60);
  let best: { readonly name: string; readonly far: number } | null = null;
  for (const name of known) {
    // A beginning of at least two letters is meant as an abbreviation.
    const abbreviates = wanted.length >= 2 && name.startsWith(wanted);
    const far = abbreviates ? 1 : distance(wanted, name);
    if (best === null || far < best.far) best = { name, far };
  }
  return best !== null && best.far <= Math.max(1, Math.floor(wanted.length / 3)) ? best.name : null;
}
