import type { InputProblem, Result } from '@tenon/core';
import type { RejectedRow } from './import-report.ts';

/** A row that can be taken, with its place in the batch. */
export interface ImportRow<Value> {
  readonly index: number;
  readonly value: Value;
}

/** Splits a batch into rows that are well-formed and rows that are not. */
export function parseRows<Value>(
  rows: readonly unknown[],
  parse: (row: unknown) => Result<Value, readonly InputProblem[]>,
): { readonly accepted: readonly ImportRow<Value>[]; readonly rejected: RejectedRow[] } {
  const accepted: ImportRow<Value>[] = [];
  const rejected: RejectedRow[] = [];
  for (const [index, row] of rows.entries()) {
    const result = parse(row);
    if (result.ok) accepted.push({ index, value: result.value });
    else rejected.push({ index, problems: result.error });
  }
  return { accepted, rejected };
}

/**
 * Splits rows into rounds in which no key stands twice, in their order: one statement cannot change the same row twice, and
 * a later row must win over an earlier one just as if they had come in two batches.
 */
export function inRounds<Value>(rows: readonly Value[], keyOf: (row: Value) => string): readonly (readonly Value[])[] {
  const seen = new Map<string, number>();
  const rounds: Value[][] = [];
  for (const row of rows) {
    const key = keyOf(row);
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    (rounds[round] ??= []).push(row);
  }
  return rounds;
}
