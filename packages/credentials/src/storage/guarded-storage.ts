import {
  CodedError,
  currentContext,
  deadlineAfter,
  isCodedError,
  sleep,
  toError,
  type Clock,
  type Logger,
} from '@tenon/core';
import { credentialError, type CredentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type {
  CredentialStorage,
  StorageCallOptions,
  StoragePage,
  StoragePut,
  StorageQuery,
} from './credential-storage.ts';
import type { StoredCredential } from './stored-credential.ts';

/** How often an operation of the storage is tried again. */
export interface RetryOptions {
  /** Tries in all, 1 to 10. Default 3. Only a failure that changed nothing is tried again. */
  readonly attempts?: number;
  /** Wait before the second try, in milliseconds, 1 to 10,000; it doubles each time, and up to half of it is random. Default 50. */
  readonly baseDelayMs?: number;
  /** Longest wait, in milliseconds, 1 to 30,000. Default 1,000. */
  readonly maxDelayMs?: number;
}

/** A storage that answers in time and whose every failure is a coded one. */
export interface GuardedStorage {
  get(key: CredentialKey): Promise<StoredCredential | undefined>;
  put(change: StoragePut): Promise<boolean>;
  delete(key: CredentialKey): Promise<boolean>;
  list(query: StorageQuery): Promise<StoragePage>;
  getMany(keys: readonly CredentialKey[]): Promise<readonly (StoredCredential | undefined)[]>;
  putMany(changes: readonly StoragePut[]): Promise<readonly boolean[]>;
  deleteMany(keys: readonly CredentialKey[]): Promise<readonly boolean[]>;
}

/** What {@link guardStorage} takes. */
export interface GuardOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For all tries of one operation together, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: Required<RetryOptions>;
  /** 0 to 1. For tests. */
  readonly random: () => number;
}

type Kind = 'read' | 'write';

/** Puts one deadline, retries where they are safe, and the classification of failures around a storage. */
export function guardStorage(storage: CredentialStorage, options: GuardOptions): GuardedStorage {
  const run = async <T>(
    kind: Kind,
    key: CredentialKey | undefined,
    call: (given: StorageCallOptions) => Promise<T>,
  ): Promise<T> => {
    const caller = callersSignal();
    if (caller?.aborted === true) throw aborted(key, caller.reason);
    const { clock, timeoutMs, retry } = options;
    // A write that is under way is not given up because its caller is: nobody would know what came of it.
    const deadline = deadlineAfter(timeoutMs, { clock, ...(kind === 'read' && caller ? { signal: caller } : {}) });
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await raceDeadline(call({ signal: deadline.signal }), deadline.signal);
        } catch (error) {
          const failure = classify(error, { kind, key, storage: storage.name, timeoutMs, signal: deadline.signal });
          const again = failure.code === 'CREDENTIAL_STORAGE_UNAVAILABLE' && attempt < retry.attempts;
          if (!again) throw logged(options.logger, failure, storage.name);
          const delay = Math.min(retry.baseDelayMs * 2 ** (attempt - 1), retry.maxDelayMs);
          await sleep(clock, delay * (1 - options.random() / 2), deadline.signal).catch(() => {
            throw logged(options.logger, failure, storage.name);
          });
        }
      }
    } finally {
      deadline.cancel();
    }
  };

  const { batch } = storage;
  const noBatch = (): never => {
    throw credentialError('CREDENTIAL_STORAGE_FAILED', `the storage "${storage.name}" has no batches`);
  };
  return {
    get: (key) => run('read', key, async (given) => asAsked(storage.name, key, await storage.get(key, given))),
    put: (change) => run('write', change.record.key, (given) => storage.put(change, given)),
    delete: (key) => run('write', key, (given) => storage.delete(key, given)),
    list: (query) => run('read', undefined, (given) => storage.list(query, given)),
    getMany: (keys) =>
      batch === undefined
        ? noBatch()
        : run('read', undefined, async (given) => {
            const records = await batch.get(keys, given);
            return keys.map((key, at) => asAsked(storage.name, key, records[at]));
          }),
    putMany: (changes) =>
      batch === undefined ? noBatch() : run('write', undefined, (given) => batch.put(changes, given)),
    deleteMany: (keys) =>
      batch === undefined ? noBatch() : run('write', undefined, (given) => batch.delete(keys, given)),
  };
}

