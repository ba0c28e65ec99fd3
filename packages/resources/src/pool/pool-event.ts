import type { DestroyReason } from './pool-options.ts';

/** What a pool reports. Borrowing and giving back are not events but figures: see {@link PoolStatistics}. */
export type PoolEvent = { readonly pool: string } & (
  | { readonly type: 'created'; readonly durationMs: number }
  | {
      readonly type: 'create-failed';
      readonly error: unknown;
      readonly failuresInRow: number;
      readonly retryInMs: number;
    }
  | { readonly type: 'destroyed'; readonly reason: DestroyReason }
  /** The place is free, but the instance may still live. */
  | { readonly type: 'destroy-failed'; readonly reason: DestroyReason; readonly error: unknown }
  | { readonly type: 'validate-failed'; readonly error: unknown }
  | { readonly type: 'reset-failed'; readonly error: unknown }
  | { readonly type: 'exhausted'; readonly waiting: number }
  | { readonly type: 'acquire-timed-out'; readonly waitedMs: number; readonly active: number }
  /** A lease is out for longer than `maxHoldMs`. */
  | { readonly type: 'held-too-long'; readonly heldMs: number; readonly borrowedAt: string }
  /** A lease was garbage collected without being given back. */
  | { readonly type: 'lease-lost'; readonly borrowedAt: string }
  | { readonly type: 'resized'; readonly min: number; readonly max: number }
  | { readonly type: 'invalidated'; readonly generation: number; readonly why: string | undefined }
  | { readonly type: 'revoked' }
  | { readonly type: 'draining'; readonly active: number; readonly waiting: number }
  | { readonly type: 'closed'; readonly forced: number; readonly left: number }
);

type WithoutPool<Event> = Event extends unknown ? Omit<Event, 'pool'> : never;

/** A {@link PoolEvent} before the pool's name is added. */
export type PoolEventFacts = WithoutPool<PoolEvent>;

/** The types of event that also give a line in the log. */
export const failureEvents: ReadonlySet<PoolEvent['type']> = new Set([
  'create-failed',
  'destroy-failed',
  'validate-failed',
  'reset-failed',
  'exhausted',
  'acquire-timed-out',
  'held-too-long',
  'lease-lost',
] as const);
