import { resourceError } from '../errors.ts';

/** Where a managed resource is in its life. */
export type ResourceState =
  | 'created'
  | 'initializing'
  | 'ready'
  | 'in-use'
  | 'idle'
  | 'maintenance'
  | 'draining'
  | 'cleanup'
  | 'terminated'
  | 'failed';

/** The one table of what may follow what. To stay is always allowed, but for `terminated`. */
export const stateTransitions = {
  created: ['initializing', 'failed', 'terminated'],
  initializing: ['ready', 'failed'],
  ready: ['in-use', 'idle', 'maintenance', 'draining', 'failed'],
  'in-use': ['ready', 'idle', 'failed'],
  idle: ['in-use', 'ready', 'maintenance', 'draining', 'cleanup', 'failed'],
  maintenance: ['ready', 'failed', 'cleanup'],
  draining: ['cleanup', 'failed'],
  cleanup: ['terminated', 'failed'],
  // A resource that failed to start, or is quarantined, may recover.
  failed: ['initializing', 'cleanup', 'terminated'],
  terminated: [],
} as const;

const table: Readonly<Record<ResourceState, readonly ResourceState[]>> = stateTransitions;

/** The states that may follow one. */
export type NextState<From extends ResourceState> = (typeof stateTransitions)[From][number];

/** Whether one state may follow another. */
export function canTransition(from: ResourceState, to: ResourceState): boolean {
  return table[from].includes(to) || (from === to && from !== 'terminated');
}

/** Whether a resource in this state can be acquired. */
export function isAvailable(state: ResourceState): boolean {
  return state === 'ready' || state === 'idle' || state === 'in-use';
}

/** Whether nothing more happens by itself. */
export function isTerminal(state: ResourceState): boolean {
  return state === 'terminated' || state === 'failed';
}

/** Whether a resource is on its way to another state. */
export function isTransitional(state: ResourceState): boolean {
  return state === 'initializing' || state === 'draining' || state === 'cleanup';
}

/** The state of one resource. */
export interface Lifecycle {
  readonly state: ResourceState;
  /**
   * Moves on. To stay changes nothing and reports nothing.
   *
   * @throws `RESOURCE_STATE_INVALID` when the table does not allow it; the state stays what it was
   */
  moveTo(to: ResourceState): void;
}

/**
 * Starts a life, in `created`.
 *
 * @param resource - its name, for the error
 * @param onMove - hears of each change, and of nothing that is none
 */
export function createLifecycle(
  resource: string,
  onMove: (from: ResourceState, to: ResourceState) => void = () => undefined,
): Lifecycle {
  let state: ResourceState = 'created';
  return {
    get state() {
      return state;
    },
    moveTo(to) {
      if (!canTransition(state, to)) throw invalidTransition(resource, state, to);
      if (state === to) return;
      const from = state;
      state = to;
      onMove(from, to);
    },
  };
}

function invalidTransition(resource: string, from: ResourceState, to: ResourceState): Error {
  return resourceError('RESOURCE_STATE_INVALID', `resource "${resource}" is ${from} and cannot become ${to}`, {
    details: { resource, from, to },
  });
}
