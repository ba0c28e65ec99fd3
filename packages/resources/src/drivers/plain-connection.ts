import { isIP } from 'node:net';
import { resourceError, type ResourceError } from '../errors.ts';

/** Whether a host is this machine, so that nobody stands between. */
export function isLoopback(host: string): boolean {
  const bare = host.replaceAll(/[[\]]/g, '').toLowerCase();
  if (isIP(bare) === 4) return bare.startsWith('127.');
  // A path is that of a socket.
  return bare === '' || bare === 'localhost' || bare === '::1' || bare.startsWith('/');
}

/**
 * A credential would travel where others can read it.
 *
 * @param what - the resource for people, for example `Redis "cache"`
 * @param scheme - that of an encrypted address, for example `rediss://`
 */
export function tlsRequired(resource: string, what: string, scheme: string): ResourceError {
  return resourceError(
    'RESOURCE_TLS_REQUIRED',
    `${what} has a credential and is on another machine, so its address must begin with ${scheme}. Where nobody can listen in between, such as within one private network, say so in its settings: "tls": { "mode": "disable" }`,
    { details: { resource, option: 'tls.mode' } },
  );
}
