/** What training knows of a gang: its place in it, and how to make its weights the gang's. */

/** What one member's rows taught it in a round, or what all members' rows did together. */
export interface Share {
  /** Rows trained on: the weight in the mean. */
  readonly rows: number;
  /** Summed over these rows. */
  readonly loss: number;
  /** Rows classified right; null when the model is no classifier. */
  readonly correct: number | null;
  /** SHA-256 of the dataset's text, in hex. */
  readonly data: string;
  /** All parameters one after the other, in the network's order. */
  readonly weights: Float32Array;
}

/**
 * One member's seat at the table. Rank 0 gathers and scatters, everybody else contributes. A promise that can no longer
 * be kept rejects: somebody left, or this member was told to stop.
 */
export interface GangSeat {
  readonly rank: number;
  readonly size: number;
  /** The shares of ranks 1, 2, ... in this order. */
  gather(round: number): Promise<readonly Share[]>;
  /** Hands the mean to the others. After the `last` one nobody is needed any more. */
  scatter(round: number, mean: Share, last: boolean): void;
  /** Gives this member's share, and gets the mean. */
  contribute(round: number, share: Share, last: boolean): Promise<Share>;
}
