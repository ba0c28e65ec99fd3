import { egressError } from '../errors.ts';

const broken = /^(HTTPParserError$|Z_|ZSTD_|ERR_(BROTLI|ZLIB|ZSTD|_))/;

/** Says what went wrong between the first byte of a request and the last of its answer, from what undici or zlib threw. */
export function exchangeError(host: string, thrown: unknown): Error {
  const reason = codeOf(thrown);
  const details = { host, reason, mayHaveBeenSent: reason !== 'UND_ERR_INVALID_ARG' };
  const options = { cause: withoutPayload(thrown), details };
  if (reason === 'UND_ERR_HEADERS_OVERFLOW') {
    return egressError('EGRESS_RESPONSE_INVALID', `the headers of the answer of "${host}" are too large`, options);
  }
  if (reason === 'UND_ERR_INVALID_ARG') {
    return egressError('EGRESS_REQUEST_INVALID', `the request to "${host}" cannot be sent`, options);
  }
  if (broken.test(reason) && !isCut(thrown)) {
    return egressError('EGRESS_RESPONSE_INVALID', `the answer of "${host}" is broken`, options);
  }
  return egressError('EGRESS_EXCHANGE_FAILED', `the connection to "${host}" broke during the exchange`, {
    ...options,
    retryable: true,
  });
}

function codeOf(error: unknown): string {
  if (isParserError(error)) return error.name;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'unknown';
}

// Its code is not always set.
function isParserError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'HTTPParserError';
}

/** The line went dead in the middle: what had come of the answer was right. */
function isCut(error: unknown): boolean {
  return isParserError(error) && error.message.includes('EOF');
}

/** The parser's errors carry what it could not read, which is the other side's data. */
function withoutPayload(error: unknown): unknown {
  return isParserError(error) ? new Error(error.message) : error;
}
