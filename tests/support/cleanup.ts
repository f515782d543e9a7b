/** What tests started and must end: run at the end of a test process, and of any other that uses the test servers. */
const steps: (() => void)[] = [];

/** Registers a synchronous step. */
export function cleanUp(step: () => void): void {
  steps.push(step);
}

/** Undoes everything, newest first. Never throws: one step that fails must not keep the others. */
export function runCleanup(): void {
  for (const step of steps.splice(0).reverse()) {
    try {
      step();
    } catch (error) {
      console.error("a test's clean-up failed", error);
    }
  }
}

process.on("exit", runCleanup);
