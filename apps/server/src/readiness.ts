/** How far the server is. It only moves forward. */
export type ReadinessState = 'starting' | 'ready' | 'stopping';

/** Whether requests can be answered. */
export interface Readiness {
  state(): ReadinessState;
  markReady(): void;
  markStopping(): void;
}

/** Begins at `starting`. */
export function createReadiness(): Readiness {
  let state: ReadinessState = 'starting';
  return {
    state: () => state,
    markReady(): void {
      if (state === 'starting') state = 'ready';
    },
    markStopping(): void {
      state = 'stopping';
    },
  };
}
