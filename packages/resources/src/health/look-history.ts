import { healthTrend, type HealthTrend, type TrendDirection } from './health-trend.ts';
import { isUsable, type HealthRecord, type HealthStatus } from './health-status.ts';

/** What a look has come to. */
export interface Sight {
  readonly health: HealthStatus;
  /** Whether there was no instance to look at, as none could be made. */
  readonly notMade: boolean;
}

const LENGTH = 100;

/** What the last looks have found. One of it lives with each managed resource, so that it has no functions of its own. */
export class LookHistory {
  readonly #records: HealthRecord[] = [];
  #wasNotMade = false;
  #isRefuted = false;
  #direction: TrendDirection = 'unknown';

  /** The last look; `undefined` before the first. */
  get last(): HealthRecord | undefined {
    return this.#records[0];
  }

  /** How it is: what the last look has found, unless that is known to be over. */
  get health(): HealthStatus {
    return (this.#isRefuted ? undefined : this.last?.health) ?? { status: 'unknown' };
  }

  /** Whether the last look has met nothing but an instance that could not be made. */
  get wasNotMade(): boolean {
    return this.#wasNotMade;
  }

  /** Where it goes. */
  get direction(): TrendDirection {
    return this.#direction;
  }

  /** Where it goes, with the figures. */
  get trend(): HealthTrend {
    return healthTrend(this.#records, this.#direction);
  }

  /** The newest first. */
  records(): readonly HealthRecord[] {
    return [...this.#records];
  }

  add({ health, notMade }: Sight, checkedAtMs: number, latencyMs: number): HealthRecord {
    const failuresInRow = isUsable(health) ? 0 : (this.last?.failuresInRow ?? 0) + 1;
    const record = { health, checkedAtMs, latencyMs, failuresInRow };
    this.#records.unshift(record);
    this.#records.length = Math.min(this.#records.length, LENGTH);
    this.#wasNotMade = notMade;
    this.#isRefuted = false;
    ({ direction: this.#direction } = healthTrend(this.#records, this.#direction));
    return record;
  }

  /** An instance was made. @returns whether the last look has found that none can be, which is over now */
  refute(): boolean {
    const isNews = this.#wasNotMade && !this.#isRefuted;
    this.#isRefuted = this.#wasNotMade;
    return isNews;
  }
}
