import { isCodedError } from '@tenon/core';
import { egressError } from './errors.ts';

// What differs between an address inside, a closed port and a name that only we can resolve.
const telling = [
  'EGRESS_ADDRESS_FORBIDDEN',
  'EGRESS_CONNECT_FAILED',
  'EGRESS_EXCHANGE_FAILED',
  'EGRESS_NAME_NOT_FOUND',
  'EGRESS_RESPONSE_INVALID',
  'EGRESS_TIMEOUT',
  'EGRESS_TLS_FAILED',
] as const;

/**
 * Makes one and the same error of all that would tell a user who chose the address what lies inside: forbidden, unknown, closed,
 * silent, not speaking TLS or HTTP. Anything else is given back as it is. Use it where an error leaves for such a user, not where
 * it decides on a repeat.
 *
 * The time that it took still differs: a forbidden address fails at once. Where that matters, answer later than the request.
 *
 * @example
 * ```ts
 * try {
 *   await egress.request({ url: theirs });
 * } catch (error) {
 *   throw concealReason(error); // EGRESS_UNREACHABLE
 * }
 * ```
 */
export function concealReason(error: unknown): unknown {
  if (!isCodedError(error, ...telling)) return error;
  const { host } = error.details;
  const name = typeof host === 'string' ? `the host "${host}"` : 'the address';
  return egressError('EGRESS_UNREACHABLE', `${name} could not be reached`, {
    details: typeof host === 'string' ? { host } : {},
  });
}
