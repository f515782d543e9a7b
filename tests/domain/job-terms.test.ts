/** The "cyxwiz.*" hyperparameters: what a job may ask for beyond the wire's fields. */
import { describe, expect, test } from "bun:test";
import { readTerms, TERM_NAMES } from "../../src/domain/job-terms.ts";
import { Refusal } from "../../src/domain/refusal.ts";
import { seeded } from "../support/seeded.ts";

function refused(terms: Record<string, string>): Refusal {
  try {
    readTerms(terms);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(terms)}`);
}

describe("terms", () => {
  test("a job that states none has none", () => {
    expect(readTerms({ learning_rate: "0.1", "cyxwizard.x": "1" })).toEqual({
      requirements: null,
      gang: null,
      policy: {},
    });
  });

  test("all of them together", () => {
    expect(
      readTerms({
        "cyxwiz.region": "EU-west, us-east ,eu-west",
        "cyxwiz.format": "ONNX",
        "cyxwiz.runtime": "cuda-12.4",
        "cyxwiz.min_reputation": "60.5",
        "cyxwiz.min_stake": "100",
        "cyxwiz.max_price_per_hour": "1.000000001",
        "cyxwiz.ram": "1073741824",
        "cyxwiz.gang.size": "4",
        "cyxwiz.gang.topology": "region",
        "cyxwiz.lost_after": "90",
        "cyxwiz.stop_after": "30.5",
        "cyxwiz.reconcile": "keep_original",
        "cyxwiz.max_duration": "3600",
        "cyxwiz.queue_timeout": "60",
      }),
    ).toEqual({
      requirements: {
        regions: ["eu-west", "us-east"],
        format: "onnx",
        runtime: "cuda-12.4",
        minReputation: 60.5,
        minStake: "100000000000",
        maxPricePerHour: "1000000001",
        ramBytes: 2 ** 30,
      },
      gang: { size: 4, topology: "region" },
      policy: {
        lostAfter: 90_000,
        stopAfter: 30_500,
        reconcile: "keep_original",
        maxDuration: 3_600_000,
        queueTimeout: 60_000,
      },
    });
  });

  test("my price ceiling is kept to the last unit, however large", () => {
    expect(readTerms({ "cyxwiz.max_price_per_hour": "123456789012.123456789" }).requirements?.maxPricePerHour).toBe(
      "123456789012123456789",
    );
  });

  test("my gang does not end up on a node that would train it alone", () => {
    expect(readTerms({ "cyxwiz.gang.size": "2" }).requirements).toEqual({ runtime: "cyxwiz-gang" });
    expect(readTerms({ "cyxwiz.gang.size": "2", "cyxwiz.runtime": "mine" }).requirements).toEqual({ runtime: "mine" });
  });

  test("a gang of one is no gang", () => {
    expect(readTerms({ "cyxwiz.gang.size": "1" })).toEqual({ requirements: null, gang: null, policy: {} });
  });
});

describe("a term that cannot be meant is refused with its name and what is allowed", () => {
  const cases: readonly (readonly [name: string, value: string, says: RegExp])[] = [
    ["cyxwiz.gang.size", "0", /is not|out of range/],
    ["cyxwiz.gang.size", "65", /1 to 64/],
    ["cyxwiz.gang.size", "-3", /plain decimal/],
    ["cyxwiz.gang.size", "2.5", /whole number/],
    ["cyxwiz.gang.size", "1e9", /plain decimal/],
    ["cyxwiz.gang.topology", "rack", /any or region/],
    ["cyxwiz.min_reputation", "101", /0 to 100/],
    ["cyxwiz.min_reputation", "NaN", /plain decimal/],
    ["cyxwiz.min_stake", "0x10", /plain decimal/],
    ["cyxwiz.min_stake", "1.0000000001", /plain decimal/],
    ["cyxwiz.max_price_per_hour", "", /plain decimal/],
    ["cyxwiz.ram", "9999999999999999", /out of range/],
    ["cyxwiz.lost_after", "99999999", /out of range/],
    ["cyxwiz.stop_after", "0", /1 to/],
    ["cyxwiz.reconcile", "keep_both", /keep_original or keep_replacement/],
    ["cyxwiz.region", " , ", /1 to 32 regions/],
    ["cyxwiz.format", "a b", /letters, digits/],
    ["cyxwiz.gang.rank", "0", /written by the server/],
    ["cyxwiz.regoin", "eu", /knows cyxwiz.region/],
  ];
  for (const [name, value, says] of cases) {
    test(`${name} = ${JSON.stringify(value)}`, () => {
      const error = refused({ "cyxwiz.gang.size": "2", [name]: value });
      expect(error.code).toBe("invalid_argument");
      expect(error.details.field).toBe(`config.hyperparameters["${name}"]`);
      expect(error.message).toMatch(says);
    });
  }

  test("a topology without a gang", () => {
    expect(refused({ "cyxwiz.gang.topology": "region" }).message).toContain("needs cyxwiz.gang.size");
  });

  test("whatever is written, the answer is terms or a refusal that names a term", () => {
    const random = seeded(7);
    const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? "";
    const texts = ["", "0", "-1", "1e999", "٣", "NaN", "a".repeat(300), "\u0000", "1.5", "64", "true", "__proto__"];
    for (let round = 0; round < 5000; round++) {
      const name = pick(TERM_NAMES);
      const value = `${pick(texts)}${random() < 0.25 ? pick(texts) : ""}`;
      try {
        const { gang } = readTerms({ [name]: value });
        if (gang) expect(gang.size).toBeWithin(2, 65);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect((error as Refusal).details.field).toContain("cyxwiz.");
      }
    }
  });
});
