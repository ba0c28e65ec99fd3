import type { FastifyReply, FastifyRequest } from 'fastify';
import { serverError } from '../errors.ts';

/** A row's version as an entity tag (RFC 9110, section 8.8.3). */
export function etagOf(version: number): string {
  return `"v${version}"`;
}

/**
 * The version that the caller expects, from `If-Match`; `undefined` when any will do.
 *
 * @throws `IF_MATCH_INVALID` for anything but one tag that this API gave out, or `*`
 */
export function expectedVersion(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match'];
  if (header === undefined || header === '*') return undefined;
  const match = /^"v(\d{1,9})"$/.exec(header);
  if (match === null) {
    throw serverError('IF_MATCH_INVALID', 'If-Match must be the ETag of the resource as it was read, for example "v3"');
  }
  return Number(match[1]);
}

/** Sends a resource with its tag, or 304 when the caller has this version already (RFC 9110, section 13.1.2). */
export function sendVersioned<T extends { readonly version: number }>(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: T,
): T | undefined {
  const tag = etagOf(resource.version);
  reply.header('etag', tag);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (reading && isOneOf(request.headers['if-none-match'], tag)) {
    reply.code(304);
    return undefined;
  }
  return resource;
}

// Compared weakly: a proxy that compresses makes a tag weak.
function isOneOf(header: string | undefined, tag: string): boolean {
  return header?.split(',').some((one) => ['*', tag].includes(one.trim().replace(/^W\//, ''))) ?? false;
}
