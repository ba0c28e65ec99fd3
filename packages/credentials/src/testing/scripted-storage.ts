import { sleep, systemClock, type Clock } from '@tenon/core';
import type { CredentialStorage, StorageBatch, StorageCallOptions } from '../storage/credential-storage.ts';

/** What can be asked of a storage. */
export type StorageOperation = 'get' | 'put' | 'delete' | 'list' | 'getMany' | 'putMany' | 'deleteMany';

/** What happens to a call. */
export type ScriptedBehaviour =
  /** Fails: before anything happens, or after it has happened. Default `before`. */
  | { readonly fail: unknown; readonly when?: 'before' | 'after' }
  /** Waits on the clock, and goes on. It heeds no signal. */
  | { readonly delayMs: number }
  /** Never happens, and never ends. */
  | { readonly hang: true };

/** To which calls of an operation something happens. */
export interface ScriptedCalls {
  /** The first of them, counted from now, from 1. Default 1. */
  readonly from?: number;
  /** How many in a row, 1 to `Infinity`. Default 1. */
  readonly times?: number;
}

/** One call that came. */
export interface RecordedCall {
  readonly operation: StorageOperation;
  /** A copy of what was asked: a key, a change, a query, or an array of them. */
  readonly asked: unknown;
  readonly signal: AbortSignal;
}

/** A call that is held up, see {@link ScriptedStorage.hold}. */
export interface HeldCall {
  /** Resolves when a call has come. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  release(): void;
}

/** A storage that does what a test tells it to. */
export interface ScriptedStorage extends CredentialStorage {
  /** Every call so far, in order. */
  readonly calls: readonly RecordedCall[];
  /** Makes something happen to calls that come. Of several that fit a call, the one that was told first. */
  script(operation: StorageOperation, behaviour: ScriptedBehaviour, calls?: ScriptedCalls): void;
  /** Stops the next call of an operation before anything happens, until it is released. */
  hold(operation: StorageOperation): HeldCall;
  /** Forgets calls and scripts. What hangs goes on hanging. */
  reset(): void;
}

/** What {@link scriptedStorage} takes. */
export interface ScriptedOptions {
  /** What delays wait on. Default: the machine's clock. */
  readonly clock?: Clock;
  /** What the storage says of itself. Default: what the inner one says. */
  readonly isShared?: boolean;
  /** Whether the inner one's batches are there. Default `true`. */
  readonly hasBatches?: boolean;
}

interface Script {
  readonly operation: StorageOperation;
  readonly first: number;
  readonly last: number;
  readonly apply: (work: () => Promise<unknown>) => Promise<unknown>;
}

/**
 * Wraps a storage for tests: records what it is asked, and delays, fails, hangs or holds up what it is told to. All that passes is copied, so that
 * nothing is shared with it by accident.
 *
 * @example
 * ```ts
 * const storage = scriptedStorage(memoryStorage(), { clock });
 * storage.script('put', { fail: new Error('the disk is full') }, { times: 2 });
 * ```
 */
export function scriptedStorage(inner: CredentialStorage, options: ScriptedOptions = {}): ScriptedStorage {
  const { clock = systemClock, isShared = inner.isShared, hasBatches = true } = options;
  const calls: RecordedCall[] = [];
  const counts = new Map<StorageOperation, number>();
  let scripts: Script[] = [];

  const add = (operation: StorageOperation, apply: Script['apply'], { from = 1, times = 1 }: ScriptedCalls): void => {
    const first = (counts.get(operation) ?? 0) + from;
    scripts.push({ operation, first, last: first + times - 1, apply });
  };
  const through = <Asked, T>(
    operation: StorageOperation,
    work: (asked: Asked, given: StorageCallOptions) => Promise<T>,
  ) => {
    return async (given: Asked, { signal }: StorageCallOptions): Promise<T> => {
      const asked = structuredClone(given);
      const count = (counts.get(operation) ?? 0) + 1;
      counts.set(operation, count);
      calls.push({ operation, asked: structuredClone(given), signal });
      const run = () => work(asked, { signal });
      const script = scripts.find((one) => one.operation === operation && one.first <= count && count <= one.last);
      // A script ends with what the work gave, or not at all.
      return structuredClone((await (script === undefined ? run() : script.apply(run))) as T);
    };
  };
  const { batch } = inner;
  return {
    name: inner.name,
    isShared,
    calls,
    get: through('get', (key, given) => inner.get(key, given)),
    put: through('put', (change, given) => inner.put(change, given)),
    delete: through('delete', (key, given) => inner.delete(key, given)),
    list: through('list', (query, given) => inner.list(query, given)),
    ...(batch === undefined || !hasBatches
      ? {}
      : {
          batch: {
            get: through('getMany', (keys, given) => batch.get(keys, given)),
            put: through('putMany', (changes, given) => batch.put(changes, given)),
            delete: through('deleteMany', (keys, given) => batch.delete(keys, given)),
          } satisfies StorageBatch,
        }),
    close: () => inner.close(),
    script: (operation, behaviour, which = {}) => add(operation, (work) => behave(behaviour, work, clock), which),
    hold(operation) {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      const apply: Script['apply'] = (work) => {
        reached.resolve();
        return released.promise.then(work);
      };
      add(operation, apply, {});
      return { reached: reached.promise, release: () => released.resolve() };
    },
    reset() {
      calls.length = 0;
      counts.clear();
      scripts = [];
    },
  };
}

async function behave(behaviour: ScriptedBehaviour, work: () => Promise<unknown>, clock: Clock): Promise<unknown> {
  if ('hang' in behaviour) return new Promise(() => undefined);
  if ('delayMs' in behaviour) {
    await sleep(clock, behaviour.delayMs);
    return work();
  }
  if (behaviour.when === 'after') await work();
  throw behaviour.fail;
}
