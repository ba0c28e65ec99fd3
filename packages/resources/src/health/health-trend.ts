import { isUsable, type HealthRecord } from './health-status.ts';

/** Where the health of a resource goes. `unknown`: there were too few looks to tell. */
export type TrendDirection = 'improving' | 'stable' | 'worsening' | 'unknown';

/** What the looks of one half of the window have found. */
export interface TrendHalf {
  readonly looks: number;
  /** Which part of them failed, 0 to 1. */
  readonly failureShare: number;
  /** How long those that did not fail took, in milliseconds: the median; `undefined` when all failed. */
  readonly medianLatencyMs: number | undefined;
}

/** Where the health of a resource goes, and the figures that say so. */
export interface HealthTrend {
  readonly direction: TrendDirection;
  readonly older: TrendHalf;
  readonly newer: TrendHalf;
}

/** By how much the halves must differ. */
interface Thresholds {
  /** In the share of failures. */
  readonly failureShare: number;
  /** In latency: as a ratio, and in milliseconds as well, below which it is noise. */
  readonly ratio: number;
  readonly latencyMs: number;
}

/** The last looks that count. */
const WINDOW = 20;
/** With fewer nothing is said. */
const FEWEST = 8;
/** For a direction to be taken. */
const TAKEN: Thresholds = { failureShare: 0.2, ratio: 1.5, latencyMs: 5 };
/** For one to be kept: half of that, so that a trend at the edge does not flutter. */
const KEPT: Thresholds = { failureShare: 0.1, ratio: 1.25, latencyMs: 2.5 };

/**
 * Compares the newer half of the last 20 looks with the older one, as the sign test of Cox and Stuart ("Some quick sign tests for trend in
 * location and dispersion", Biometrika, 1955) does. It is `worsening` when the share of failures has grown by a fifth of all looks or more; when
 * that has not changed, if the median latency is at least half as long again, and 5 ms longer. `improving` is the same the other
 * way. A direction that was taken is kept until the halves differ by less than half of that. It tells of change alone: what fails all
 * the time is `stable`.
 *
 * @param history - looks, the newest first; those that found nothing out are left out
 * @param before - the direction before the newest look. Default `unknown`
 */
export function healthTrend(history: readonly HealthRecord[], before: TrendDirection = 'unknown'): HealthTrend {
  const window = history.filter(({ health }) => health.status !== 'unknown').slice(0, WINDOW);
  const size = Math.floor(window.length / 2);
  const newer = halfOf(window.slice(0, size));
  const older = halfOf(window.slice(size, 2 * size));
  if (window.length < FEWEST) return { direction: 'unknown', older, newer };
  const taken = leaning(older, newer, TAKEN);
  const isKept = taken === 'stable' && leaning(older, newer, KEPT) === before;
  return { direction: isKept ? before : taken, older, newer };
}

function halfOf(records: readonly HealthRecord[]): TrendHalf {
  const latencies = records.filter(({ health }) => isUsable(health)).map(({ latencyMs }) => latencyMs);
  const looks = records.length;
  return {
    looks,
    failureShare: looks === 0 ? 0 : (looks - latencies.length) / looks,
    medianLatencyMs: medianOf(latencies),
  };
}

function leaning(older: TrendHalf, newer: TrendHalf, by: Thresholds): TrendDirection {
  // In looks: differences of shares are not exact.
  const failures = Math.round((newer.failureShare - older.failureShare) * newer.looks);
  if (Math.abs(failures) >= by.failureShare * newer.looks) return failures > 0 ? 'worsening' : 'improving';
  const { medianLatencyMs: before } = older;
  const { medianLatencyMs: after } = newer;
  if (before === undefined || after === undefined) return 'stable';
  if (Math.abs(after - before) < by.latencyMs) return 'stable';
  if (after >= before * by.ratio) return 'worsening';
  return before >= after * by.ratio ? 'improving' : 'stable';
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  return lower === undefined || upper === undefined ? undefined : (lower + upper) / 2;
}
