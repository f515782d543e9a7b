/**
 * The datasets that come with the product; README.md beside this file credits their sources. Imported as text they are
 * part of the worker's bundle, so a compiled binary needs no files. Only the worker may import this module.
 */
import breastCancer from "./breast-cancer.csv" with { type: "text" };
import digits from "./digits.csv" with { type: "text" };
import iris from "./iris.csv" with { type: "text" };
import wine from "./wine.csv" with { type: "text" };

export const builtinDatasets: ReadonlyMap<string, string> = new Map([
  ["iris", iris],
  ["digits", digits],
  ["wine", wine],
  ["breast-cancer", breastCancer],
]);
