/** Reads how many tests passed from a JUnit report, as `bun test --reporter=junit` writes it. */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The tests that failed: file, groups and name. */
  readonly failures: readonly string[];
}

/** Counts the test cases themselves: the totals on the suites count nested suites twice. */
export function readTotals(report: string): Totals {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  const failures: string[] = [];
  for (const [, attributes = "", selfClosed, body = ""] of report.matchAll(
    /<testcase\b((?:"[^"]*"|[^">])*?)(?:(\/)>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    if (selfClosed === undefined && /<(failure|error)\b/.test(body)) {
      failed++;
      failures.push(["file", "classname", "name"].map((name) => attribute(attributes, name)).join(" > "));
    } else if (selfClosed === undefined && /<skipped\b/.test(body)) skipped++;
    else passed++;
  }
  return { passed, failed, skipped, failures };
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };

const attribute = (attributes: string, name: string): string =>
  (new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "").replaceAll(
    /&(quot|apos|lt|gt|amp);/g,
    (entity, name: string) => ENTITIES[name] ?? entity,
  );
