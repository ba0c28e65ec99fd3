import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/egress` raises. */
export const egressErrorCodes = [
  'EGRESS_ABORTED',
  // The name leads to an address that the policy refuses, or is one. Which address and why stands in the log alone.
  'EGRESS_ADDRESS_FORBIDDEN',
  'EGRESS_BODY_TOO_LARGE',
  'EGRESS_BUSY',
  'EGRESS_CLOSED',
  'EGRESS_CONNECT_FAILED',
  'EGRESS_EXCHANGE_FAILED',
  'EGRESS_HOST_FORBIDDEN',
  // The name has no address (final), or the name servers do not answer (worth another try).
  'EGRESS_NAME_NOT_FOUND',
  'EGRESS_OPTIONS_INVALID',
  'EGRESS_PORT_FORBIDDEN',
  // A redirect leads from https to http, or asks for a body again that was a stream.
  'EGRESS_REDIRECT_FORBIDDEN',
  // Method, header or body of the request cannot be sent.
  'EGRESS_REQUEST_INVALID',
  // The answer is not HTTP, its headers are too large, its body cannot be decoded, or it is not the JSON that was asked for.
  'EGRESS_RESPONSE_INVALID',
  'EGRESS_SCHEME_FORBIDDEN',
  'EGRESS_TIMEOUT',
  'EGRESS_TLS_FAILED',
  'EGRESS_TOO_MANY_REDIRECTS',
  // In place of all that would tell inside from outside, for those who may not know: made by `concealReason` alone.
  'EGRESS_UNREACHABLE',
  // Not an absolute URL with a host name, too long, or with a user name or password in it.
  'EGRESS_URL_INVALID',
] as const;

/** A code that `@tenon/egress` raises. */
export type EgressErrorCode = (typeof egressErrorCodes)[number];

/** An error that `@tenon/egress` raises. */
export type EgressError = CodedError<EgressErrorCode>;

/** Makes an error of this package; the union of codes is checked at compile time. */
export function egressError(code: EgressErrorCode, message: string, options?: CodedErrorOptions): EgressError {
  return new CodedError(code, message, options);
}
