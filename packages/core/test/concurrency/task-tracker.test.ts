import { createTaskTracker } from '@tenon/core';
import { describe, expect, it } from 'vitest';
import { createGates, settle } from './gates.ts';

describe('a task tracker', () => {
  it('begins work at once, gives what it comes to, and counts it until then', async () => {
    const gates = createGates();
    const tasks = createTaskTracker();
    const first = tasks.run(gates.work('first'));
    const second = tasks.run(gates.work('second'));
    expect([tasks.size, gates.begun]).toEqual([2, ['first', 'second']]);
    gates.open('first');
    expect(await first).toBe('first');
    expect(tasks.size).toBe(1);
    gates.open('second');
    await second;
    expect(tasks.size).toBe(0);
  });

  it('does not count what has failed, at once or later', async () => {
    const tasks = createTaskTracker();
    const broken = new Error('broken');
    const thrown = tasks.run(() => {
      throw broken;
    });
    await expect(thrown).rejects.toBe(broken);
    await expect(tasks.run(() => Promise.reject(broken))).rejects.toBe(broken);
    expect(tasks.size).toBe(0);
  });

  it('is idle when nothing is under way, also of what came meanwhile, for all who wait for it', async () => {
    const gates = createGates();
    const tasks = createTaskTracker();
    await tasks.idle();
    const first = tasks.run(gates.work('first'));
    let idle = 0;
    const waits = [1, 2].map(() => tasks.idle().then(() => (idle += 1)));
    const second = tasks.run(gates.work('second'));
    gates.open('first');
    await settle();
    expect(idle).toBe(0);
    gates.open('second');
    await Promise.all([first, second, ...waits]);
    expect(idle).toBe(2);
  });

  it('is idle after a failure too, which is the matter of who began the work', async () => {
    const gates = createGates();
    const tasks = createTaskTracker();
    const failed = tasks.run(gates.work('first')).catch((error: unknown) => error);
    const waited = tasks.idle();
    gates.fail('first', new Error('broken'));
    await waited;
    expect(await failed).toEqual(new Error('broken'));
  });
});
