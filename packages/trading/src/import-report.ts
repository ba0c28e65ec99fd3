import type { InputProblem } from '@tenon/core';

/** A row that was not taken. The others of its batch were. */
export interface RejectedRow {
  /** Its place in the batch, from 0. */
  readonly index: number;
  /** Everything that is wrong with it. */
  readonly problems: readonly InputProblem[];
}

/** What became of a batch. The counts and the rejected rows add up to the rows given. */
export interface ImportReport {
  readonly created: number;
  readonly updated: number;
  /** Rows that were already stored exactly like this. Nothing of them was written. */
  readonly unchanged: number;
  readonly rejected: readonly RejectedRow[];
}
