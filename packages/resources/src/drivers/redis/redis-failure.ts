import { isCodedError, toError } from '@tenon/core';
import { resourceError, type ResourceError, type ResourceErrorCode } from '../../errors.ts';

/** Where a failure came from. */
export interface RedisFailurePlace {
  readonly resource: string;
  /** `connect`: nothing was sent yet. */
  readonly phase: 'connect' | 'command';
  /** Whether doing it twice does no harm, so that it may be repeated when nobody knows whether it was done. */
  readonly isRepeatable: boolean;
}

interface Meaning {
  readonly code: ResourceErrorCode;
  readonly retryable: boolean;
  /** Behind the name of the resource. */
  readonly message: string;
}

// Answers of a server that will recover: starting, failing over, read-only for now, busy with a script. Nothing was done then.
const TEMPORARY = new Set([
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'BUSY',
  'NOREPLICAS',
  'MISCONF',
  'OOM',
  'MOVED',
  'ASK',
]);
const DENIED = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);
const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/;
const RETRY_AFTER_MS = 1_000;

/** Says what a failure of the library, or an answer of the server, means. */
export function toRedisError(thrown: unknown, place: RedisFailurePlace): ResourceError {
  if (isCodedError<ResourceErrorCode>(thrown)) return thrown;
  const error = toError(thrown);
  const answer = answerOf(error);
  const { code, retryable, message } =
    answer === undefined ? meaningOfLoss(error, place) : meaningOfAnswer(answer, error);
  const isUnknown = answer === undefined && place.phase === 'command' && !place.isRepeatable;
  const hint = isUnknown ? '. What was asked may have been done: look before you repeat it' : '';
  return resourceError(code, `Redis "${place.resource}" ${message}${hint}`, {
    cause: bare(error, answer),
    retryable: retryable && !isUnknown,
    ...(retryable && !isUnknown ? { retryAfterMs: RETRY_AFTER_MS } : {}),
    details: {
      resource: place.resource,
      ...(answer === undefined ? {} : { answer }),
      ...(isUnknown ? { mayHaveBeenApplied: true } : {}),
    },
  });
}

/** There is no connection now: the command was not sent. */
export function notConnected(resource: string, cause?: Error): ResourceError {
  return resourceError('RESOURCE_UNAVAILABLE', `Redis "${resource}" cannot be reached now: the command was not sent`, {
    retryable: true,
    retryAfterMs: RETRY_AFTER_MS,
    details: { resource },
    ...(cause === undefined ? {} : { cause: bare(cause, answerOf(cause)) }),
  });
}

/** Too many commands wait for their answers: this one was not sent. */
export function tooManyPending(resource: string, limit: number): ResourceError {
  return resourceError(
    'RESOURCE_UNAVAILABLE',
    `Redis "${resource}" has ${limit} commands without an answer: this one was not sent`,
    { retryable: true, retryAfterMs: 100, details: { resource, limit } },
  );
}

/** The first word of an answer that is an error: Redis has its codes there. */
function answerOf(error: Error): string | undefined {
  const isCrossSlot = /keys in (?:a|the) pipeline/.test(error.message);
  if (isCrossSlot) return 'CROSSSLOT';
  if (error.name !== 'ReplyError') return undefined;
  return /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR';
}

function meaningOfAnswer(answer: string, error: Error): Meaning {
  if (answer === 'CROSSSLOT') {
    return {
      code: 'RESOURCE_CROSS_SLOT',
      retryable: false,
      message:
        'is a cluster, and these keys lie in different slots: give keys that are used together the same hash tag, as in "{cart-7}:items" and "{cart-7}:total"',
    };
  }
  // HELLO with a wrong password, and servers before version 6.
  const isDenied = DENIED.has(answer) || /invalid password|invalid username-password/i.test(error.message);
  if (isDenied) {
    return {
      code: 'RESOURCE_ACCESS_DENIED',
      retryable: false,
      message: `refused access (${answer}): check user, password and what the user may do, in the credential of its slot "login"`,
    };
  }
  if (TEMPORARY.has(answer)) {
    return { code: 'RESOURCE_UNAVAILABLE', retryable: true, message: `cannot do this now (${answer})` };
  }
  return { code: 'RESOURCE_COMMAND_REFUSED', retryable: false, message: `refused a command (${answer})` };
}

function meaningOfLoss(error: Error, { phase }: RedisFailurePlace): Meaning {
  if (/timed out/i.test(error.message)) {
    return { code: 'RESOURCE_TIMEOUT', retryable: true, message: 'did not answer within "commandTimeoutMs"' };
  }
  if (phase === 'command') {
    return {
      code: 'RESOURCE_CONNECTION_LOST',
      retryable: true,
      message: 'cannot be reached any more: the connection broke',
    };
  }
  if (TLS.test(codeOf(error) ?? '')) {
    return {
      code: 'RESOURCE_TLS_FAILED',
      retryable: false,
      message:
        'cannot be connected to in TLS: it speaks none, or its certificate is not trusted: check "tls" of its settings',
    };
  }
  return { code: 'RESOURCE_UNAVAILABLE', retryable: true, message: 'cannot be reached' };
}

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** The error of the library for logs. The original holds the command with its arguments, AUTH with the password among them. */
function bare(error: Error, answer: string | undefined): Error {
  const shown = new Error(
    answer === undefined ? error.message : `${answer}: the answer is left out, as it may hold values`,
  );
  shown.name = error.name;
  const code = codeOf(error);
  return code === undefined ? shown : Object.assign(shown, { code });
}
