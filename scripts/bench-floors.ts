import { readFileSync } from 'node:fs';
import { markdownTable } from './markdown.ts';

/** How far a ratio may go before a change counts as a regression. */
export type RatioLimit = ({ readonly floor: number } | { readonly ceiling: number }) & {
  /** What it is meant to be, for the reader of a report. Nothing fails for it. */
  readonly goal?: number;
};

/** Limits by bench and by the name of the ratio. */
export type BenchFloors = Readonly<Record<string, Readonly<Record<string, RatioLimit>>>>;

/** What is read of a bench's result. */
export interface MeasuredRatios {
  readonly name: string;
  readonly ratios: Readonly<Record<string, number>>;
}

/** One ratio beside its limit. */
export interface ComparedRatio {
  readonly bench: string;
  readonly ratio: string;
  /** `undefined` when the bench does not report it. */
  readonly measured: number | undefined;
  readonly limit: RatioLimit;
  /** `missing` also when it is no number. */
  readonly verdict: 'goal met' | 'within its limit' | 'regression' | 'missing';
}

/**
 * Reads limits.
 *
 * @param file - `bench/floors.json`, or one like it
 * @throws Error when it does not hold, for each ratio, either a `floor` or a `ceiling`, and at most a `goal` beside it
 */
export function readFloors(file: string): BenchFloors {
  const floors = JSON.parse(readFileSync(file, 'utf8')) as BenchFloors;
  for (const [bench, limits] of Object.entries(floors)) {
    for (const [ratio, { goal = 0, ...limit }] of Object.entries(limits)) {
      const [[kind, value] = [], ...others] = Object.entries(limit);
      const isLimit = (kind === 'floor' || kind === 'ceiling') && others.length === 0;
      if (isLimit && [value, goal].every((one) => typeof one === 'number' && one >= 0)) continue;
      throw new Error(
        `${file}: "${ratio}" of "${bench}" needs a number as "floor" or as "ceiling", and maybe a "goal"`,
      );
    }
  }
  return floors;
}

/**
 * Compares ratios with the limits of their bench. Ratios compare with a peer of the same run, so that they mean the same on any machine.
 * Where a bench was run more than once, its best figure counts: a slow moment of the machine is no regression.
 *
 * @param results - of benches that have limits
 */
export function compareRatios(floors: BenchFloors, results: readonly MeasuredRatios[]): readonly ComparedRatio[] {
  return [...Map.groupBy(results, (result) => result.name)].flatMap(([bench, runs]) =>
    Object.entries(floors[bench] ?? {}).map(([ratio, limit]) => {
      const figures = runs.map((run) => run.ratios[ratio]).filter((one) => typeof one === 'number');
      const measured =
        figures.length === 0 ? undefined : 'floor' in limit ? Math.max(...figures) : Math.min(...figures);
      return { bench, ratio, measured, limit, verdict: verdictOn(measured, limit) };
    }),
  );
}

function verdictOn(measured: number | undefined, limit: RatioLimit): ComparedRatio['verdict'] {
  if (measured === undefined || Number.isNaN(measured)) return 'missing';
  const reaches = (bound: number): boolean => ('floor' in limit ? measured >= bound : measured <= bound);
  if (!reaches('floor' in limit ? limit.floor : limit.ceiling)) return 'regression';
  return limit.goal !== undefined && reaches(limit.goal) ? 'goal met' : 'within its limit';
}

/** A table for people, one ratio a line. */
export function renderRatios(rows: readonly ComparedRatio[]): string {
  return markdownTable(
    ['bench', 'ratio', 'measured', 'limit', 'goal', ''],
    rows.map(({ bench, ratio, measured, limit, verdict }) => [
      bench,
      ratio,
      measured === undefined ? '' : String(Math.round(measured * 1_000) / 1_000),
      'floor' in limit ? `>= ${limit.floor}` : `<= ${limit.ceiling}`,
      limit.goal === undefined ? '' : String(limit.goal),
      `${verdict === 'regression' || verdict === 'missing' ? '✗' : '✓'} ${verdict}`,
    ]),
  );
}
