import { describe, expect, test } from "bun:test";
import { encodeLabels, targetFor } from "../../../src/agent/training/dataset/labels.ts";
import { measure, normalise } from "../../../src/agent/training/dataset/normalisation.ts";
import { splitRows } from "../../../src/agent/training/dataset/split.ts";
import type { Table, TableOptions } from "../../../src/agent/training/dataset/table.ts";
import { readTable } from "../../../src/agent/training/dataset/table.ts";
import { builtinDatasets } from "../../../src/agent/training/datasets/index.ts";
import { defaultLimits } from "../../../src/agent/training/job.ts";

function read(text: string, options: Partial<TableOptions> = {}): Table {
  return readTable(text, { labelColumn: null, header: null, limits: defaultLimits, ...options });
}
const rowsOf = (table: Table) =>
  Array.from({ length: table.rows }, (_, row) => [
    ...table.features.subarray(row * table.columns.length, (row + 1) * table.columns.length),
  ]);
const labelsOf = (table: Table) => [...(table.label?.codes ?? [])].map((code) => table.label?.values[code]);

describe("CSV", () => {
  test("a header is recognised by holding no numbers", () => {
    expect(read("a,b,kind\n1,2,x\n3,4,y\n")).toMatchObject({ rows: 2, columns: ["a", "b"], label: { name: "kind" } });
    expect(read("1,2,x\n3,4,y")).toMatchObject({ rows: 2, columns: ["column_0", "column_1"] });
    expect(read("1,2,x\n3,4,y", { header: true })).toMatchObject({ rows: 1, columns: ["1", "2"] });
  });
  test("quoted fields may hold separators, quotes and line ends", () => {
    const table = read('"a, b",kind\r\n1,"x ""y"", z"\r\n2,"two\nlines"\r\n3,plain\r\n');
    expect(table.columns).toEqual(["a, b"]);
    expect(labelsOf(table)).toEqual(['x "y", z', "two\nlines", "plain"]);
  });
  test("semicolons and tabs separate too, and blank lines are skipped", () => {
    expect(rowsOf(read("a;b;l\n1;2;x\n\n3;4;y\n"))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(rowsOf(read("a\tb\tl\n1\t2\tx\n3\t4\ty"))).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
  test("the label column is chosen by name, by number, or is the last", () => {
    const text = "kind,a,b\n7,1,2\n8,3,4";
    expect(rowsOf(read(text, { labelColumn: "kind" }))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(rowsOf(read(text, { labelColumn: "0" }))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(rowsOf(read(text))).toEqual([
      [7, 1],
      [8, 3],
    ]);
    expect(() => read(text, { labelColumn: "species" })).toThrow(
      'hyperparameters.label_column: "species" is not a column; use a number from 0 to 2 or one of "kind", "a", "b"',
    );
  });
  test("what cannot be used is refused with line and column", () => {
    expect(() => read("a,b,l\n1,2,x\n1,,y")).toThrow('the dataset, line 3, column "b": the value is missing');
    expect(() => read("a,b,l\n1,?,x")).toThrow('line 2, column "b": the value is missing');
    expect(() => read("a,b,l\n1,NaN,x")).toThrow('line 2, column "b": the value is missing ("NaN")');
    expect(() => read("a,b,l\n1,Infinity,x")).toThrow('line 2, column "b": "Infinity" is not a finite number');
    expect(() => read("a,b,l\n1,1e999,x")).toThrow('"1e999" is not a finite number');
    expect(() => read("a,b,l\n1,red,x")).toThrow('"red" is not a finite number; encode it as one or remove the column');
    expect(() => read("a,b,l\n1,2,")).toThrow('line 2, column "l": the label is missing');
    expect(() => read("a,b,l\n1,2")).toThrow("the dataset, line 2: 2 fields where 3 are expected");
    expect(() => read('a,b,l\n1,2,"x\n')).toThrow("line 2: a quote is opened and never closed");
    expect(() => read("\n \n")).toThrow("the dataset is empty");
    expect(() => read("a\n1")).toThrow("one column only");
  });
  test("a table larger than the node's memory is refused before it is made", () => {
    expect(() => read("1,2,x\n3,4,y", { limits: { ...defaultLimits, maxMemoryBytes: 20 } })).toThrow(
      "more than the 20 bytes of memory",
    );
  });
  test("a trained model's columns are found by name in any order", () => {
    const wanted = { columns: ["a", "b"], label: "kind" };
    expect(read("kind,b,extra,a\nx,2,9,1", { wanted })).toMatchObject({ columns: ["a", "b"], label: { name: "kind" } });
    expect(rowsOf(read("kind,b,extra,a\nx,2,9,1", { wanted }))).toEqual([[1, 2]]);
    expect(read("1,2\n3,4", { wanted }).label).toBeNull();
    expect(() => read("1,2,3,4\n3,4,5,6", { wanted })).toThrow("the model was trained on 2");
  });
});

describe("labels", () => {
  test("classes are sorted as numbers when they are numbers", () => {
    const label = read("1,10\n2,9\n3,10", { header: false }).label!;
    const target = targetFor("cross_entropy", label);
    expect(target).toEqual({ kind: "classes", classes: ["9", "10"] });
    expect([...encodeLabels(label, target)]).toEqual([1, 0, 1]);
  });
  test("a label that does not fit the loss is refused with the loss that would", () => {
    expect(() => targetFor("cross_entropy", read("1,0.5\n2,0.7").label!)).toThrow("use the loss mse");
    expect(() => targetFor("binary_cross_entropy", read("1,a\n2,b\n3,c").label!)).toThrow(
      "3 different values; binary_cross_entropy needs 2",
    );
    expect(() => targetFor("cross_entropy", read("1,a\n2,a").label!)).toThrow("1 different values");
    expect(() => encodeLabels(read("1,2\n2,red").label!, { kind: "number" })).toThrow(
      'line 2, column "column_1": "red" is not a finite number',
    );
    expect(() => encodeLabels(read("1,a\n2,z").label!, { kind: "classes", classes: ["a"] })).toThrow(
      'line 2, column "column_1": the model does not know the class "z"',
    );
  });
});

test("statistics come from the training rows alone", () => {
  const by = measure(Float64Array.of(1, 5, 3, 5, 100, 5), 2, Uint32Array.of(0, 1));
  expect(by).toEqual({ mean: [2, 5], deviation: [1, 1] });
  expect([...normalise(Float64Array.of(1, 5, 100, 5), 2, by)]).toEqual([-1, 0, 98, 0]);
});

describe("split", () => {
  test("covers every row once, and the same seed gives the same rows", () => {
    const split = splitRows(10, 0.3, 1, true);
    expect([...split.training, ...split.validation].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(split.validation).toHaveLength(3);
    expect(splitRows(10, 0.3, 1, true)).toEqual(split);
    expect(splitRows(10, 0.3, 2, true)).not.toEqual(split);
  });
  test("without shuffling holds the last rows", () => {
    expect([...splitRows(5, 0.4, 1, false).validation]).toEqual([3, 4]);
  });
  test("leaves neither side empty", () => {
    expect(splitRows(2, 0.01, 1, true).validation).toHaveLength(1);
    expect(splitRows(2, 0.9, 1, true).training).toHaveLength(1);
    expect(() => splitRows(1, 0.2, 1, true)).toThrow("cannot be split");
  });
});

describe("built-in datasets", () => {
  const shape = (name: string) => {
    const table = read(builtinDatasets.get(name)!);
    return [table.rows, table.columns.length, table.label!.values.length];
  };
  test("have their published sizes", () => {
    expect(shape("iris")).toEqual([150, 4, 3]);
    expect(shape("digits")).toEqual([1797, 64, 10]);
    expect(shape("wine")).toEqual([178, 13, 3]);
    expect(shape("breast-cancer")).toEqual([569, 30, 2]);
  });
  test("iris has Fisher's class means", () => {
    const table = read(builtinDatasets.get("iris")!);
    const means = [0, 1, 2].map((kind) => {
      const rows = rowsOf(table).filter((_, row) => table.label!.codes[row] === kind);
      expect(rows).toHaveLength(50);
      return [0, 1, 2, 3].map((column) => Math.round(rows.reduce((sum, row) => sum + row[column]!, 0) * 20) / 1000);
    });
    expect(table.label!.values).toEqual(["setosa", "versicolor", "virginica"]);
    expect(means).toEqual([
      [5.006, 3.428, 1.462, 0.246],
      [5.936, 2.77, 4.26, 1.326],
      [6.588, 2.974, 5.552, 2.026],
    ]);
  });
  test("breast-cancer, wine and digits have their published class counts", () => {
    const counts = (name: string) => {
      const { label } = read(builtinDatasets.get(name)!);
      return label!.values.map((_, code) => label!.codes.filter((each) => each === code).length);
    };
    expect(counts("breast-cancer")).toEqual([212, 357]);
    expect(counts("wine")).toEqual([59, 71, 48]);
    expect(counts("digits")).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  });
});
