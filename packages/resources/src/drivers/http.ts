import type { Clock } from '@tenon/core';
import type { Egress, Resolver } from '@tenon/egress';
import type { TObject } from 'typebox';
import type { CredentialSlot } from '../credentials/credential-slots.ts';
import { defineResource } from '../definition/define-resource.ts';
import type { HealthOptions } from '../definition/resource-definition.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { HealthStatus } from '../health/health-status.ts';
import type { ScopeLevel } from '../scope/resource-scope.ts';
import { authorizationKinds } from './http/authorization.ts';
import { createHttpClient, type HttpClient } from './http/http-client.ts';
import type { HttpRequest, HttpRequestOptions } from './http/http-request.ts';
import type { HttpResponse } from './http/http-response.ts';
import { checkHttpSettings, httpSchema, type HttpConfig, type HttpSettings } from './http/http-settings.ts';

export type { HttpRequest, HttpRequestOptions } from './http/http-request.ts';
export type { HttpResponse } from './http/http-response.ts';
export type {
  HttpBulkheadSettings,
  HttpCircuitBreakerSettings,
  HttpRetrySettings,
  HttpSettings,
} from './http/http-settings.ts';
export type { HttpPlace, HttpQuery } from './http/http-target.ts';

/** What {@link http} takes: the settings, and what is no data. */
export interface HttpOptions extends HttpSettings {
  /**
   * The credential that goes with requests to the origin of `baseUrl`: of the kind `api-key`, `basic`, `bearer` or `oauth2`, by its id
   * in the vault. Default: none.
   */
  readonly credentials?: { readonly authorization?: string | { readonly id: string; readonly scope?: string } };
  /**
   * A path beneath `baseUrl` that is asked with `GET`, credential included, to see whether it works: statuses below 400 say so, 429 that it is
   * under strain. Default: none, and then health is not watched: that somebody accepts connections says little of an API, and the
   * circuit breaker sees what requests come to.
   */
  readonly check?: string;
  /** How it is watched. */
  readonly health?: HealthOptions;
  /** Down to which level of the scope clients are kept apart. Default `tenant`. */
  readonly isolation?: ScopeLevel | 'none';
  /** Of the definition. Default `1.0.0`. */
  readonly version?: string;
  /** Default: that of the registry. */
  readonly clock?: Clock;
  /** From 0 up to 1, not included, for the waits before retries. Default `Math.random`. */
  readonly random?: () => number;
  /** Finds the addresses of names. Default: the operating system's. */
  readonly resolver?: Resolver;
}

/** What borrowers of an HTTP resource get. Many requests may be under way at once, of one borrower and of many. */
export interface HttpFace {
  /**
   * Sends a request. Any status is an answer; redirects are followed. It is tried again where a repeat can do no harm: with a method that is
   * idempotent, with an idempotency key, or when no server has seen it. Every failure says in `details.mayHaveBeenSent` whether a
   * server may have seen it, and is `retryable` only where a repeat cannot do twice what should be done once.
   *
   * @throws `HTTP_REQUEST_INVALID`: the caller's mistake. `HTTP_TARGET_FORBIDDEN`: not where requests may go, also by a redirect.
   *   `HTTP_UNREACHABLE`: no connection. `HTTP_EXCHANGE_FAILED`, `HTTP_RESPONSE_INVALID`: broken off, or no answer that can be read.
   *   `RESOURCE_TIMEOUT`, `RESOURCE_CANCELLED`. `CIRCUIT_OPEN`, `BULKHEAD_FULL`, `BULKHEAD_QUEUE_TIMEOUT` of `@tenon/resilience`.
   *   `LEASE_RELEASED`, `RESOURCE_REVOKED`, `POOL_CLOSED`: the client is not this borrower's any more
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** {@link HttpFace.request} with `GET`. */
  get(path: string, options?: HttpRequestOptions): Promise<HttpResponse>;
  /** {@link HttpFace.request} with `HEAD`. */
  head(path: string, options?: HttpRequestOptions): Promise<HttpResponse>;
  /** {@link HttpFace.request} with `POST`. */
  post(path: string, options?: HttpRequestOptions): Promise<HttpResponse>;
  /** {@link HttpFace.request} with `PUT`. */
  put(path: string, options?: HttpRequestOptions): Promise<HttpResponse>;
  /** {@link HttpFace.request} with `PATCH`. */
  patch(path: string, options?: HttpRequestOptions): Promise<HttpResponse>;
  /** {@link HttpFace.request} with `DELETE`. */
  delete(path: string, options?: HttpRequestOptions): Promise<HttpResponse>;
  /** What is beneath: the same policy and connections, without credential and guards. */
  readonly egress: Egress;
}

