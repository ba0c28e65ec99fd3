/** What can be done with a fake resource. */
export type FakeOperation = 'acquire' | 'release' | 'create' | 'check' | 'destroy';

/** One thing that was done with a fake resource. */
export interface RecordedCall {
  readonly operation: FakeOperation;
  /** The name of its token. */
  readonly resource: string;
  /** Whose instance it was, as text; of an acquire that failed, `undefined`. */
  readonly scope: string | undefined;
  /** The number of the instance, from 1 for each resource; `undefined` where there was none. */
  readonly instance: number | undefined;
  /** When it began and when it was over, in milliseconds since the Unix epoch on the clock of the test; `undefined` while it goes on. */
  readonly atMs: number;
  readonly endedMs: number | undefined;
  /** The code of its failure, or the name of the error; `undefined` when it went well. */
  readonly failure: string | undefined;
  /** Why an instance was destroyed. */
  readonly reason: string | undefined;
}

/** Which calls are wanted. */
export interface CallFilter {
  readonly operation?: FakeOperation;
  /** The name of a token. */
  readonly resource?: string;
}

/** Writes down what is done, in the order in which it began. */
export interface CallHistory {
  readonly calls: readonly RecordedCall[];
  /** @returns writes down the end */
  begin(
    call: Pick<RecordedCall, 'operation' | 'resource'> & Partial<RecordedCall>,
  ): (end?: Partial<RecordedCall>) => void;
  clear(): void;
}

/** @param now - milliseconds since the Unix epoch */
export function createCallHistory(now: () => number): CallHistory {
  const calls: RecordedCall[] = [];
  return {
    calls,
    begin(call) {
      let mine: RecordedCall = {
        scope: undefined,
        instance: undefined,
        failure: undefined,
        reason: undefined,
        ...call,
        atMs: now(),
        endedMs: undefined,
      };
      calls.push(mine);
      return (end = {}) => {
        const index = calls.indexOf(mine);
        mine = { ...mine, ...end, endedMs: now() };
        if (index >= 0) calls[index] = mine;
      };
    },
    clear() {
      calls.length = 0;
    },
  };
}
