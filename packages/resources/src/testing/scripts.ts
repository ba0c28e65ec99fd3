import { sleep, type Clock } from '@tenon/core';

/** What happens to a call. */
export type FakeBehaviour =
  /** It fails with this. */
  | { readonly fail: unknown }
  /** It waits on the clock of the test first, and ends early when its signal aborts. */
  | { readonly delayMs: number }
  /** It goes on until its signal aborts. */
  | { readonly hang: true };

/** To which calls something happens. */
export interface FakeCalls {
  /** The first of them, counted from now, from 1. Default 1. */
  readonly from?: number;
  /** How many in a row, 1 to `Infinity`. Default 1. */
  readonly times?: number;
}

/** The operations to which something can happen: giving back cannot fail. */
export type ScriptedOperation = 'acquire' | 'create' | 'check' | 'destroy';

/** What calls are told to do. */
export interface CallScripts {
  add(operation: ScriptedOperation, behaviour: FakeBehaviour, which?: FakeCalls): void;
  /** Does what the next call of an operation is told to do. Of several that fit, the one that was told first. */
  play(operation: ScriptedOperation, signal: AbortSignal | undefined): Promise<void>;
  clear(): void;
}

/** Makes it, without a script. */
export function createCallScripts(clock: Clock): CallScripts {
  const counts = new Map<ScriptedOperation, number>();
  let scripts: {
    readonly operation: ScriptedOperation;
    readonly first: number;
    readonly last: number;
    readonly behaviour: FakeBehaviour;
  }[] = [];
  return {
    add(operation, behaviour, { from = 1, times = 1 } = {}) {
      const first = (counts.get(operation) ?? 0) + from;
      scripts.push({ operation, first, last: first + times - 1, behaviour });
    },
    async play(operation, signal) {
      const count = (counts.get(operation) ?? 0) + 1;
      counts.set(operation, count);
      const script = scripts.find((one) => one.operation === operation && one.first <= count && count <= one.last);
      if (script === undefined) return;
      const { behaviour } = script;
      if ('fail' in behaviour) throw behaviour.fail;
      await sleep(clock, 'delayMs' in behaviour ? behaviour.delayMs : Infinity, signal);
    },
    clear() {
      scripts = [];
    },
  };
}
