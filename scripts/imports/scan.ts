/**
 * Finds the imports of a TypeScript source, `import type` and `import("...")` types included. (Bun's own scanner leaves
 * type imports out, and for layering they count as much as any other.)
 */

export interface FoundImport {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

const statement = /^[ \t]*(?:import|export)\b(?:[^"'`;]*?\bfrom)?\s*(["'])([^"'\n]+)\1/gm;
const call = /\b(?:import|require)\s*\(\s*(["'])([^"'\n]+)\1/g;

export function scanImports(source: string): FoundImport[] {
  const code = blankOut(source);
  const found = [...code.matchAll(statement), ...code.matchAll(call)].map((match) => {
    const specifier = match[2] ?? "";
    // The line of the specifier, not of the statement: in a long import list that is where the eye must go.
    const at = match.index + match[0].lastIndexOf(specifier);
    return { specifier, line: code.slice(0, at).split("\n").length };
  });
  return found.sort((a, b) => a.line - b.line);
}

/**
 * The source with comments, template texts and regular expressions replaced by spaces, so that the patterns above meet
 * only code and plain strings. Line breaks stay. Exact enough for formatted source: a regular expression is told from a
 * division by what stands before it.
 */
function blankOut(source: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:\\[\s\S]|[^`\\])*`|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|(?<=(?:[=(,:;!&|?{}[+]|\breturn|=>|^)\s*)\/(?![/*])(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/gm;
  return source.replace(token, (text) => (/^["']/.test(text) ? text : text.replace(/[^\n]/g, " ")));
}
