import { lookup } from 'node:dns/promises';

/**
 * Finds the addresses of a host name.
 *
 * Obligations: gives all addresses of both families, in the order in which to try them; rejects when there are none. It may
 * ignore the signal: nobody waits past it. It need not check anything: every address is checked after it.
 */
export type Resolver = (hostname: string, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>;

/** Asks the operating system, as everything else on the machine does: `/etc/hosts`, search domains and DNS. */
export const systemResolver: Resolver = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};
