import type { IncomingMessage } from 'node:http';
import { isUuid, newId } from '@tenon/core';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** Takes over the caller's `X-Request-ID` when it is a UUID or a ULID, so that logs can be joined; else makes a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && (isUuid(given.toLowerCase()) || ULID.test(given)) ? given : newId();
}

/** A request's place in a distributed trace (W3C Trace Context, level 1). */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** For whatever is called on behalf of the request: the same trace, with the request as the parent. */
  readonly traceparent: string;
}

/** Continues the trace of the caller's `traceparent`, or begins one. */
export function traceOf(request: { readonly id: string; readonly headers: IncomingMessage['headers'] }): RequestTrace {
  const header = request.headers['traceparent'];
  const match = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const digits = (isUuid(request.id) ? request.id : newId()).replaceAll('-', '');
  const traceId = match?.[1] ?? digits;
  return { traceId, traceparent: `00-${traceId}-${digits.slice(16)}-${match?.[2] ?? '00'}` };
}
