import { deadlineAfter, sleep } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { codeOf, thrownBy } from './code-of.ts';

describe('a deadline', () => {
  it('is a moment: what remains shrinks as time passes, and never below nothing', async () => {
    const clock = createTestClock();
    await clock.advance(40);
    const deadline = deadlineAfter(100, { clock });
    expect([deadline.atMs, deadline.remainingMs()]).toEqual([140, 100]);
    await clock.advance(30);
    expect([deadline.atMs, deadline.remainingMs()]).toEqual([140, 70]);
    await clock.advance(500);
    expect(deadline.remainingMs()).toBe(0);
  });

  it('does not notice that somebody sets the wall clock', () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(100, { clock });
    clock.setNow(clock.now() + 3_600_000);
    expect(deadline.remainingMs()).toBe(100);
    expect(deadline.check()).toBeUndefined();
  });

  it('aborts its signal at the moment, with the very error that check throws', async () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(100, { clock, name: 'the report' });
    await clock.advance(99);
    expect(deadline.signal.aborted).toBe(false);
    expect(deadline.check()).toBeUndefined();
    await clock.advance(1);
    expect(deadline.signal.aborted).toBe(true);
    const error = thrownBy(() => deadline.check());
    expect(deadline.signal.reason).toBe(error);
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', retryable: true, details: { timeoutMs: 100 } });
    expect(error?.message).toBe('the report did not finish within 100 ms');
    expect(clock.pending()).toBe(0);
  });

  it('has a plain name in its message by default', async () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(5, { clock });
    await clock.advance(5);
    expect(thrownBy(() => deadline.check())?.message).toBe('the operation did not finish within 5 ms');
  });

  it('has passed at once when no time is given, even before its timer fires', () => {
    const clock = createTestClock();
    const deadlines = [deadlineAfter(0, { clock }), deadlineAfter(-5, { clock })];
    expect(deadlines.map((deadline) => codeOf(() => deadline.check()))).toEqual([
      'DEADLINE_EXCEEDED',
      'DEADLINE_EXCEEDED',
    ]);
    expect(deadlines.map((deadline) => deadline.remainingMs())).toEqual([0, 0]);
  });

  it('ends a wait that was given its signal', async () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(100, { clock });
    const ended = sleep(clock, 1_000, deadline.signal).catch((error: unknown) => error);
    await clock.advance(100);
    expect(await ended).toMatchObject({ code: 'ABORTED', cause: { code: 'DEADLINE_EXCEEDED' } });
  });

  it('is of the machine when no clock is given', () => {
    const deadline = deadlineAfter(60_000);
    expect(deadline.remainingMs()).toBeGreaterThan(50_000);
    expect(deadline.remainingMs()).toBeLessThanOrEqual(60_000);
    deadline.cancel();
  });
});

describe('a deadline with a parent signal', () => {
  it('ends early with it', () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const deadline = deadlineAfter(100, { clock, signal: controller.signal, name: 'the report' });
    const reason = new Error('the client left');
    controller.abort(reason);
    expect(deadline.signal.aborted).toBe(true);
    const error = thrownBy(() => deadline.check());
    expect(error).toMatchObject({ code: 'ABORTED', cause: reason, message: 'the report was aborted by its caller' });
    expect(deadline.signal.reason).toBe(error);
    expect(clock.pending()).toBe(0);
  });

  it('has ended from the start when the parent has', () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(100, { clock, signal: AbortSignal.abort('gone') });
    expect(thrownBy(() => deadline.check())).toMatchObject({ code: 'ABORTED', cause: 'gone' });
    expect(clock.pending()).toBe(0);
  });

  it('keeps its own reason when the parent follows later', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const deadline = deadlineAfter(100, { clock, signal: controller.signal });
    await clock.advance(100);
    controller.abort();
    expect(codeOf(() => deadline.check())).toBe('DEADLINE_EXCEEDED');
  });

  it('leaves no listener on it, whether it passes or is cancelled', async () => {
    const clock = createTestClock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    deadlineAfter(100, { clock, signal });
    deadlineAfter(200, { clock, signal }).cancel();
    await clock.advance(100);
    const listeners = (calls: readonly (readonly unknown[])[]): Set<unknown> => new Set(calls.map((call) => call[1]));
    expect(added).toHaveBeenCalledTimes(2);
    expect(listeners(removed.mock.calls)).toEqual(listeners(added.mock.calls));
  });
});

describe('cancelling a deadline', () => {
  it('releases its timer and leaves the signal alone, any number of times', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const deadline = deadlineAfter(100, { clock, signal: controller.signal });
    deadline.cancel();
    deadline.cancel();
    expect(clock.pending()).toBe(0);
    controller.abort();
    await clock.advance(50);
    expect(deadline.signal.aborted).toBe(false);
  });
});
