import type { ResourceState } from '../lifecycle/resource-state.ts';
import type { HealthStatus } from '../health/health-status.ts';
import type { ManagedPoolEvent } from './managed-pool-event.ts';

/** Which resource an event is about. */
export interface EventSubject {
  /** The name of the token. */
  readonly resource: string;
  readonly technology: string;
  /** The text form of the scope whose instances these are; absent for events of the token itself. */
  readonly scope?: string;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** What happened to a resource. No event holds a secret, an instance or a setting. */
export type ResourceEventFacts =
  | { readonly type: 'registered'; readonly version: string }
  | { readonly type: 'removed' }
  | { readonly type: 'state-changed'; readonly from: ResourceState; readonly to: ResourceState }
  | { readonly type: 'acquired'; readonly waitedMs: number }
  | { readonly type: 'acquire-failed'; readonly code: string; readonly waitedMs: number }
  | { readonly type: 'released'; readonly heldMs: number; readonly failed: boolean }
  /** The quota of a tenant refused an acquire. */
  | { readonly type: 'quota-exceeded'; readonly quota: string; readonly limit: number }
  | { readonly type: 'health-changed'; readonly from: HealthStatus['status']; readonly to: HealthStatus['status'] }
  /** It is not lent any more. `attempt`: 0 at first, then once more after each try to recover it that failed. */
  | { readonly type: 'quarantined'; readonly reason: string; readonly retryInMs: number; readonly attempt: number }
  /** It is lent again. `attempts`: how many tries to recover it had failed before. */
  | { readonly type: 'recovered'; readonly attempts: number }
  /** No more tries to recover: somebody has to look. */
  | { readonly type: 'given-up'; readonly attempts: number }
  | { readonly type: 'reloaded' }
  | { readonly type: 'credential-rotated'; readonly slot: string }
  | { readonly type: 'credential-revoked'; readonly slot: string }
  | { readonly type: 'credential-refresh-failed'; readonly slot: string; readonly code: string }
  /** What its pool tells. */
  | { readonly type: 'pool'; readonly event: ManagedPoolEvent };

/** {@link ResourceEventFacts} with what it is about. */
export type ResourceEvent = EventSubject & ResourceEventFacts;
