import type { IncomingMessage } from 'node:http';
import { isUuid, newId } from '@tenon/core';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Takes over the caller's `X-Request-ID` when it is a UUID or a ULID, so that logs can be joined; else makes a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && (isUuid(given.toLowerCase()) || ULID.test(given)) ? given : newId();
}

/** The trace id inside a W3C `traceparent` header, when there is a valid one. */
export function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent);
  return match?.[1] === '0'.repeat(32) ? undefined : match?.[1];
}
