/**
 * What a node signs when it reports a result, so that nobody else can report one in its name and it cannot deny its own.
 * One line per fact, in this order, UTF-8, no newline at the end. `docs/node-protocol.md` has it for other implementers.
 */
export interface SignedResult {
  readonly nodeId: string;
  readonly jobId: string;
  readonly attempt: number;
  /** "completed" or "failed". */
  readonly outcome: string;
  readonly weightsHash: string;
  readonly weightsSize: number;
}

export function resultStatement(result: SignedResult): string {
  return [
    "cyxwiz-result-v1",
    result.nodeId,
    result.jobId,
    String(result.attempt),
    result.outcome,
    result.weightsHash,
    String(result.weightsSize),
  ].join("\n");
}
