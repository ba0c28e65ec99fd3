import { asText, readJsonObject } from '../../sources/read-json.ts';
import type { SourceAnswer } from '../../sources/source-client.ts';
import { sourceError, sourceUnavailable } from '../../sources/source-error.ts';

/** What has to be done about a refusal of AWS before it is a failure. */
export type AwsRemedy = 'none' | 'other-credentials' | 'right-time';

/** A refusal of AWS, by its name alone: messages change. */
export interface AwsRefusal {
  /** For example `AccessDeniedException`; empty when the answer has none. */
  readonly name: string;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** Whether the secret is one that was deleted and can still be restored. */
  readonly isDeleted: boolean;
}

const UNKNOWN_CREDENTIALS = ['ExpiredToken', 'UnrecognizedClient', 'InvalidClientTokenId'];
const WRONG_TIME = [
  'InvalidSignature',
  'SignatureDoesNotMatch',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
];
const REFUSED = [
  ...UNKNOWN_CREDENTIALS,
  ...WRONG_TIME,
  'AccessDenied',
  'AuthFailure',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'NotAuthorized',
  'OptInRequired',
];
const PASSING = [
  'InternalFailure',
  'InternalServerError',
  'InternalServiceError',
  'LimitExceeded',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'Throttled',
  'Throttling',
  'TooManyRequests',
];

/** Reads how AWS says no: `__type` in the body or the header `x-amzn-errortype`, either of which may carry a namespace. */
export function readRefusal(answer: SourceAnswer, retryAfterMs: number | undefined): AwsRefusal {
  const body = readJsonObject(answer.body);
  const type = asText(body?.['__type']) ?? String(answer.headers['x-amzn-errortype'] ?? '');
  const [qualified = ''] = type.split(':');
  const name = /^\w{0,64}$/.exec(qualified.slice(qualified.lastIndexOf('#') + 1))?.[0] ?? '';
  const message = asText(body?.['message']) ?? asText(body?.['Message']) ?? '';
  return {
    name,
    status: answer.status,
    retryAfterMs,
    // The one name stands for several states. Should AWS word it differently one day, the secret is a failure, and not missing.
    isDeleted: is(name, ['InvalidRequest']) && /marked (?:for deletion|deleted)|scheduled for deletion/i.test(message),
  };
}

/** Whether AWS surely has no such secret. */
export function isMissing({ name, isDeleted }: AwsRefusal): boolean {
  return is(name, ['ResourceNotFound']) || isDeleted;
}

/** What may make the same request succeed. */
export function remedyFor({ name }: AwsRefusal): AwsRemedy {
  if (is(name, UNKNOWN_CREDENTIALS)) return 'other-credentials';
  return is(name, WRONG_TIME) ? 'right-time' : 'none';
}

/** The refusal as a failure of the source. */
export function toFailure(source: string, { name, status, retryAfterMs }: AwsRefusal): Error {
  const details = { status, reason: name };
  if (is(name, REFUSED)) {
    const what = `refused the request (${name}): check its credentials, their policy and the clock of this machine`;
    return sourceError('CREDENTIAL_STORAGE_DENIED', source, what, { details });
  }
  if (is(name, ['DecryptionFailure'])) {
    const what = 'cannot decrypt the secret: check the KMS key that it is encrypted with';
    return sourceError('CREDENTIAL_UNREADABLE', source, what, { details });
  }
  if (is(name, PASSING) || status === 408 || status === 429 || status >= 500) {
    return sourceUnavailable(source, 'limits how often it is asked, or failed; try again', { retryAfterMs, details });
  }
  const what = name === '' ? `answered with the status ${status}: is it Secrets Manager?` : `does not answer (${name})`;
  return sourceError('CREDENTIAL_STORAGE_FAILED', source, what, { details });
}

// AWS itself writes some of these names with and without "Exception" or "Error" at the end.
function is(name: string, known: readonly string[]): boolean {
  return known.some((one) => name === one || name === `${one}Exception` || name === `${one}Error`);
}
