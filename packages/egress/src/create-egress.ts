import { currentContext } from '@tenon/core';
import { ConnectionPool } from './connection/connection-pool.ts';
import { egressConfig, requestLimits, type EgressOptions } from './egress-options.ts';
import { egressError } from './errors.ts';
import { createObserver } from './observation/observer.ts';
import { checkUrl } from './policy/check-url.ts';
import type { EgressPolicy } from './policy/egress-policy.ts';
import { prepareRequest, type EgressRequest } from './request/egress-request.ts';
import { follow, withSending, type EgressResponse } from './request/follow.ts';
import { beginLife, type RequestLife } from './request/request-life.ts';
import { createNameCache } from './resolution/name-cache.ts';

/** What an egress holds at the moment. */
export interface EgressStats {
  /** Requests from their start until their answer has been read. */
  readonly requests: number;
  /** Connections that are open, those in use included. */
  readonly connections: number;
  /** Connections that wait for a request. */
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

/** Sends HTTP requests to addresses that a user chose, and to nothing that the policy refuses. */
export interface Egress {
  /** What it lets through, for checks of URLs before they are stored: see {@link checkUrl}. */
  readonly policy: EgressPolicy;
  /**
   * Sends one request, once; it never tries again by itself. Every failure says in `details.mayHaveBeenSent` whether a server
   * may have seen the request, and in `retryable` whether another try could end otherwise.
   *
   * @throws `EGRESS_URL_INVALID`, `EGRESS_SCHEME_FORBIDDEN`, `EGRESS_PORT_FORBIDDEN`, `EGRESS_HOST_FORBIDDEN`,
   *   `EGRESS_ADDRESS_FORBIDDEN`, `EGRESS_REDIRECT_FORBIDDEN`, `EGRESS_TOO_MANY_REDIRECTS`: not allowed. `EGRESS_NAME_NOT_FOUND`,
   *   `EGRESS_CONNECT_FAILED`, `EGRESS_TLS_FAILED`, `EGRESS_BUSY`: nothing was sent on. `EGRESS_TIMEOUT`, `EGRESS_ABORTED`: at any
   *   moment. `EGRESS_EXCHANGE_FAILED`, `EGRESS_RESPONSE_INVALID`: after it was sent. `EGRESS_REQUEST_INVALID`,
   *   `EGRESS_OPTIONS_INVALID`, `EGRESS_CLOSED`: the caller's mistakes
   */
  request(request: EgressRequest): Promise<EgressResponse>;
  stats(): EgressStats;
  /**
   * Takes no more requests, waits for those in hand and closes every connection. Requests end by their own time limits; the
   * signal ends them at once.
   */
  close(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/**
 * Makes the way out for requests to addresses that users chose: webhooks, imports, avatars, integrations.
 *
 * One egress is one policy with connections of its own. Proxies named in the environment are not used: what connects to a
 * proxy has not checked what the proxy connects to.
 *
 * @param options - all have a default; the defaults are the strict ones
 * @throws `EGRESS_OPTIONS_INVALID` when an option is out of its range
 * @example
 * ```ts
 * const egress = createEgress();
 * const response = await egress.request({ url: 'https://hooks.example.com/orders', method: 'POST', body: '{}' });
 * console.log(response.status, await response.body.text());
 * await egress.close();
 * ```
 */
export function createEgress(options: EgressOptions = {}): Egress {
  const config = egressConfig(options);
  const { clock, policy, logger } = config;
  const pool = new ConnectionPool(clock, config);
  const parts = { config, pool, names: createNameCache(config) };
  const observer = createObserver(policy, logger, () => clock.monotonicMs());
  const lives = new Set<RequestLife>();
  const idle = new Set<() => void>();
  let isClosed = false;

  const begin = (host: string, signal: AbortSignal | undefined): RequestLife => {
    const life = beginLife(clock, host, signal, () => {
      lives.delete(life);
      if (lives.size === 0) for (const tell of idle) tell();
    });
    lives.add(life);
    return life;
  };
  const check = (request: EgressRequest) => {
    try {
      if (isClosed) throw egressError('EGRESS_CLOSED', 'this egress is closed; make requests before its close()');
      const limits = requestLimits(request, config);
      return { limits, prepared: prepareRequest(request), target: checkUrl(request.url, policy) };
    } catch (error) {
      observer.refused(error);
      throw withSending(error, false);
    }
  };

  return {
    policy,
    async request(request) {
      const { limits, prepared, target } = check(request);
      const context = currentContext();
      const life = begin(target.hostname, request.signal ?? context?.signal);
      life.limit('total', Math.min(limits.timeoutMs, context?.deadline?.remainingMs() ?? Infinity));
      try {
        life.signal.throwIfAborted();
        return await observer.watch(target, prepared.method, () => follow(target, prepared, limits, parts, life));
      } catch (error) {
        life.end();
        throw withSending(error, life.mayHaveBeenSent);
      }
    },
    stats() {
      const { open, idle: resting, waiting } = pool.stats();
      return { requests: lives.size, connections: open, idle: resting, waiting };
    },
    async close({ signal } = {}) {
      isClosed = true;
      pool.close();
      const endAll = (): void => {
        for (const life of lives)
          life.fail(egressError('EGRESS_CLOSED', 'this egress was closed before the answer was read'));
      };
      if (signal?.aborted === true) endAll();
      else signal?.addEventListener('abort', endAll, { once: true });
      if (lives.size > 0) await new Promise<void>((resolve) => void idle.add(resolve));
      signal?.removeEventListener('abort', endAll);
    },
  };
}
