/**
 * Ways to break each promise on purpose (I1 to I10, docs/reliability.md), with the tests that must notice. A mutant is one
 * replacement in one file.
 */
export interface Mutant {
  readonly invariant: string;
  /** What somebody might do. */
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** A test file or directory, and the part of the name of a test in it that fails. */
  readonly tests: string;
  readonly caughtBy: string;
}

const cell = "src/actors/runtime/cell.ts";
const journalSql = "src/store/journal-sql.ts";
const pool = "src/actors/scheduler/node-pool.ts";
const verdict = "src/actors/payment/verdict.ts";
const payments = "tests/simulation/payments.test.ts";
const ON_A_BAD_CHAIN = "no order lands twice and no unit is lost, whatever the chain does";
const toJournal = "    this.host.enqueue(entry, (outcome) =>";

export const mutants: readonly Mutant[] = [
  {
    invariant: "I1",
    name: "answer before the commit",
    file: cell,
    find: toJournal,
    replace: `    reply?.resolve(after, before === null);\n${toJournal}`,
    tests: "tests/actors/runtime/commits.test.ts",
    caughtBy: "is seen by nobody before its commit",
  },
  {
    invariant: "I1",
    name: "send before the commit",
    file: cell,
    find: toJournal,
    replace: `    this.host.committed(this, { before, after, event: event.type });\n${toJournal}`,
    tests: "tests/actors/runtime/effects.test.ts",
    caughtBy: "runs after its state was committed",
  },
  {
    invariant: "I1",
    name: "take a commit whose outcome is unknown for one that failed",
    file: cell,
    find: `            cause: outcome.error,
          }),
        );
        this.#reread();`,
    replace: `            cause: outcome.error,
          }),
        );
        this.#mode = before ? "ready" : "absent";`,
    tests: "tests/actors/runtime/commits.test.ts",
    caughtBy: "that was written after all is found by reading the row",
  },
  {
    invariant: "I1",
    name: "forget the epoch",
    file: journalSql,
    find: '"select journal_assert_leader($1)"',
    replace: '"select $1::bigint"',
    tests: "tests/store/leadership.test.ts",
    caughtBy: "a leader that was overtaken is told so, and its commits are refused",
  },
  {
    invariant: "I1",
    name: "drop the version check",
    file: journalSql,
    find: " and a.version = b.expected and b.expected > 0",
    replace: " and b.expected > 0",
    tests: "tests/store/journal.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I2",
    name: "take a report for the live attempt whatever its number",
    file: "src/actors/job/guards.ts",
    find: "const named = event.attempt === null || event.attempt === live.number;",
    replace: "const named = true;",
    tests: "tests/actors/job",
    caughtBy: "takes reports of its live attempt only (I2)",
  },
  {
    invariant: "I3",
    name: "let a full node take one more",
    file: "src/domain/placement.ts",
    find: '  if (room.slots < 1) return "full";\n',
    replace: "",
    tests: "tests/domain",
    caughtBy: "",
  },
  {
    invariant: "I3",
    name: "keep the room of an attempt that has ended",
    file: pool,
    find: "    if (this.#nodes[number] !== undefined) this.#assess(number);",
    replace: "    if (this.#nodes[number] !== undefined) this.#found = NOBODY;",
    tests: "tests/actors/scheduler/node-pool.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I4",
    name: "leave a state with a live attempt without its deadline",
    file: "src/actors/job/kind.ts",
    find: "  context.deadline === null ? null",
    replace: "  context.deadline === null || context.live !== null ? null",
    tests: "tests/actors/machines/proofs/job.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I5",
    name: "ignore the idempotency key",
    file: "src/transport/grpc/submission.ts",
    find: "if (idempotencyKey === undefined) return randomId();",
    replace: "if (idempotencyKey !== null) return randomId();",
    tests: "tests/transport/grpc/job-service.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I6",
    name: "round the platform's share up, and pay the node its own besides",
    file: "src/domain/payment.ts",
    find: "  return { node: amount - fee, fee };",
    replace: "  return { node: amount - fee, fee: fee + 1n };",
    tests: "tests/domain/payment.test.ts",
    caughtBy: "is never lost in a split",
  },
  {
    invariant: "I6",
    name: "pay what a gang has earned to its rank 0",
    file: "src/actors/job/price.ts",
    find: "    const isGang = last?.nodeIds?.[0] === result.nodeId;",
    replace: "    const isGang = false;",
    tests: "tests/actors/job/price.test.ts",
    caughtBy: "work is earned by all who did it",
  },
  {
    invariant: "I6",
    name: "take the fee of each part by itself",
    file: "src/domain/payment.ts",
    find: "feeOn(releasedBefore + amount, feeBps) - feeOn(releasedBefore, feeBps)",
    replace: "feeOn(amount, feeBps)",
    tests: "tests/domain/payment.test.ts",
    caughtBy: "takes the same fee however it is paid out in parts",
  },
  {
    invariant: "I6",
    name: "book what is confirmed and not final",
    file: verdict,
    find: 'found?.finality === "finalized"',
    replace: 'found?.finality === "finalized" || found?.finality === "confirmed"',
    tests: payments,
    caughtBy: ON_A_BAD_CHAIN,
  },
  {
    invariant: "I6",
    name: "leave a refund out of the ledger",
    file: "src/actors/payment/ledger.ts",
    find: "return [{ debit: escrow, credit: user, amount: heldOf(context) }];",
    replace: "return [];",
    tests: payments,
    caughtBy: ON_A_BAD_CHAIN,
  },
  {
    invariant: "I6",
    name: "end a payment whose lock is on its way",
    file: "src/actors/payment/machine.ts",
    find: `          on: {
            ...settles,
            CONFIRMED: { guard: "isConfirmedAnew", actions: "confirm" },
            FINAL: [
              { guard: "isDone", target: "#payment.locked"`,
    replace: `          on: {
            SETTLE: endsUnpaid,
            CONFIRMED: { guard: "isConfirmedAnew", actions: "confirm" },
            FINAL: [
              { guard: "isDone", target: "#payment.locked"`,
    tests: payments,
    caughtBy: ON_A_BAD_CHAIN,
  },
  {
    invariant: "I7",
    name: "send before the signed transaction is stored",
    file: "src/actors/payment/kind.ts",
    find: 'return { type: "SIGNED", number: made, transaction: await chain.sign(context, order) };',
    replace: `const transaction = await chain.sign(context, order);
          await chain.send(transaction);
          return { type: "SIGNED", number: made, transaction };`,
    tests: payments,
    caughtBy: ON_A_BAD_CHAIN,
  },
  {
    invariant: "I7",
    name: "take a transaction that was not seen for a while for dead",
    file: verdict,
    find: "finalHeight > lastValidHeight &&",
    replace: "finalHeight + 150 > lastValidHeight &&",
    tests: payments,
    caughtBy: ON_A_BAD_CHAIN,
  },
  {
    invariant: "I7",
    name: "believe one that lags behind that a transaction is in no block",
    file: verdict,
    find: " && answeredAtSlot >= finalSlot",
    replace: "",
    tests: payments,
    caughtBy: ON_A_BAD_CHAIN,
  },
  {
    invariant: "I8",
    name: "trust that Redis still holds what was written",
    file: "src/store/mirror/connection.ts",
    find: "    if (found === this.#marker) return;",
    replace: "    if (found === this.#marker || found === null) return;",
    tests: "tests/store/mirror.test.ts",
    caughtBy: "fills Redis anew after FLUSHALL",
  },
  {
    invariant: "I9",
    name: "leave a transition out of the log",
    file: journalSql,
    find: "select kind, id, expected + 1, $11, event, from_state, to_state, at from batch\n",
    replace:
      "select kind, id, expected + 1, $11, event, from_state, to_state, at from batch where from_state is distinct from to_state\n",
    tests: "tests/store/journal.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I9",
    name: "take what lasts of an actor for kept, whatever wrote its row",
    file: cell,
    find: "return written !== null && (this.kind.lasting ?? []).every((name) => context[name] === written[name]);",
    replace: "return this.#committed !== null;",
    tests: "tests/actors/runtime/lasting.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I9",
    name: "let the machine see another time than the log",
    file: cell,
    find: "snapshot = this.computation.next(committed.snapshot, stamped);",
    replace: "snapshot = this.computation.next(committed.snapshot, { ...stamped, at: at + 1 } as typeof stamped);",
    tests: "tests/simulation/simulation.test.ts",
    caughtBy: "",
  },
  {
    invariant: "I10",
    name: "count a node as fitting that is not available",
    file: pool,
    find: "        lacks(node, demand) ??\n        node.unavailable ??\n",
    replace: "        lacks(node, demand) ??\n",
    tests: "tests/actors/scheduler/node-pool.test.ts",
    caughtBy: "every node counts once, and fits exactly when it would be chosen",
  },
];
