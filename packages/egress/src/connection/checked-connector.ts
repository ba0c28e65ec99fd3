import { toError } from '@tenon/core';
import type { buildConnector } from 'undici';
import { connectorConfig, type ConnectorOptions } from '../egress-options.ts';
import { checkUrl } from '../policy/check-url.ts';
import type { EgressPolicy } from '../policy/egress-policy.ts';
import { resolveChecked } from '../resolution/checked-addresses.ts';
import { createNameCache } from '../resolution/name-cache.ts';
import { withSending } from '../request/follow.ts';
import { beginLife } from '../request/request-life.ts';
import { openCheckedSocket, type CheckedSocket } from './open-checked-socket.ts';

/** Opens connections to checked addresses, for clients that speak for themselves. */
export interface CheckedConnector {
  readonly policy: EgressPolicy;
  /**
   * Resolves, checks and connects, anew each time. The socket is the caller's to close.
   *
   * @param url - its scheme decides on TLS, as everywhere; path and query do not matter
   * @throws the refusals of `Egress.request`, `EGRESS_NAME_NOT_FOUND`, `EGRESS_CONNECT_FAILED`, `EGRESS_TLS_FAILED`, `EGRESS_TIMEOUT`,
   *   `EGRESS_ABORTED`
   */
  connect(url: string | URL, options?: { readonly signal?: AbortSignal }): Promise<CheckedSocket>;
  /**
   * The same as undici's option `connect` of `Client`, `Pool` and `Agent`. Redirects, retries and HTTP/2 are the client's then, and
   * so is keeping connections: one client, one policy.
   */
  readonly undici: buildConnector.connector;
}

/**
 * Makes the lower part of an egress alone: resolve, check, connect to what was checked, and nothing of HTTP.
 *
 * @throws `EGRESS_OPTIONS_INVALID` when an option is out of its range
 * @example
 * ```ts
 * const connector = createCheckedConnector({ policy: { allowPrivate: ['10.20.0.0/16'] } });
 * const agent = new Agent({ connect: connector.undici });
 * ```
 */
export function createCheckedConnector(options: ConnectorOptions = {}): CheckedConnector {
  const config = connectorConfig(options);
  const names = createNameCache(config);

  const connect: CheckedConnector['connect'] = async (url, { signal } = {}) => {
    const target = checkUrl(url, config.policy);
    const life = beginLife(config.clock, target.hostname, signal, () => undefined);
    try {
      life.signal.throwIfAborted();
      const addresses = await life.during(resolveChecked(target, { ...config, names }));
      return await openCheckedSocket(target, addresses, config, life);
    } catch (error) {
      throw withSending(error, false);
    } finally {
      life.end();
    }
  };

  return {
    policy: config.policy,
    connect,
    undici({ protocol, hostname, port }, callback) {
      const host = hostname.includes(':') ? `[${hostname}]` : hostname;
      const connecting = connect(`${protocol}//${host}${port === '' ? '' : `:${port}`}`);
      void answer(connecting, callback);
    },
  };
}

async function answer(connecting: Promise<CheckedSocket>, callback: buildConnector.Callback): Promise<void> {
  const outcome = await connecting.then(
    ({ socket }): Parameters<typeof callback> => [null, socket],
    (error: unknown): Parameters<typeof callback> => [toError(error), null],
  );
  callback(...outcome);
}
