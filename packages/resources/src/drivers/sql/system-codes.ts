import type { SqlFailureKind } from './sql-connection.ts';

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENOENT', // the file of a socket
]);
const LOST = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);
// Node's manual of TLS, "X509 certificate error codes".
const TLS = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/;

/** What a failure of the system or the network means. */
export function kindOfSystemCode(code: string | undefined): SqlFailureKind | undefined {
  if (code === undefined) return undefined;
  if (NOT_CONNECTED.has(code)) return 'unavailable';
  return LOST.has(code) ? 'lost' : undefined;
}

/** Whether a code is one of TLS. */
export function isTlsCode(code: string | undefined): boolean {
  return code !== undefined && TLS.test(code);
}
