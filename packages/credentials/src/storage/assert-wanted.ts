import { credentialError } from '../errors.ts';

/**
 * For drivers, between two steps of their work.
 *
 * @throws `CREDENTIAL_ABORTED` once the signal has fired
 */
export function assertWanted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw credentialError('CREDENTIAL_ABORTED', 'the caller gave up before the work was done; nothing was changed', {
    cause: signal.reason,
  });
}
