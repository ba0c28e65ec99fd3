import { healthTrend, rollUp, type HealthRecord, type HealthStatus, type TrendDirection } from '@tenon/resources';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const healthy: HealthStatus = { status: 'healthy' };
const unhealthy: HealthStatus = { status: 'unhealthy', reason: 'down', recoverable: true };

const look = (latencyMs: number, health: HealthStatus = healthy): HealthRecord => ({
  health,
  latencyMs,
  checkedAtMs: 0,
  failuresInRow: 0,
});
/** Looks by their latency, as they came: the newest last. `-1` is one that failed. */
const looks = (...latencies: readonly number[]): readonly HealthRecord[] =>
  latencies.map((ms) => (ms < 0 ? look(1, unhealthy) : look(ms))).toReversed();
const times = (count: number, value: number): readonly number[] => Array.from({ length: count }, () => value);
const directions: readonly TrendDirection[] = ['improving', 'stable', 'worsening', 'unknown'];

describe('the trend of health', () => {
  it.each([
    ['unknown', looks(...times(7, 10))],
    ['stable', looks(...times(8, 10))],
    ['stable', looks(...times(20, -1))],
    // A fifth more of the looks fail, or not quite.
    ['worsening', looks(...times(10, 10), ...times(8, 10), -1, -1)],
    ['stable', looks(...times(10, 10), ...times(9, 10), -1)],
    ['improving', looks(...times(8, 10), -1, -1, ...times(10, 10))],
    // One and a half times as long, and 5 ms.
    ['worsening', looks(...times(10, 10), ...times(10, 15))],
    ['stable', looks(...times(10, 10), ...times(10, 14.9))],
    ['stable', looks(...times(10, 9), ...times(10, 13.9))],
    ['stable', looks(...times(10, 100), ...times(10, 149))],
    ['improving', looks(...times(10, 15), ...times(10, 10))],
    ['worsening', looks(...times(10, 0), ...times(10, 5))],
    // Failures weigh more than latency.
    ['worsening', looks(...times(10, 100), ...times(8, 1), -1, -1)],
    // A single one that was slow says nothing.
    ['stable', looks(...times(19, 10), 10_000)],
    // None of one half can be compared.
    ['stable', looks(...times(20, -1))],
    // What was long ago does not count.
    ['stable', looks(...times(50, 1_000), ...times(20, 10))],
  ] as const)('is %s', (direction, history) => {
    expect(healthTrend(history).direction).toBe(direction);
  });

  it('says by which figures', () => {
    expect(healthTrend(looks(1, 2, 3, -1, 10, 20, -1, -1))).toEqual({
      direction: 'worsening',
      older: { looks: 4, failureShare: 0.25, medianLatencyMs: 2 },
      newer: { looks: 4, failureShare: 0.5, medianLatencyMs: 15 },
    });
    expect(healthTrend([])).toEqual({
      direction: 'unknown',
      older: { looks: 0, failureShare: 0, medianLatencyMs: undefined },
      newer: { looks: 0, failureShare: 0, medianLatencyMs: undefined },
    });
  });

  it('leaves out what nobody found out, and the odd one', () => {
    const unknown = look(1_000, { status: 'unknown' });
    const eight = looks(...times(8, 10));
    expect(healthTrend([unknown, ...eight, unknown]).older.looks).toBe(4);
    expect(healthTrend([...eight, look(1_000)])).toEqual(healthTrend(eight));
    expect(healthTrend(eight.with(0, unknown)).direction).toBe('unknown');
  });

  it('counts what is hardly of use as a failure, and what is of use as none', () => {
    const impaired = (impact: number) => look(10, { status: 'degraded', reason: 'slow', impact });
    const fine = looks(...times(10, 10));
    expect(healthTrend([...times(10, 0).map(() => impaired(0.8)), ...fine]).direction).toBe('worsening');
    expect(healthTrend([...times(10, 0).map(() => impaired(0.79)), ...fine]).direction).toBe('stable');
  });

  it('is kept until it is half as strong, and never taken so weak', () => {
    const weak = looks(...times(10, 10), ...times(10, 13));
    expect(directions.map((before) => healthTrend(weak, before).direction)).toEqual([
      'stable',
      'stable',
      'worsening',
      'stable',
    ]);
    expect(healthTrend(looks(...times(10, 10), ...times(10, 12.4)), 'worsening').direction).toBe('stable');
    expect(healthTrend(looks(...times(10, 10), ...times(9, 10), -1), 'worsening').direction).toBe('worsening');
    expect(healthTrend(looks(-1, ...times(19, 10)), 'improving').direction).toBe('improving');
    // The other way is another direction.
    expect(healthTrend(looks(...times(10, 15), ...times(10, 10)), 'worsening').direction).toBe('improving');
  });

  it('does not flutter with a latency that swings around the threshold', () => {
    let direction: TrendDirection = 'unknown';
    let changes = 0;
    const latencies: number[] = [...times(10, 20)];
    for (let index = 0; index < 200; index += 1) {
      latencies.push(29 + (index % 3));
      const next = healthTrend(looks(...latencies.slice(-20, -10).fill(20), ...latencies.slice(-10)), direction);
      if (next.direction !== direction) changes += 1;
      ({ direction } = next);
    }
    expect(direction).toBe('worsening');
    expect(changes).toBeLessThanOrEqual(2);
  });
});

