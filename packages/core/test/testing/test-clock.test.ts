import { sleep } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('the clock for tests', () => {
  it('stands still, from a known time or the given one', () => {
    expect(createTestClock().now()).toBe(Date.parse('2026-01-01T00:00:00Z'));
    const clock = createTestClock(5_000);
    expect([clock.now(), clock.now(), clock.monotonicMs()]).toEqual([5_000, 5_000, 0]);
  });

  it('moves both times on', async () => {
    const clock = createTestClock(5_000);
    await clock.advance(250);
    await clock.advance(0);
    expect([clock.now(), clock.monotonicMs()]).toEqual([5_250, 250]);
  });

  it('sets the wall clock without touching timers or monotonic time', async () => {
    const clock = createTestClock(5_000);
    let fired = false;
    clock.schedule(() => (fired = true), 100);
    await clock.advance(50);
    clock.setNow(1_000_000);
    expect([clock.now(), clock.monotonicMs(), fired]).toEqual([1_000_000, 50, false]);
    await clock.advance(50);
    expect([clock.now(), clock.monotonicMs(), fired]).toEqual([1_000_050, 100, true]);
  });

  it('fires in the order of time, and of scheduling at the same time, each timer at its own moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 12 }), fc.nat(25), async (delays, until) => {
        const clock = createTestClock(0);
        const fired: (readonly [due: number, index: number, at: number])[] = [];
        delays.forEach((delay, index) => clock.schedule(() => fired.push([delay, index, clock.now()]), delay));
        await clock.advance(until);
        const expected = delays
          .map((delay, index) => [delay, index, delay] as const)
          .filter(([due]) => due <= until)
          .toSorted(([left, first], [right, second]) => left - right || first - second);
        expect(fired).toEqual(expected);
        expect(clock.pending()).toBe(delays.length - expected.length);
        expect(clock.now()).toBe(until);
      }),
      { numRuns: 50 },
    );
  });

  it('fires what callbacks and awaiting code schedule within the same move', async () => {
    const clock = createTestClock(0);
    const times: number[] = [];
    const loop = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn += 1) {
        await sleep(clock, 10);
        times.push(clock.now());
      }
    };
    const looped = loop();
    await clock.advance(100);
    await looped;
    expect(times).toEqual([10, 20, 30]);
  });

  it('never fires synchronously, not even after no or negative time', async () => {
    const clock = createTestClock();
    const fired: number[] = [];
    clock.schedule(() => fired.push(0), 0);
    clock.schedule(() => fired.push(-5), -5);
    expect(fired).toEqual([]);
    await clock.advance(0);
    expect(fired).toEqual([0, -5]);
  });

  it('counts the timers that wait, and forgets cancelled ones', async () => {
    const clock = createTestClock();
    const timer = clock.schedule(() => expect.unreachable(), 10);
    clock.schedule(() => undefined, 10);
    expect(clock.pending()).toBe(2);
    timer.cancel();
    timer.cancel();
    expect(clock.pending()).toBe(1);
    await clock.advance(10);
    expect(clock.pending()).toBe(0);
  });

  it('never goes back: not by a negative move, not by two moves at once', async () => {
    const clock = createTestClock(0);
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    await expect(clock.advance(Number.NaN)).rejects.toThrow(RangeError);
    await Promise.all([clock.advance(100), clock.advance(50)]);
    expect(clock.monotonicMs()).toBe(100);
  });
});
