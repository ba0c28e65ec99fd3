import { createTaskTracker, deepFreeze } from '@tenon/core';
import { authError } from './errors.ts';

/** Lets operations in until it is shut, and knows which of them still run. */
export interface OperationGate {
  /** The same service, whose every operation passes the gate and whose every result is frozen. All of them must be functions that return promises. */
  guard<T extends object>(service: T): T;
  /** Refuses what comes from now on. */
  shut(): void;
  /** Waits for what runs; whether it succeeds is its caller's matter. */
  idle(): Promise<void>;
}

type Operation = (...given: readonly unknown[]) => Promise<unknown>;

/** Makes an open gate. */
export function createOperationGate(): OperationGate {
  const running = createTaskTracker();
  let open = true;
  const pass =
    (operation: Operation): Operation =>
    async (...given) => {
      if (!open) throw authError('AUTH_CLOSED', 'auth has been closed');
      return deepFreeze(await running.run(() => operation(...given)));
    };
  return {
    guard: (service) =>
      Object.freeze(
        Object.fromEntries(Object.entries(service).map(([name, operation]) => [name, pass(operation as Operation)])),
      ) as typeof service,
    shut() {
      open = false;
    },
    idle: () => running.idle(),
  };
}
