import { hash } from 'node:crypto';
import type { KeyValueStore } from '@tenon/kv';
import type { Logger } from '@tenon/core';

/** How one kind of counter behaves. */
export interface LeakyCounterConfig {
  /** Failures that cost nothing. So many are also forgotten in `forgetAfterMs`. */
  readonly freeAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly forgetAfterMs: number;
}

/** Failures of one name so far. */
interface CounterState {
  /** Failures, less what was forgotten until `atMs`. */
  readonly level: number;
  readonly atMs: number;
  readonly blockedUntilMs: number;
}

/** How often a write starts over because others wrote at the same moment. */
const MAX_ROUNDS = 50;

function parseState(bytes: Uint8Array | undefined): CounterState | undefined {
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString()) as CounterState);
}

/** Reads until when a name is blocked. @returns milliseconds left; 0 when it is free */
export async function blockedForMs(kv: KeyValueStore, key: string, nowMs: number): Promise<number> {
  const state = parseState(await kv.get(key));
  return state === undefined ? 0 : Math.max(0, state.blockedUntilMs - nowMs);
}

/**
 * Counts a failure. The count leaks: steady rare failures, such as those of an office behind one address, never add up.
 * From `freeAttempts` on, each failure doubles the time for which the name is blocked.
 *
 * @returns for how long it is blocked now, in milliseconds; 0 when it is not
 */
export async function countFailure(
  kv: KeyValueStore,
  key: string,
  nowMs: number,
  config: LeakyCounterConfig,
  logger: Logger,
): Promise<number> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = await kv.get(key);
    const next = afterFailure(parseState(before), nowMs, config);
    const forgottenMs = Math.ceil((next.level / config.freeAttempts) * config.forgetAfterMs);
    const blockedMs = Math.max(0, next.blockedUntilMs - nowMs);
    const ttlMs = Math.max(forgottenMs, blockedMs, 1);
    if (await kv.compareAndSet(key, before, Buffer.from(JSON.stringify(next)), { ttlMs })) return blockedMs;
  }
  logger.warn({ rounds: MAX_ROUNDS }, 'a failed sign-in was not counted: others counted without pause');
  return 0;
}

function afterFailure(before: CounterState | undefined, nowMs: number, config: LeakyCounterConfig): CounterState {
  const leakPerMs = config.freeAttempts / config.forgetAfterMs;
  const kept = before === undefined ? 0 : Math.max(0, before.level - Math.max(0, nowMs - before.atMs) * leakPerMs);
  const level = kept + 1;
  // Rounded, so that what leaks between two attempts in a row does not put off the next step.
  const over = Math.round(level) - config.freeAttempts;
  const delayMs = over < 0 ? 0 : Math.min(config.maxDelayMs, config.baseDelayMs * 2 ** Math.min(over, 40));
  return { level, atMs: nowMs, blockedUntilMs: delayMs === 0 ? 0 : nowMs + delayMs };
}

/** A key of fixed length for a name of any length and content; the store never sees the name. */
export function counterKey(kind: string, ...names: readonly string[]): string {
  return `${kind}.${hash('sha256', JSON.stringify(names), 'base64url')}`;
}
