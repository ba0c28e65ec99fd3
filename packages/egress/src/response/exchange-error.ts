import { egressError } from '../errors.ts';

const broken = /^(HPE_|Z_|ZSTD_|ERR_(BROTLI|ZLIB|ZSTD|_))/;
// The line went dead in the middle: what had come of the answer was right.
const cut = new Set(['HPE_INVALID_EOF_STATE', 'HPE_CLOSED_CONNECTION']);

/** Says what went wrong between the first byte of a request and the last of its answer, from what undici or zlib threw. */
export function exchangeError(host: string, thrown: unknown): Error {
  const reason = codeOf(thrown);
  const details = { host, reason, mayHaveBeenSent: reason !== 'UND_ERR_INVALID_ARG' };
  const options = { cause: withoutPayload(thrown, reason), details };
  if (reason === 'UND_ERR_HEADERS_OVERFLOW') {
    return egressError('EGRESS_RESPONSE_INVALID', `the headers of the answer of "${host}" are too large`, options);
  }
  if (reason === 'UND_ERR_INVALID_ARG') {
    return egressError('EGRESS_REQUEST_INVALID', `the request to "${host}" cannot be sent`, options);
  }
  if (broken.test(reason) && !cut.has(reason)) {
    return egressError('EGRESS_RESPONSE_INVALID', `the answer of "${host}" is broken`, options);
  }
  return egressError('EGRESS_EXCHANGE_FAILED', `the connection to "${host}" broke during the exchange`, {
    ...options,
    retryable: true,
  });
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'unknown';
}

/** The parser's errors carry what it could not read, which is the other side's data. */
function withoutPayload(error: unknown, code: string): unknown {
  return code.startsWith('HPE_') ? Object.assign(new Error((error as Error).message), { code }) : error;
}
