import type { Entry } from '../entry.ts';
import type { IdleChooser } from './idle-chooser.ts';
import { forget } from './member-record.ts';
import { responseScore, weightOf } from './weight.ts';

const HISTORY = 100;
const RECENT = 10;
const CHANGE = 0.1;
const STEP = 0.1;
const NEUTRAL = 0.5;
const TRUST_NOTHING = 0.3;
const TRUST_ALL = 0.7;
// Enough to decide between equals: an instance known to be slow must not win over a good one for having rested less.
const LARGEST_IDLE_PENALTY = 0.05;
const FORGET_AFTER_MS = 60_000;
const MINUTE_MS = 60_000;

/**
 * Learns how far the weights of instances can be trusted. Every ten pieces of work it compares how the last ten went with how the last hundred
 * went: a tenth better raises the trust, a tenth worse lowers it, and otherwise it goes halfway back to the middle.
 *
 * What is known of an instance is forgotten when it was idle for a minute, so that one that has recovered gets its chance.
 *
 * With little trust instances take turns, which also gathers new figures; with much the one of the greatest weight is used; in between a
 * long idle time counts against an instance.
 */
export function createAdaptiveChooser<Instance>(
  healthOf: ((instance: Instance) => number | undefined) | undefined,
): IdleChooser<Instance> {
  const history: number[] = [];
  let learned = 0;
  let trust = NEUTRAL;

  return {
    choose(idle: readonly Entry<Instance>[], nowMs: number): number {
      if (trust < TRUST_NOTHING) return 0;
      let chosen = 0;
      let best = -Infinity;
      for (const [index, { instance, record, lastUsedMs }] of idle.entries()) {
        if (record !== undefined && nowMs - lastUsedMs > FORGET_AFTER_MS) forget(record);
        const idleMinutes = (nowMs - lastUsedMs) / MINUTE_MS;
        const penalty = trust > TRUST_ALL ? 0 : Math.min(idleMinutes, LARGEST_IDLE_PENALTY);
        const score = weightOf(record, healthOf?.(instance)) - penalty;
        // Of equals the one used last, so that the others can become idle and go.
        if (score < best) continue;
        best = score;
        chosen = index;
      }
      return chosen;
    },
    learn(responseMs: number, failed: boolean): void {
      history[learned % HISTORY] = failed ? 0 : responseScore(responseMs);
      learned += 1;
      if (learned % RECENT === 0 && learned > RECENT) trust = adapt(trust, history, learned);
    },
  };
}

function adapt(trust: number, history: readonly number[], learned: number): number {
  let recent = 0;
  for (let back = 1; back <= RECENT; back += 1) recent += history[(learned - back) % HISTORY] ?? 0;
  recent /= RECENT;
  let overall = 0;
  for (const score of history) overall += score;
  overall /= history.length;
  if (recent > overall * (1 + CHANGE)) return Math.min(1, trust + STEP);
  if (recent < overall * (1 - CHANGE)) return Math.max(0, trust - STEP);
  return trust + (NEUTRAL - trust) / 2;
}