const latency = fc.integer({ min: 0, max: 10_000 });
const outcome = fc.oneof({ weight: 3, arbitrary: latency }, { weight: 1, arbitrary: fc.constant(-1) });
const before = fc.constantFrom(...directions);

describe('whatever the looks are, the trend', () => {
  it('of a latency that only grows is never improving, and of one that only falls never worsening', () => {
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 100 }), before, (latencies, last) => {
        const growing = latencies.toSorted((left, right) => left - right);
        expect(healthTrend(looks(...growing), last).direction).not.toBe('improving');
        expect(healthTrend(looks(...growing.toReversed()), last).direction).not.toBe('worsening');
      }),
    );
  });

  it('of looks that are all the same is stable, in whatever order they come', () => {
    fc.assert(
      fc.property(outcome, fc.integer({ min: 8, max: 100 }), before, (value, count, last) => {
        expect(healthTrend(looks(...times(count, value)), last).direction).toBe('stable');
      }),
    );
  });

  it('of the same looks the other way round is the opposite', () => {
    const opposite = { improving: 'worsening', worsening: 'improving', stable: 'stable', unknown: 'unknown' } as const;
    // An even number that fits into the window: no look is left out.
    const even = fc
      .integer({ min: 0, max: 10 })
      .chain((half) => fc.array(outcome, { minLength: 2 * half, maxLength: 2 * half }));
    fc.assert(
      fc.property(even, before, (values, last) => {
        const { direction, older, newer } = healthTrend(looks(...values), last);
        const back = healthTrend(looks(...values.toReversed()), opposite[last]);
        expect(back).toEqual({ direction: opposite[direction], older: newer, newer: older });
      }),
    );
  });

  it('is the same when it is asked for again', () => {
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 40 }), before, (values, last) => {
        const once = healthTrend(looks(...values), last);
        expect(healthTrend(looks(...values), once.direction)).toEqual(once);
      }),
    );
  });
});

describe('a roll-up', () => {
  it('is by the worst and by the mean of all, and goes where the worst goes', () => {
    const part = (health: HealthStatus, trend: TrendDirection, weight?: number) =>
      weight === undefined ? { health, trend } : { health, trend, weight };
    expect(rollUp([part(healthy, 'improving', 3), part(unhealthy, 'stable')])).toEqual({
      worst: 'unhealthy',
      weighted: 'degraded',
      score: 0.75,
      trend: 'improving',
      counts: { healthy: 1, degraded: 0, unhealthy: 1, unknown: 0 },
    });
    expect(rollUp([part(healthy, 'improving'), part(unhealthy, 'worsening', 2)])).toMatchObject({
      weighted: 'unhealthy',
      trend: 'worsening',
    });
    expect(rollUp([part(healthy, 'stable', 0), part({ status: 'unknown' }, 'unknown')])).toMatchObject({
      worst: 'healthy',
      weighted: 'healthy',
      score: 1,
      trend: 'stable',
    });
    expect(rollUp([part({ status: 'unknown' }, 'unknown')])).toMatchObject({ worst: 'unknown', weighted: 'unknown' });
  });

  it('is never better by the worst than by the mean, unless nobody has looked', () => {
    const order = ['unhealthy', 'degraded', 'healthy'];
    const health = fc.oneof(
      fc.constant(healthy),
      fc.constant(unhealthy),
      fc
        .double({ min: 0, max: 1, noNaN: true })
        .map((impact): HealthStatus => ({ status: 'degraded', reason: 'slow', impact })),
    );
    fc.assert(
      fc.property(fc.array(health, { minLength: 1, maxLength: 20 }), (all) => {
        const { worst, weighted, score } = rollUp(all.map((each) => ({ health: each })));
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        // Degraded ones of which nearly nothing is left weigh like ones that are gone.
        const isBad = worst === 'degraded' && weighted === 'unhealthy';
        expect(isBad || order.indexOf(worst) <= order.indexOf(weighted)).toBe(true);
      }),
    );
  });
});
