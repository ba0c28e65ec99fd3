import { sleep, systemClock } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';

describe('the clock of the machine', () => {
  afterEach(() => void vi.useRealTimers());

  it('tells the time, and monotonic time that does not go back', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    const first = systemClock.monotonicMs();
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  it('calls back once, and not before the time', () => {
    vi.useFakeTimers();
    const callback = vi.fn<() => void>();
    systemClock.schedule(callback, 1_000);
    vi.advanceTimersByTime(999);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(5_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('does not call back in the same turn, even after no time', () => {
    vi.useFakeTimers();
    const callback = vi.fn<() => void>();
    systemClock.schedule(callback, 0);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('takes a timer back, before, after, and again', () => {
    vi.useFakeTimers();
    const callback = vi.fn<() => void>();
    const timer = systemClock.schedule(callback, 10);
    timer.cancel();
    timer.cancel();
    vi.advanceTimersByTime(100);
    expect(callback).not.toHaveBeenCalled();
    const fired = systemClock.schedule(callback, 10);
    vi.advanceTimersByTime(100);
    fired.cancel();
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('waits longer than the 25 days that setTimeout can', () => {
    vi.useFakeTimers();
    const day = 86_400_000;
    const callback = vi.fn<() => void>();
    const never = vi.fn<() => void>();
    const cancelled = vi.fn<() => void>();
    systemClock.schedule(callback, 60 * day);
    systemClock.schedule(never, Infinity);
    const timer = systemClock.schedule(cancelled, 60 * day);
    vi.advanceTimersByTime(60 * day - 1);
    expect(callback).not.toHaveBeenCalled();
    timer.cancel();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(400 * day);
    expect([callback, never, cancelled].map((each) => each.mock.calls.length)).toEqual([1, 0, 0]);
  });

  it('does not keep the process alive, unless it is asked to', () => {
    const held = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = held();
    const timers = [systemClock.schedule(() => undefined, 60_000), systemClock.schedule(() => undefined, 2 ** 40)];
    // Timers that hold the process are listed; these are not.
    expect(held()).toBe(before);
    timers.push(systemClock.schedule(() => undefined, 60_000, { keepAlive: true }));
    expect(held()).toBe(before + 1);
    for (const timer of timers) timer.cancel();
    expect(held()).toBe(before);
  });
});

describe('sleeping', () => {
  it('keeps the process alive, unless it is told not to', async () => {
    const held = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = held();
    const awake = new AbortController();
    const slept = [
      sleep(systemClock, 60_000, awake.signal),
      sleep(systemClock, 60_000, awake.signal, { keepAlive: false }),
    ];
    expect(held()).toBe(before + 1);
    awake.abort();
    await Promise.allSettled(slept);
    expect(held()).toBe(before);
  });

  it('lasts as long as it should on the given clock', async () => {
    const clock = createTestClock();
    let awake = false;
    const slept = sleep(clock, 100).then(() => (awake = true));
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    expect(awake).toBe(true);
    await slept;
  });

  it('ends when it is aborted, with the reason as cause, and leaves no timer', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const slept = sleep(clock, 100, controller.signal);
    const reason = new Error('the client left');
    controller.abort(reason);
    await expect(slept).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    expect(clock.pending()).toBe(0);
  });

  it('does not begin when it is aborted already', async () => {
    const clock = createTestClock();
    await expect(sleep(clock, 100, AbortSignal.abort('gone'))).rejects.toMatchObject({
      code: 'ABORTED',
      cause: 'gone',
    });
    expect(clock.pending()).toBe(0);
  });

  it('leaves no listener on the signal, so that a long-lived signal does not fill up', async () => {
    const clock = createTestClock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const slept = sleep(clock, 100, signal);
    await clock.advance(100);
    await slept;
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls[0]?.slice(0, 2)).toEqual(added.mock.calls[0]?.slice(0, 2));
  });

  it('takes no notice of an abort after its end', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const slept = sleep(clock, 1, controller.signal);
    await clock.advance(1);
    controller.abort();
    await expect(slept).resolves.toBeUndefined();
  });
});
