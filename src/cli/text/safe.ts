/** Text from elsewhere, made fit for a terminal. */

/**
 * What a terminal acts on rather than shows: control characters (C0, DEL, C1), line separators, and the marks that turn or
 * hide text. A job's error message must not be able to move the cursor, set the window's title, or fake a line.
 */
const unsafe =
  /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\p{Cs}/gu;

const escapeOne = (character: string): string =>
  [...character].map((one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`).join("");

/** The text on one line, with whatever is unsafe written out as \uXXXX. */
export const safe = (text: string): string =>
  text
    .replace(/\s*[\r\n]+\s*/g, " ")
    .replaceAll("\t", " ")
    .replace(unsafe, escapeOne);

/** The same for text of several lines, such as a help text or an error with a list in it. */
export const safeLines = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => line.replace(unsafe, escapeOne))
    .join("\n");

/** JSON that a terminal may show: what JSON allows raw and terminals act on is escaped, which changes no value. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? wide(item) : item), indent);
  const escapeUnits = (match: string): string =>
    Array.from({ length: match.length }, (_, at) => `\\u${match.charCodeAt(at).toString(16).padStart(4, "0")}`).join(
      "",
    );
  // Line breaks here are the indentation's; those inside strings are escaped already.
  return text.replace(unsafe, (match) => (match === "\n" ? match : escapeUnits(match)));
}

/** A 64-bit integer as JSON can carry it: a number when it is one exactly, decimal text otherwise. */
function wide(value: bigint): number | string {
  const isSafe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return isSafe ? Number(value) : value.toString();
}

/** Columns a terminal needs for the text; wide characters take two. */
export const widthOf = (text: string): number => Bun.stringWidth(text);

/** The text cut to `width` columns, with an ellipsis where something is missing. */
export function fit(text: string, width: number, ellipsis = "…"): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let taken = widthOf(ellipsis);
  if (width < taken) return "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    taken += widthOf(segment);
    if (taken > width) break;
    kept += segment;
  }
  return kept + ellipsis;
}

/** The text in lines of at most `width` columns, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (line !== "" && widthOf(longer) > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  return lines;
}
