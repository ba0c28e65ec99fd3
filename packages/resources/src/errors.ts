import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that this package raises. */
export const resourceErrorCodes = [
  /** The connection broke after a request had been sent: it may have been seen. */
  'HTTP_EXCHANGE_FAILED',
  /** A request cannot be sent as it is: its path leaves the base, or method, header, body or limit are wrong. */
  'HTTP_REQUEST_INVALID',
  /** An answer is too long, redirects too often, is no HTTP, or is not the JSON that was asked for. */
  'HTTP_RESPONSE_INVALID',
  'HTTP_STATUS_UNEXPECTED',
  /** A request, or a redirect, leads to where the policy lets none go. */
  'HTTP_TARGET_FORBIDDEN',
  /** No connection to the host: it has no address, refuses, or cannot prove who it is. Nothing was sent by that try. */
  'HTTP_UNREACHABLE',
  'LEASE_RELEASED',
  'POOL_CLOSED',
  'POOL_EXHAUSTED',
  /** A borrower would wait for itself. */
  'POOL_NESTED_ACQUIRE',
  'RESOURCES_CLOSED',
  /** The other side refused the login, or does not allow what was asked. */
  'RESOURCE_ACCESS_DENIED',
  'RESOURCE_ALREADY_REGISTERED',
  'RESOURCE_CANCELLED',
  /** The server refused a command, for a reason of its own: a wrong type of value, or wrong arguments. */
  'RESOURCE_COMMAND_REFUSED',
  /** The connection broke during a commit: the change may have been made or not. Look before it is made again. */
  'RESOURCE_COMMIT_UNKNOWN',
  'RESOURCE_CONFIGURATION_INVALID',
  /** The connection broke during work. With `mayHaveBeenApplied` in its details it is not known whether the work was done. */
  'RESOURCE_CONNECTION_LOST',
  'RESOURCE_CREDENTIAL_MISMATCH',
  'RESOURCE_CREDENTIAL_MISSING',
  /** Keys that are used together lie in different slots of a cluster. */
  'RESOURCE_CROSS_SLOT',
  'RESOURCE_DEPENDENCY_CIRCULAR',
  'RESOURCE_DEPENDENCY_FAILED',
  'RESOURCE_INITIALIZATION_FAILED',
  /** A row or table is locked by somebody else. */
  'RESOURCE_LOCKED',
  /** A row breaks a constraint: a key that exists already, a reference to nothing, a rule of the table. */
  'RESOURCE_QUERY_CONFLICT',
  /** The database could not run a statement, for a reason of its own. */
  'RESOURCE_QUERY_FAILED',
  /** A statement, its values or the place where it was given are wrong. */
  'RESOURCE_QUERY_INVALID',
  'RESOURCE_QUOTA_EXCEEDED',
  'RESOURCE_REVOKED',
  'RESOURCE_SCOPE_INVALID',
  'RESOURCE_STATE_INVALID',
  /** A credential says where to connect, and leads inside. */
  'RESOURCE_TARGET_FORBIDDEN',
  /** The work of one tenant asks for what belongs to another one, or would end what all of them share. */
  'RESOURCE_TENANT_MISMATCH',
  'RESOURCE_TIMEOUT',
  /** No encrypted connection could be made: the certificate is not trusted, or the handshake failed. */
  'RESOURCE_TLS_FAILED',
  /** A credential would be sent unencrypted to another machine. */
  'RESOURCE_TLS_REQUIRED',
  /** A transaction lost against another one: the whole of it may be run again. */
  'RESOURCE_TRANSACTION_CONFLICT',
  /** A transaction was rolled back before its end, as a statement of it had failed. */
  'RESOURCE_TRANSACTION_ROLLED_BACK',
  'RESOURCE_TYPE_MISMATCH',
  'RESOURCE_UNAVAILABLE',
  /** A value cannot be stored, computed with, or held exactly by JavaScript. */
  'RESOURCE_VALUE_INVALID',
] as const;

/** A code that this package raises. */
export type ResourceErrorCode = (typeof resourceErrorCodes)[number];

/** Any failure of this package. Its `details` name the pool or the resource, never an instance or a credential. */
export type ResourceError = CodedError<ResourceErrorCode>;

/** Makes an error of this package; the union of codes is checked at compile time. */
export function resourceError(code: ResourceErrorCode, message: string, options?: CodedErrorOptions): ResourceError {
  return new CodedError(code, message, options);
}
