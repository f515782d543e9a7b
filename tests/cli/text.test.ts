import { describe, expect, test } from "bun:test";
import { type Progress, progressLine } from "../../src/cli/progress/bar.ts";
import { fit, safe, safeJson, safeLines, widthOf, wrap } from "../../src/cli/text/safe.ts";
import { styleFor } from "../../src/cli/text/style.ts";
import { type Column, renderPairs, renderTable } from "../../src/cli/text/table.ts";
import { bytes, duration, figure, percent } from "../../src/cli/text/units.ts";

const terminal = { write: () => {}, isTTY: true, columns: 80 };
const plain = styleFor({ ...terminal, isTTY: false }, {});
const ascii = styleFor({ ...terminal, isTTY: false }, { LANG: "C" });
const coloured = styleFor(terminal, {});

const hostile = "\x1b[2J\x1b]0;title\x07\u009b31mred\r\nfake line\u202egnp.exe\u2028\u0000\ud800";

describe("text from elsewhere", () => {
  test("cannot act on a terminal", () => {
    expect(safe(hostile)).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
    expect(safe(hostile)).toContain("\\u001b[2J");
    expect(safeLines(hostile).split("\n")).toHaveLength(2);
  });

  test("that is harmless stays as it is", () => {
    const text = "Zażółć gęślą jaźń 日本語 👩‍🔬 é";
    expect(safe(text)).toBe(text);
  });

  test("JSON says the same in harmless characters", () => {
    const value = { text: hostile.replace("\ud800", ""), big: 2n ** 60n, small: 5n, "\u009b": 1 };
    for (const indent of [undefined, 2]) {
      const json = safeJson(value, indent);
      expect(json.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
      expect(JSON.parse(json)).toEqual({ ...value, big: (2n ** 60n).toString(), small: 5 });
    }
  });

  test("is cut at columns, not in the middle of a character", () => {
    expect(fit("abcdef", 6)).toBe("abcdef");
    expect(fit("abcdef", 4)).toBe("abc…");
    expect(widthOf(fit("日本語日本語", 6))).toBeLessThanOrEqual(6);
    expect(fit("👩‍🔬👩‍🔬👩‍🔬", 4)).toBe("👩‍🔬…");
    expect(fit("abc", 0)).toBe("");
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
  });
});

describe("numbers", () => {
  test.each([
    [0, "0 ms"],
    [850, "850 ms"],
    [4230, "4.2 s"],
    [9999, "10 s"],
    [59_600, "1 min"],
    [200_000, "3 min 20 s"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [100_000_000, "1 d 4 h"],
    [-1, "?"],
    [Number.NaN, "?"],
  ])("%d ms is %s", (millis, shown) => expect(duration(millis)).toBe(shown));

  test("figures, shares and sizes", () => {
    expect([0.123456, 12.3456, 1e-9, 0, Number.NaN, 1e9].map(figure)).toEqual([
      "0.1235",
      "12.35",
      "1.00e-9",
      "0",
      "NaN",
      "1.00e+9",
    ]);
    expect([percent(0.981, 1), percent(1), percent(Number.NaN)]).toEqual(["98.1 %", "100 %", "? %"]);
    expect([0, 999, 1000, 2_140_000, 99_900_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "2.1 MB", "100 MB"]);
  });
});

describe("styles", () => {
  test("colours only on a terminal, without NO_COLOR, that is not dumb", () => {
    expect(coloured.good("x")).toBe("\x1b[32mx\x1b[0m");
    expect(plain.good("x")).toBe("x");
    expect(styleFor(terminal, { NO_COLOR: "1" }).good("x")).toBe("x");
    expect(styleFor(terminal, { NO_COLOR: "" }).good("x")).not.toBe("x");
    expect(styleFor(terminal, { TERM: "dumb" }).good("x")).toBe("x");
  });

  test("signs beyond ASCII only where the locale has them", () => {
    expect(ascii).toMatchObject({ unicode: false, tick: "ok" });
    expect(styleFor(terminal, { LANG: "C.UTF-8" }).unicode).toBe(true);
    expect(styleFor(terminal, { LC_ALL: "POSIX", LANG: "en_US.UTF-8" }).unicode).toBe(false);
  });
});

describe("the progress line", () => {
  const progress: Progress = { fraction: 0.62, epoch: 31, epochs: 50, loss: 0.0421, accuracy: 0.981, remaining: 2100 };

  test("at usual widths", () => {
    expect(progressLine(progress, 100, ascii)).toBe(
      "[##################------------]  62 %  epoch 31/50  loss 0.0421  accuracy 98.1 %  2 s left",
    );
    expect(progressLine(progress, 59, ascii)).toBe("[#####----]  62 %  31/50  loss 0.0421  acc 98.1 %  2 s left");
    expect(progressLine(progress, 40, ascii)).toBe("[#########------]  62 %  31/50  2 s left");
    expect(progressLine(progress, 20, plain)).toBe("━━━━━━━━╸─────  62 %");
  });

  test("fits every width, in every style, for every kind of number", () => {
    const odd: Progress[] = [
      progress,
      { ...progress, fraction: Number.NaN },
      { ...progress, fraction: -1, loss: Number.POSITIVE_INFINITY, accuracy: Number.NaN },
      { ...progress, fraction: 99, epoch: 2 ** 31, epochs: null, remaining: 1e15 },
      { fraction: 0, epoch: 0, epochs: null, loss: null, accuracy: null, remaining: null },
    ];
    for (const style of [plain, ascii, coloured]) {
      for (const one of odd) {
        for (let width = 0; width <= 200; width++) {
          const line = progressLine(one, width, style);
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          if (width >= 20) expect(line).toMatch(/%/);
          expect(line).not.toContain("\n");
        }
      }
    }
  });

  test("only the end is 100 %", () => {
    expect(progressLine({ ...progress, fraction: 0.9999 }, 30, ascii)).toContain("99 %");
    expect(progressLine({ ...progress, fraction: 1 }, 30, ascii)).toContain("100 %");
  });
});

describe("tables", () => {
  interface Row {
    readonly id: string;
    readonly name: string;
    readonly count: number;
  }
  const rows: Row[] = [
    { id: "aaaaaaaaaaaaaaaa", name: "short", count: 1 },
    { id: "bbbbbbbbbbbbbbbb", name: "日本語 and a long name", count: 1000 },
  ];
  const columns: readonly Column<Row>[] = [
    { title: "ID", cell: ({ id }) => id },
    { title: "COUNT", cell: ({ count }) => String(count), align: "right", dispensable: 1 },
    { title: "NAME", cell: ({ name }) => name, shrinksTo: 6, dispensable: 2 },
  ];

  test("are aligned", () => {
    expect(renderTable(columns, rows, Number.POSITIVE_INFINITY, plain).split("\n")).toEqual([
      "ID                COUNT  NAME",
      "aaaaaaaaaaaaaaaa      1  short",
      "bbbbbbbbbbbbbbbb   1000  日本語 and a long name",
    ]);
  });

  test("give way column by column, the ids last and whole", () => {
    for (let width = 16; width <= 60; width++) {
      const lines = renderTable(columns, rows, width, plain).split("\n");
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      expect(lines[1]).toStartWith("aaaaaaaaaaaaaaaa");
    }
    expect(renderTable(columns, rows, 32, plain)).toContain("…");
    expect(renderTable(columns, rows, 24, plain)).not.toContain("NAME");
    expect(renderTable(columns, rows, 20, plain)).not.toContain("COUNT");
    expect(renderTable(columns, rows, 5, plain)).toContain("aaaaaaaaaaaaaaaa");
  });

  test("pairs stand under each other", () => {
    expect(
      renderPairs(
        [
          ["a", "1"],
          ["long", "2"],
        ],
        plain,
        "  ",
      ),
    ).toBe("  a     1\n  long  2");
  });
});
