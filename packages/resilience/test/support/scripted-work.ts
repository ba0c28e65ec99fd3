import type { Call } from '@tenon/resilience';

/** One call of the work, in the hands of the test. */
export interface ScriptedCall {
  readonly call: Call;
  succeed(value: unknown): void;
  fail(error: unknown): void;
}

/** Work whose calls hang until the test ends them; it does not heed its signal. */
export function scriptedWork(): {
  readonly calls: readonly ScriptedCall[];
  readonly work: (call: Call) => Promise<unknown>;
} {
  const calls: ScriptedCall[] = [];
  return {
    calls,
    work: (call) =>
      new Promise((succeed, fail) => {
        calls.push({ call, succeed, fail });
      }),
  };
}

/** Lets promises that are settled tell those who wait for them. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
