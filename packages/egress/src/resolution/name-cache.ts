import { createSingleFlight, type Clock } from '@tenon/core';
import { egressError, type EgressError } from '../errors.ts';
import type { Resolver } from './resolver.ts';

/** Resolves names, once for all who ask at the same time. */
export interface NameCache {
  /**
   * @throws `EGRESS_NAME_NOT_FOUND` when there is no address, or DNS fails (`retryable` then); `EGRESS_TIMEOUT` when the resolver
   *   does not answer in time
   */
  resolve(hostname: string): Promise<readonly string[]>;
}

/** What {@link createNameCache} takes. */
export interface NameCacheConfig {
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** How long an answer is used again; 0 asks each time. Failures are never kept. */
  readonly resolutionTtlMs: number;
  readonly resolveTimeoutMs: number;
}

const MOST_NAMES = 1_000;
// Of names that have no address, as opposed to a name server that has no answer.
const ABSENT = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME', 'EAI_NONAME', 'EAI_NODATA']);

/** Makes a cache of at most 1,000 names; the one that was resolved first makes room. */
export function createNameCache(config: NameCacheConfig): NameCache {
  const { clock, resolutionTtlMs } = config;
  const flights = createSingleFlight<string, readonly string[]>();
  const answers = new Map<string, { readonly addresses: readonly string[]; readonly untilMs: number }>();
  const keep = (hostname: string, addresses: readonly string[]): void => {
    answers.delete(hostname);
    answers.set(hostname, { addresses, untilMs: clock.monotonicMs() + resolutionTtlMs });
    const [oldest] = answers.keys();
    if (answers.size > MOST_NAMES && oldest !== undefined) answers.delete(oldest);
  };

  return {
    async resolve(hostname) {
      const known = answers.get(hostname);
      if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.addresses;
      return flights.run(hostname, async () => {
        const addresses = await resolveOnce(hostname, config);
        if (resolutionTtlMs > 0) keep(hostname, addresses);
        return addresses;
      });
    },
  };
}

function resolveOnce(hostname: string, config: NameCacheConfig): Promise<readonly string[]> {
  const { clock, resolver, resolveTimeoutMs } = config;
  const late = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.schedule(() => {
    const error = egressError(
      'EGRESS_TIMEOUT',
      `the name of "${hostname}" was not resolved within ${resolveTimeoutMs} ms`,
      {
        retryable: true,
        details: { host: hostname, phase: 'resolve', timeoutMs: resolveTimeoutMs },
      },
    );
    late.abort(error);
    reject(error);
  }, resolveTimeoutMs);
  return Promise.race([ask(hostname, resolver, late.signal), promise]).finally(() => timer.cancel());
}

async function ask(hostname: string, resolver: Resolver, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const addresses = await resolver(hostname, { signal });
    if (addresses.length > 0) return addresses;
  } catch (error) {
    throw notFound(hostname, error);
  }
  throw notFound(hostname, Object.assign(new Error('the name has no address'), { code: 'ENODATA' }));
}

function notFound(hostname: string, error: unknown): EgressError {
  const { code } = error as { readonly code?: unknown };
  const isAbsent = typeof code === 'string' && ABSENT.has(code);
  const message = isAbsent
    ? `the host "${hostname}" does not exist`
    : `the name of "${hostname}" could not be resolved`;
  return egressError('EGRESS_NAME_NOT_FOUND', message, {
    cause: error,
    retryable: !isAbsent,
    details: { host: hostname },
  });
}
