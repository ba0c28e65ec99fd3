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
import { beforeAbort } from '../cache/before-abort.ts';
import { credentialError, type CredentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';

/** How often an operation of the storage is tried again. */
export interface RetryOptions {
  /** Tries in all, 1 to 10. Default 3. Only a failure that changed nothing is tried again. */
  readonly attempts?: number;
  /** Wait before the second try, in milliseconds, 1 to 10,000; it doubles each time, and up to half of it is random. Default 50. */
  readonly baseDelayMs?: number;
  /** Longest wait, in milliseconds, 1 to 30,000. Default 1,000. A longer one that the other side asks for is kept to. */
  readonly maxDelayMs?: number;
}

/** What {@link guardedCall} goes by. */
export interface GuardOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For all tries of one operation together, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: Required<RetryOptions>;
  /** 0 to 1. For tests. */
  readonly random: () => number;
}

/** One call of a driver. */
export interface DriverCall<T> {
  /** Who is called: the vault's storage, or a source of credentials that others manage. */
  readonly role: 'storage' | 'source';
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly key: CredentialKey | undefined;
  readonly call: (given: { readonly signal: AbortSignal }) => Promise<T>;
}

/** Puts one deadline, retries where they are safe, and the classification of failures around a call. */
export async function guardedCall<T>(options: GuardOptions, driver: DriverCall<T>): Promise<T> {
  const { kind, key, call } = driver;
  const caller = callersSignal();
  if (caller?.aborted === true) throw aborted(key, caller.reason);
  const { clock, timeoutMs, retry } = options;
  // A write that is under way is not given up because its caller is: nobody would know what came of it.
  const deadline = deadlineAfter(timeoutMs, { clock, ...(kind === 'read' && caller ? { signal: caller } : {}) });
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // A driver that does not heed the signal must not hold up its caller.
        return await beforeAbort(call({ signal: deadline.signal }), deadline.signal);
      } catch (error) {
        const failure = classify(error, driver, timeoutMs, deadline.signal);
        const backoffMs = Math.min(retry.baseDelayMs * 2 ** (attempt - 1), retry.maxDelayMs);
        const delayMs = Math.max(backoffMs * (1 - options.random() / 2), failure.retryAfterMs ?? 0);
        const again = failure.code === 'CREDENTIAL_STORAGE_UNAVAILABLE' && attempt < retry.attempts;
        // A wait past the deadline would only make the same answer late.
        if (!again || delayMs >= deadline.remainingMs()) throw logged(options.logger, failure, driver);
        await sleep(clock, delayMs, deadline.signal).catch(() => {
          throw logged(options.logger, failure, driver);
        });
      }
    }
  } finally {
    deadline.cancel();
  }
}

/** Of the work that runs: its own, and that of its deadline. */
export function callersSignal(): AbortSignal | undefined {
  const { signal, deadline } = currentContext() ?? {};
  if (signal === undefined || deadline === undefined) return signal ?? deadline?.signal;
  return AbortSignal.any([signal, deadline.signal]);
}

function classify(
  thrown: unknown,
  { role, name, kind, key }: DriverCall<unknown>,
  timeoutMs: number,
  signal: AbortSignal,
): CredentialError {
  const named = nameOf(key);
  const details = { ...placeOf(key), ...(role === 'source' ? { source: name } : {}) };
  if (isCodedError(signal.reason, 'ABORTED')) return aborted(key, thrown);
  if (signal.aborted && kind === 'write') {
    return credentialError(
      'CREDENTIAL_OUTCOME_UNKNOWN',
      `the ${role} "${name}" did not answer within ${timeoutMs} ms${named}: the change may or may not have been made. Look before you repeat it`,
      { cause: thrown, details },
    );
  }
  if (signal.aborted) {
    return credentialError(
      'CREDENTIAL_STORAGE_TIMEOUT',
      `the ${role} "${name}" did not answer within ${timeoutMs} ms${named}; try again`,
      { cause: thrown, retryable: true, details: { ...details, timeoutMs } },
    );
  }
  if (isCodedError(thrown) && thrown.code.startsWith('CREDENTIAL'))
    return withCredential(thrown as CredentialError, key);
  return credentialError(
    'CREDENTIAL_STORAGE_FAILED',
    `the ${role} "${name}" failed${named}; see its cause in the log`,
    { cause: toError(thrown), details },
  );
}

/** The failure of who gave up. */
export function aborted(key: CredentialKey | undefined, cause: unknown): CredentialError {
  return credentialError('CREDENTIAL_ABORTED', `the caller gave up before there was an answer${nameOf(key)}`, {
    cause,
    details: placeOf(key),
  });
}

/**
 * The same failure, naming the credential that it is about: code, message, advice and cause stay. One that names a credential already, or has
 * no code, is given back as it is.
 */
export function withCredential(error: CredentialError, key: CredentialKey | undefined): CredentialError {
  if (key === undefined || !isCodedError(error) || error.details['id'] !== undefined) return error;
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

/** What an error's details say of a credential. */
export const placeOf = (key: CredentialKey | undefined): Readonly<Record<string, string>> =>
  key === undefined ? {} : { id: key.id, scope: key.scope };

function logged(logger: Logger, failure: CredentialError, { role, name }: DriverCall<unknown>): CredentialError {
  if (failure.code === 'CREDENTIAL_ABORTED') return failure;
  const message = role === 'storage' ? 'the storage of credentials failed' : 'a source of credentials failed';
  logger.error({ err: failure, [role]: name, credentialId: failure.details['id'] }, message);
  return failure;
}
