import { isCodedError, problemsOf, type InputProblem } from '@tenon/core';
import type { NewUser } from '@tenon/tenancy';
import type { Services } from '../services.ts';
import { explainProblems, type ImportEntry } from './import-entry.ts';
import type { ImportKind } from './import-kind.ts';

/** An entry that was not imported. */
export interface RejectedEntry {
  readonly entry: ImportEntry;
  /** Why, for each of its rows. */
  readonly reasons: readonly string[];
}

/** What became of a batch. The counts and the rejected entries add up to its entries. */
export interface BatchOutcome {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** In the order of the file. */
  readonly rejected: readonly RejectedEntry[];
}

/** Writes a batch in one transaction: what is wrong is left out and told. */
export async function writeBatch(
  services: Services,
  kind: ImportKind,
  entries: readonly ImportEntry[],
  nameOf: (field: string) => string,
): Promise<BatchOutcome> {
  const good = entries.filter(({ record }) => record !== undefined);
  const report =
    good.length === 0
      ? NOTHING
      : await importRecords(
          services,
          kind,
          good.map(({ record }) => record as object),
        );
  const refused = new Map(report.rejected.map(({ index, problems }) => [good[index], problems]));
  const rejected = entries.flatMap((entry): readonly RejectedEntry[] => {
    const problems = refused.get(entry);
    if (entry.reasons !== undefined) return [{ entry, reasons: entry.reasons }];
    return problems === undefined ? [] : [{ entry, reasons: explainProblems(entry, problems, nameOf) }];
  });
  return { created: report.created, updated: report.updated, unchanged: report.unchanged, rejected };
}

interface RecordsReport {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: readonly { readonly index: number; readonly problems: readonly InputProblem[] }[];
}

const NOTHING: RecordsReport = { created: 0, updated: 0, unchanged: 0, rejected: [] };

function importRecords(services: Services, kind: ImportKind, records: readonly object[]): Promise<RecordsReport> {
  switch (kind) {
    case 'products':
      return services.trading.products.importBatch(records);
    case 'orders':
      return services.trading.orders.importBatch(records);
    case 'users':
      return importUsers(services, records);
    default:
      return kind satisfies never;
  }
}

// People are imported all or none, so those that are refused are left out and the others tried again. Only so many problems are
// told at once, hence the loop; each turn leaves out at least one row.
async function importUsers({ tenancy }: Services, records: readonly object[]): Promise<RecordsReport> {
  const rejected: { readonly index: number; readonly problems: readonly InputProblem[] }[] = [];
  for (let left = records.map((record, index) => ({ record, index })); left.length > 0;) {
    try {
      const report = await tenancy.users.importBatch(left.map(({ record }) => record as NewUser));
      return { ...count(report), rejected };
    } catch (error) {
      const problems = problemsByIndex(error);
      if (problems.size === 0) throw error;
      for (const [place, found] of problems)
        rejected.push({ index: (left[place] as { index: number }).index, problems: found });
      left = left.filter((_, place) => !problems.has(place));
    }
  }
  return { ...NOTHING, rejected };
}

// Of two rows with one email address, the second one updates what the first one wrote.
function count(
  report: Awaited<ReturnType<Services['tenancy']['users']['importBatch']>>,
): Omit<RecordsReport, 'rejected'> {
  return { created: report.created, updated: report.updated + report.repeated, unchanged: report.unchanged };
}

function problemsByIndex(error: unknown): ReadonlyMap<number, readonly InputProblem[]> {
  const byIndex = new Map<number, InputProblem[]>();
  if (!isCodedError(error, 'USER_INVALID')) return byIndex;
  for (const problem of problemsOf(error)) {
    const match = /^\/(\d+)(?!\d)(.*)$/.exec(problem.path);
    if (match === null) return new Map();
    const index = Number(match[1]);
    byIndex.set(index, [...(byIndex.get(index) ?? []), { ...problem, path: match[2] as string }]);
  }
  return byIndex;
}
