import { egressError } from '../errors.ts';
import type { PreparedRequest } from './egress-request.ts';

/** Names of headers, in lower case, that prove who somebody is. */
export type CredentialHeaders = ReadonlySet<string>;

/** The next request of a chain of redirects. */
export interface RedirectedRequest {
  readonly url: URL;
  readonly request: PreparedRequest;
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const bodyHeaders = ['content-encoding', 'content-language', 'content-location', 'content-type'];

/** Tells whether an answer sends elsewhere. */
export function isRedirect(status: number, location: string | undefined): location is string {
  return redirectStatuses.has(status) && location !== undefined;
}

/**
 * What to send to where a redirect leads: the rules of the Fetch standard (HTTP-redirect fetch), with the credentials dropped
 * that it leaves to others.
 *
 * @param location - as the server wrote it, relative or absolute
 * @param credentials - headers that stay with the origin they were meant for
 * @throws `EGRESS_RESPONSE_INVALID` when the location is no URL; `EGRESS_REDIRECT_FORBIDDEN` when it leads from https to http, or
 *   when it asks for a body again that has been read as it was sent
 */
export function redirectRequest(
  from: URL,
  request: PreparedRequest,
  { status, location }: { readonly status: number; readonly location: string },
  credentials: CredentialHeaders,
): RedirectedRequest {
  if (!URL.canParse(location, from)) {
    throw egressError('EGRESS_RESPONSE_INVALID', `the host "${from.hostname}" redirects to what is no URL`);
  }
  const url = new URL(location, from);
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw forbidden(from, 'redirects from https to http');
  }
  const { method } = request;
  const becomesGet =
    (status === 303 && method !== 'GET' && method !== 'HEAD') ||
    ((status === 301 || status === 302) && method === 'POST');
  const { body } = request;
  if (!becomesGet && body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw forbidden(from, 'redirects a request whose body cannot be sent again');
  }
  const dropped = new Set([...(becomesGet ? bodyHeaders : []), ...(url.origin === from.origin ? [] : credentials)]);
  const headers = new Map([...request.headers].filter(([name]) => !dropped.has(name)));
  return { url, request: becomesGet ? { method: 'GET', headers, body: undefined } : { method, headers, body } };
}

function forbidden(from: URL, what: string): Error {
  return egressError('EGRESS_REDIRECT_FORBIDDEN', `the host "${from.hostname}" ${what}`, {
    details: { host: from.hostname },
  });
}
