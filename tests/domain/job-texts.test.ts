import { describe, expect, test } from "bun:test";
import { LARGEST_INLINE_TEXT, separated, sha256Of, whole } from "../../src/domain/job-texts.ts";
import { jobSpec } from "../actors/fixtures.ts";

const big = "m".repeat(LARGEST_INLINE_TEXT + 1);

describe("a job's big texts", () => {
  test("a job without any is returned as it is, up to the last byte", () => {
    const spec = jobSpec({ modelDefinition: "m".repeat(LARGEST_INLINE_TEXT), hyperparameters: { seed: "1" } });
    const kept = separated(spec);
    expect(kept.spec).toBe(spec);
    expect(kept.texts).toEqual([]);
  });

  test("a model of one byte more is replaced by its hash and its length", () => {
    const { spec, texts } = separated(jobSpec({ modelDefinition: big }));
    const sha256 = sha256Of(big);
    expect(spec).toEqual(jobSpec({ modelDefinition: "", texts: { model: { sha256, bytes: big.length } } }));
    expect(texts).toEqual([{ sha256, content: big }]);
  });

  test("length is that of the UTF-8 text", () => {
    const umlauts = "ü".repeat(LARGEST_INLINE_TEXT / 2 + 1);
    expect(separated(jobSpec({ modelDefinition: umlauts })).spec.texts?.model?.bytes).toBe(LARGEST_INLINE_TEXT + 2);
  });

  test("hyperparameters that are big together are one text", () => {
    const hyperparameters = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`p${index}`, "a long value"]),
    );
    const { spec, texts } = separated(jobSpec({ hyperparameters }));
    expect(spec.hyperparameters).toEqual({});
    expect(spec.modelDefinition).toBe("{}");
    expect(texts).toHaveLength(1);
    expect(spec.texts).toEqual({ hyperparameters: { sha256: texts[0]?.sha256 ?? "", bytes: expect.any(Number) } });
  });

  test("put back in their places they give the job as it was", async () => {
    const job = jobSpec({ modelDefinition: big, hyperparameters: { notes: `"${big}"`, __proto__x: "y" } });
    const { spec, texts } = separated(job);
    const read = async ({ sha256 }: { readonly sha256: string }) =>
      texts.find((text) => text.sha256 === sha256)?.content ?? "";
    expect(await whole(spec, read)).toEqual(job);
    expect(await whole(job, read)).toBe(job);
  });
});