// Of the work that runs: its own, and that of its deadline.
function callersSignal(): AbortSignal | undefined {
  const { signal, deadline } = currentContext() ?? {};
  if (signal === undefined || deadline === undefined) return signal ?? deadline?.signal;
  return AbortSignal.any([signal, deadline.signal]);
}

// A record in the place of another, in a file that was copied for example, would open, and be handed out as what it is not.
function asAsked(
  storage: string,
  key: CredentialKey,
  record: StoredCredential | undefined,
): StoredCredential | undefined {
  if (record === undefined || keyText(record.key) === keyText(key)) return record;
  throw credentialError(
    'CREDENTIAL_STORAGE_CORRUPT',
    `the storage "${storage}" holds another credential in the place of "${key.id}" in scope "${key.scope}": restore it, or store it anew`,
    { details: placeOf(key) },
  );
}

// A driver that does not heed the signal must not hold up its caller.
function raceDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(toError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
  });
}

interface Failure {
  readonly kind: Kind;
  readonly key: CredentialKey | undefined;
  readonly storage: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function classify(thrown: unknown, failure: Failure): CredentialError {
  const { kind, key, storage, timeoutMs, signal } = failure;
  const named = nameOf(key);
  if (isCodedError(signal.reason, 'ABORTED')) return aborted(key, thrown);
  if (signal.aborted && kind === 'write') {
    return credentialError(
      'CREDENTIAL_OUTCOME_UNKNOWN',
      `the storage "${storage}" did not answer within ${timeoutMs} ms${named}: the change may or may not have been made. Look before you repeat it`,
      { cause: thrown, details: placeOf(key) },
    );
  }
  if (signal.aborted) {
    return credentialError(
      'CREDENTIAL_STORAGE_TIMEOUT',
      `the storage "${storage}" did not answer within ${timeoutMs} ms${named}; try again`,
      { cause: thrown, retryable: true, details: { ...placeOf(key), timeoutMs } },
    );
  }
  if (isCodedError(thrown) && thrown.code.startsWith('CREDENTIAL'))
    return withCredential(thrown as CredentialError, key);
  return credentialError(
    'CREDENTIAL_STORAGE_FAILED',
    `the storage "${storage}" failed${named}; see its cause in the log`,
    {
      cause: toError(thrown),
      details: placeOf(key),
    },
  );
}

function aborted(key: CredentialKey | undefined, cause: unknown): CredentialError {
  return credentialError('CREDENTIAL_ABORTED', `the caller gave up${nameOf(key)}`, { cause, details: placeOf(key) });
}

/**
 * The same failure, naming the credential that it is about: code, message, advice and cause stay. One that names a credential already is
 * given back as it is.
 */
export function withCredential(error: CredentialError, key: CredentialKey | undefined): CredentialError {
  if (key === undefined || error.details['id'] !== undefined) return error;
  const { code, message, cause, retryable, retryAfterMs, details } = error;
  return new CodedError(code, message, {
    cause,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { ...details, ...placeOf(key) },
  });
}

const nameOf = (key: CredentialKey | undefined): string =>
  key === undefined ? '' : ` for credential "${key.id}" in scope "${key.scope}"`;
const placeOf = (key: CredentialKey | undefined): Readonly<Record<string, string>> =>
  key === undefined ? {} : { id: key.id, scope: key.scope };

function logged(logger: Logger, failure: CredentialError, storage: string): CredentialError {
  if (failure.code === 'CREDENTIAL_ABORTED') return failure;
  logger.error({ err: failure, storage, credentialId: failure.details['id'] }, 'the storage of credentials failed');
  return failure;
}
