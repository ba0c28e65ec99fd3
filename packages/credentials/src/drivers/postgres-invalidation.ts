import { isSecret, toError, type Secret } from '@tenon/core';
import type { TlsOptions } from '@tenon/database';
import pg from 'pg';
import type { ConnectedInvalidation } from '../cache/invalidation.ts';
import type { Relay, RelayOptions } from '../cache/relay.ts';
import { createRelayedInvalidation } from '../cache/relayed-invalidation.ts';
import { credentialError } from '../errors.ts';

export type { ConnectedInvalidation };

/** What {@link postgresInvalidation} takes. */
export interface PostgresInvalidationOptions extends RelayOptions {
  /** `postgres://user:password@host:port/name`: the server itself, not a pooler that hands its connections around. */
  readonly url: Secret | string;
  /** Default: from the URL's `sslmode`, else `disable` for loopback addresses and `verify-full` for all others. */
  readonly tls?: TlsOptions;
}

/**
 * Tells changes through PostgreSQL's LISTEN and NOTIFY, over one connection that is neither a pool's nor a transaction's.
 *
 * While it is down, caches go on serving what they hold, for as long as their `ttlMs` says; once it is back they forget everything.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * const invalidation = postgresInvalidation({ url });
 * const vault = credentials().storage(postgresStorage(database)).keys(keys).cache({}).invalidation(invalidation).build();
 * await invalidation.ready(AbortSignal.timeout(10_000));
 * ```
 */
export function postgresInvalidation(options: PostgresInvalidationOptions): ConnectedInvalidation {
  return createRelayedInvalidation(postgresRelay(options), options);
}

function postgresRelay(options: PostgresInvalidationOptions): Relay {
  const url = parseUrl(options.url);
  const ssl = sslOf(url, options.tls);
  // pg lets what the URL says win over its options, and reads `sslmode` unlike libpq: TLS is decided here alone.
  for (const name of Array.from(url.searchParams.keys())) {
    if (/^(ssl|uselibpqcompat)/.test(name)) url.searchParams.delete(name);
  }
  return {
    name: 'postgres',
    async open(channel, events, timeoutMs) {
      const client = new pg.Client({
        connectionString: url.href,
        ssl,
        application_name: 'tenon-credentials-invalidation',
        connectionTimeoutMillis: timeoutMs,
        query_timeout: timeoutMs,
        keepAlive: true,
      });
      // Also when the server ends the connection without a word.
      client.on('error', (error) => events.lost(error));
      client.on('notification', ({ payload = '' }) => events.heard(payload));
      // What is sent to a server that no longer answers would keep `end` waiting.
      const end = (): Promise<void> => endWithin(client, timeoutMs);
      try {
        await client.connect();
        await client.query(`listen ${client.escapeIdentifier(channel)}`);
      } catch (error) {
        await end();
        throw error;
      }
      return {
        async send(messages) {
          await client.query('select pg_notify($1, message) from unnest($2::text[]) as message', [channel, messages]);
        },
        close: end,
      };
    },
  };
}

function endWithin(client: pg.Client, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      client.connection.stream.destroy();
      resolve();
    }, timeoutMs).unref();
    client
      .end()
      .catch((error: unknown) => toError(error))
      .finally(() => {
        clearTimeout(timer);
        resolve();
      });
  });
}

function parseUrl(given: Secret | string): URL {
  const text = isSecret(given) ? given.reveal() : given;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^postgres(ql)?:$/.test(url.protocol)) return url;
  throw invalid(
    'url',
    'must look like postgres://user:password@host:5432/name (it is not shown, it may hold a password)',
  );
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]', '']);

function sslOf(url: URL, given: TlsOptions | undefined): pg.ClientConfig['ssl'] {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const isLocal = host.startsWith('/') || LOOPBACK.has(host);
  const mode = given?.mode ?? url.searchParams.get('sslmode') ?? (isLocal ? 'disable' : 'verify-full');
  if (mode === 'disable') return false;
  if (mode !== 'require' && mode !== 'verify-full') {
    throw invalid(given === undefined ? 'url' : 'tls', 'must name a mode of disable, require or verify-full');
  }
  return { rejectUnauthorized: mode === 'verify-full', ...(given?.ca === undefined ? {} : { ca: given.ca }) };
}

function invalid(option: string, why: string): Error {
  return credentialError('CREDENTIALS_OPTIONS_INVALID', `option "${option}" of the invalidation ${why}`, {
    details: { option },
  });
}
