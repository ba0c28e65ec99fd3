import { healthTrend, type HealthTrend, type TrendDirection } from './health-trend.ts';
import { isUsable, type HealthRecord, type HealthStatus } from './health-status.ts';

/** What a look has come to. */
export interface Sight {
  readonly health: HealthStatus;
  /** Whether there was no instance to look at, as none could be made. */
  readonly notMade: boolean;
}

/** What the last looks have found. */
export interface LookHistory {
  /** The last look; `undefined` before the first. */
  readonly last: HealthRecord | undefined;
  /** How it is: what the last look has found, unless that is known to be over. */
  readonly health: HealthStatus;
  /** Whether the last look has met nothing but an instance that could not be made. */
  readonly wasNotMade: boolean;
  /** Where it goes. */
  readonly direction: TrendDirection;
  /** Where it goes, with the figures. */
  readonly trend: HealthTrend;
  /** The newest first. */
  records(): readonly HealthRecord[];
  add(sight: Sight, checkedAtMs: number, latencyMs: number): HealthRecord;
  /** An instance was made. @returns whether the last look has found that none can be, which is over now */
  refute(): boolean;
}

const LENGTH = 100;

/** Makes an empty one. */
export function createLookHistory(): LookHistory {
  const records: HealthRecord[] = [];
  let wasNotMade = false;
  let isRefuted = false;
  let direction: TrendDirection = 'unknown';
  return {
    get last() {
      return records[0];
    },
    get health() {
      return (isRefuted ? undefined : records[0]?.health) ?? { status: 'unknown' };
    },
    get wasNotMade() {
      return wasNotMade;
    },
    get direction() {
      return direction;
    },
    get trend() {
      return healthTrend(records, direction);
    },
    records: () => [...records],
    add({ health, notMade }, checkedAtMs, latencyMs) {
      const failuresInRow = isUsable(health) ? 0 : (records[0]?.failuresInRow ?? 0) + 1;
      const record = { health, checkedAtMs, latencyMs, failuresInRow };
      records.unshift(record);
      records.length = Math.min(records.length, LENGTH);
      wasNotMade = notMade;
      isRefuted = false;
      ({ direction } = healthTrend(records, direction));
      return record;
    },
    refute() {
      const isNews = wasNotMade && !isRefuted;
      isRefuted = wasNotMade;
      return isNews;
    },
  };
}