/**
 * Defines an HTTP API as a resource: one client for all borrowers of a tenant, with connections that are kept, a credential that may change
 * while requests are under way, and a time limit, retries, a circuit breaker and a bulkhead for each origin.
 *
 * @param name - 1 to 64 of `a-z 0-9 -`
 * @example
 * ```ts
 * const shop = http('shop', { baseUrl: 'https://api.shop.example/v1', credentials: { authorization: 'shop-key' } });
 * await using api = await resources.acquire(shop);
 * const order = await (await api.get('/orders/7')).expectOk().json();
 * await api.post('/orders', { json: { product: 'tea' }, idempotencyKey: orderId });
 * ```
 * @throws `RESOURCE_CONFIGURATION_INVALID`, `RESOURCE_TLS_REQUIRED`
 */
export function http(name: string, options: HttpOptions = {}): ResourceToken<HttpFace, HttpSettings> {
  const { credentials, check, health, isolation, version, clock: own, ...more } = options;
  const { random = Math.random, resolver, ...settings } = more;
  const { authorization } = credentials ?? {};
  checkHttpSettings(name, settings, authorization !== undefined);
  const place = typeof authorization === 'string' ? { id: authorization } : authorization;

  return defineResource<HttpClient, TObject, HttpFace, Readonly<Record<string, CredentialSlot>>>({
    name,
    technology: 'http',
    schema: httpSchema,
    config: settings,
    // They are no place for secrets, and yet some put one there: who may look at a resource is not who set it up.
    hidden: ['headers'],
    use: 'shared',
    ...(version === undefined ? {} : { version }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(health === undefined ? {} : { health }),
    credentials: place === undefined ? {} : { authorization: { ...place, kind: authorizationKinds } },
    create: ({ config, credentials: filled, logger, ...context }) => {
      const clock = own ?? context.clock;
      const checked = fullSettings(name, config, place !== undefined);
      const credential = filled['authorization'];
      return createHttpClient({ resource: name, config: checked, credential, clock, random, resolver, logger });
    },
    destroy: (client, { reason, signal }) =>
      client.close(reason === 'revoked' || reason === 'forced' ? AbortSignal.abort() : signal),
    ...(check === undefined
      ? {}
      : { check: async (client, { signal }) => healthOf(await client.probe(check, signal)) }),
    async onCredentialRotated(client, { credential, signal }): Promise<'keep'> {
      await client.replaceCredential(credential, signal);
      return 'keep';
    },
    expose: (client, lease) =>
      faceOf(
        (request) => client.send(request, lease),
        () => {
          lease.assertHeld();
          return client.egress;
        },
      ),
  });
}

/** The settings of a registration: the schema has checked them, and filled in what has a default. */
function fullSettings(name: string, config: object, hasCredential: boolean): HttpConfig {
  const settings = config as HttpConfig;
  checkHttpSettings(name, settings, hasCredential);
  return settings;
}

function healthOf(status: number): HealthStatus {
  if (status < 400) return { status: 'healthy' };
  if (status === 429) return { status: 'degraded', reason: 'it asks for fewer requests', impact: 0.5 };
  return { status: 'unhealthy', reason: `its check was answered with ${status}`, recoverable: true };
}

function faceOf(
  request: (request: HttpRequest) => Promise<HttpResponse>,
  egress: () => HttpClient['egress'],
): HttpFace {
  const send =
    (method: string) =>
    (path: string, options: HttpRequestOptions = {}): Promise<HttpResponse> =>
      request({ ...options, method, path });
  return {
    request,
    get: send('GET'),
    head: send('HEAD'),
    post: send('POST'),
    put: send('PUT'),
    patch: send('PATCH'),
    delete: send('DELETE'),
    get egress() {
      return egress();
    },
  };
}
