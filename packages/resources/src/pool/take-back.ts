import { checkEntry } from './check-entry.ts';
import { addToRecord } from './choosing/member-record.ts';
import type { Entry } from './entry.ts';
import { dequeued } from './leave-queue.ts';
import type { LeaseOutcome } from './pool.ts';
import type { PoolCore } from './pool-core.ts';
import { isBroken, takeIdle } from './take-idle.ts';

/** Takes back what was lent, when that needs more than a look: something waits, something is to be kept, or it is not used again. */
export function takeBack<Instance>(
  core: PoolCore<Instance>,
  entry: Entry<Instance>,
  outcome: LeaseOutcome | undefined,
): void {
  // Destroyed under its borrower: there is nothing to come back.
  if (entry.state !== 'borrowed') return;
  core.active -= 1;
  entry.controller = undefined;
  entry.borrower = undefined;
  if (core.stamps) learn(core, entry, outcome);
  entry.state = 'checking';
  if (entry.retired !== undefined) core.destroy(entry, entry.retired);
  else if (isBroken(core, entry)) core.destroy(entry, 'broken');
  else if (core.config.reset === undefined || isOver(core)) core.offer(entry);
  else if (checkEntry(core, entry, 'reset') === 'fit') core.offer(entry);
  core.notify();
}

/** Gives an instance that is in nobody's hands to a waiter, else to the idle ones, unless it is not to be used again. */
export function offer<Instance>(core: PoolCore<Instance>, entry: Entry<Instance>): void {
  const { queue } = core;
  if (entry.retired !== undefined) core.destroy(entry, entry.retired);
  else if (core.usable + core.creating > core.max) core.destroy(entry, 'surplus');
  else if (queue.size > 0) handOver(core, entry);
  else if (core.state !== 'open') core.destroy(entry, 'closed');
  else {
    entry.state = 'idle';
    core.idle.push(entry);
  }
}

/** Gives idle instances to those who wait for a check that has come to nothing. */
export function serveIdle<Instance>(core: PoolCore<Instance>): void {
  while (core.idle.length > 0 && core.queue.size > core.checking + core.creating) {
    const entry = takeIdle(core);
    if (entry !== undefined) handOver(core, entry);
  }
}

function handOver<Instance>(core: PoolCore<Instance>, entry: Entry<Instance>): void {
  const waiter = core.queue.take(core.config.queueOrder === 'fifo' ? 'oldest' : 'newest');
  if (waiter === undefined) return;
  dequeued(core, waiter);
  core.figures.waited(waiter.sinceMs === undefined ? 0 : core.clock.monotonicMs() - waiter.sinceMs);
  waiter.resolve(core.lend(entry, waiter.borrower));
}

function learn<Instance>(core: PoolCore<Instance>, entry: Entry<Instance>, outcome: LeaseOutcome | undefined): void {
  entry.lastUsedMs = core.clock.monotonicMs();
  if (entry.record === undefined) return;
  const responseMs = outcome?.responseMs ?? entry.lastUsedMs - entry.borrowedAtMs;
  const failed = outcome?.failed ?? false;
  addToRecord(entry.record, responseMs, failed);
  core.chooser?.learn?.(responseMs, failed);
}

// Nobody will use it again, so that there is no need to make it fit.
function isOver<Instance>(core: PoolCore<Instance>): boolean {
  return core.state !== 'open' && core.queue.size === 0;
}
