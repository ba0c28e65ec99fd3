import { currentContext, type Clock } from '@tenon/core';
import type { Runner, RunOptions, Work } from './call.ts';
import { CallScope } from './call-scope.ts';
import type { Step } from './invoke.ts';

const NO_OPTIONS: RunOptions = Object.freeze({});

/** Gives the outermost step its `run`. */
export function createRun<Alternative>(step: Step, clock: Clock): Runner<Alternative>['run'] {
  return <T>(work: Work<T>, given?: RunOptions<T>): Promise<T | Alternative> => {
    // A late result is one of this very work, so its type is T.
    const options = (given as RunOptions | undefined) ?? NO_OPTIONS;
    const context = currentContext();
    const signal = options.signal ?? context?.signal;
    const deadline = options.deadline ?? context?.deadline;
    const abortable = signal !== undefined || deadline !== undefined;
    const root = new CallScope({ work, options, clock }, undefined, 1, 0, deadline?.atMs ?? Infinity, abortable);
    // What a step gives is what the work gave, or a fallback's value: neither is known to the steps.
    if (!abortable) return step(root) as Promise<T | Alternative>;
    return runFollowing(step, root, [signal, deadline?.signal]) as Promise<T | Alternative>;
  };
}

/** Runs a step whose scope ends with the first of the signals. */
async function runFollowing(
  step: Step,
  root: CallScope,
  signals: readonly (AbortSignal | undefined)[],
): Promise<unknown> {
  const followed = new Set(signals.filter((signal) => signal !== undefined));
  const stop = (event: Event): void => root.abort('caller', (event.target as AbortSignal).reason);
  for (const signal of followed) {
    if (signal.aborted) root.abort('caller', signal.reason);
    else signal.addEventListener('abort', stop, { once: true });
  }
  try {
    return await step(root);
  } finally {
    for (const signal of followed) signal.removeEventListener('abort', stop);
  }
}
