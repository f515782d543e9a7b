/** Reads how many tests passed from a JUnit report, as `bun test --reporter=junit` writes it. */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts the test cases themselves: the totals on the suites count nested suites twice. */
export function readTotals(report: string): Totals {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const [, selfClosed, body = ""] of report.matchAll(
    /<testcase\b(?:"[^"]*"|[^">])*?(?:(\/)>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    if (selfClosed === undefined && /<(failure|error)\b/.test(body)) failed++;
    else if (selfClosed === undefined && /<skipped\b/.test(body)) skipped++;
    else passed++;
  }
  return { passed, failed, skipped };
}
