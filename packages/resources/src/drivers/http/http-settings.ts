import { defineEgressPolicy, type EgressPolicyOptions } from '@tenon/egress';
import { isCodedError } from '@tenon/core';
import { Type, type TObject, type TSchema } from 'typebox';
import { resourceError } from '../../errors.ts';
import { isLoopback, tlsRequired } from '../plain-connection.ts';

/** When and how a request is tried again. Only what may be repeated is: see {@link HttpRequestOptions.idempotencyKey}. */
export interface HttpRetrySettings {
  /** How often to try in all, the first time included, 1 (no retry) to 10. Default 3. */
  readonly attempts?: number;
  /** The longest wait before the first retry, in milliseconds, 0 to 60,000; it doubles with each, and is random below that. Default 100. */
  readonly initialDelayMs?: number;
  /** The longest wait of all, in milliseconds, 0 to 600,000. What `Retry-After` asks for may be longer. Default 10,000. */
  readonly maxDelayMs?: number;
  /** Answers after which to try again, 400 to 599. Default 429, 502, 503 and 504. */
  readonly statuses?: readonly number[];
  /** How many retries each request pays for, 0 to 1, besides one a second and ten at first. Default 0.2. */
  readonly budgetRatio?: number;
}

/** When an origin is left alone for a while. */
export interface HttpCircuitBreakerSettings {
  /** So many failures in a row, 1 to 1,000. Failures are lost connections, time limits and answers from 500 on. Default 5. */
  readonly failures?: number;
  /** How long it is left alone, in milliseconds, 1 to 3,600,000. Default 30,000. */
  readonly openMs?: number;
  /** By how many times longer after each failed probe, 1 to 10; five minutes are the most. Default 1. */
  readonly openMultiplier?: number;
  /** How many requests may then find out at once whether it is back, 1 to 100. Default 1. */
  readonly probes?: number;
}

/** How many requests to one origin there may be at once. */
export interface HttpBulkheadSettings {
  /** How many are sent and wait for their answer to begin, 1 to 10,000. Default: `maxConnectionsPerHost`. */
  readonly concurrency?: number;
  /** How many wait for a place, 0 to 100,000. Default 100. */
  readonly queue?: number;
  /** How long they wait, in milliseconds, 1 to 3,600,000. Default 30,000. */
  readonly queueTimeoutMs?: number;
}

/** The settings of an HTTP resource: plain data, as a registration may bring it. None of them is required, and none is a secret. */
export interface HttpSettings {
  /** Where paths begin: `https://api.acme.example/v1`. No user, password, query or fragment. Default: none, so that requests name URLs. */
  readonly baseUrl?: string;
  /** For a whole request with all its tries, and reading the answer, in milliseconds, 1 to 3,600,000. Default 30,000. */
  readonly timeoutMs?: number;
  /** For one connection, TLS included, in milliseconds, 1 to 120,000. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** For one try, until its answer begins, in milliseconds, 1 to 600,000. Default 15,000. */
  readonly headersTimeoutMs?: number;
  /** For the next part of an answer's body, in milliseconds, 1 to 600,000. Default 15,000. */
  readonly bodyTimeoutMs?: number;
  /** Connections to one origin, 1 to 10,000. Default 100. */
  readonly maxConnectionsPerHost?: number;
  /** How long a connection is kept for the next request, in milliseconds, 0 (not at all) to 600,000. Default 90,000. */
  readonly keepAliveMs?: number;
  /** Headers of every request to the origin of `baseUrl`, or of every request when there is none. Not for secrets. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Redirects to follow, 0 (give them back) to 10, which is as many as `@tenon/egress` follows. Default 10. */
  readonly maxRedirects?: number;
  /** Default `tenon`. */
  readonly userAgent?: string;
  /** Most bytes of an answer's body, 0 to 1 GiB. Default 10 MiB. */
  readonly maxBodyBytes?: number;
  /** What may be reached, as `@tenon/egress` takes it. Default: the Internet by https, and `baseUrl` by its own scheme and port. */
  readonly policy?: EgressPolicyOptions;
  /**
   * Authorities to trust and the lowest version to speak. Certificates are always verified. Default: those of Node.js, TLS 1.2. For a `baseUrl`
   * with `http://` on another machine, `mode: 'disable'` says that nobody can listen in between, so that the credential may be sent as it is.
   */
  readonly tls?: {
    readonly mode?: 'disable';
    readonly ca?: string | readonly string[];
    readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  };
  /** The header that a credential of the kind `api-key` is sent in. Default `x-api-key`. */
  readonly apiKeyHeader?: string;
  /** Who gets W3C `traceparent`: the origin of `baseUrl`, everybody or nobody. Default `own-origin`. */
  readonly traceparent?: 'own-origin' | 'always' | 'never';
  readonly retry?: HttpRetrySettings;
  readonly circuitBreaker?: HttpCircuitBreakerSettings;
  readonly bulkhead?: HttpBulkheadSettings;
  /** Origins whose breaker, retry budget and queue are remembered, 1 to 100,000; the one used longest ago goes. Default 1,000. */
  readonly maxOrigins?: number;
}

type Nested = 'retry' | 'circuitBreaker' | 'bulkhead';
type Open = 'baseUrl' | 'policy' | 'tls';

/** {@link HttpSettings} with their defaults. */
export interface HttpConfig extends Readonly<Required<Omit<HttpSettings, Nested | Open>>>, Pick<HttpSettings, Open> {
  readonly retry: Readonly<Required<HttpRetrySettings>>;
  readonly circuitBreaker: Readonly<Required<HttpCircuitBreakerSettings>>;
  readonly bulkhead: HttpBulkheadSettings & Readonly<Required<Omit<HttpBulkheadSettings, 'concurrency'>>>;
}

const whole = (standard: number, minimum: number, maximum: number): TSchema =>
  Type.Optional(Type.Integer({ default: standard, minimum, maximum }));
const part = (standard: number, minimum: number, maximum: number): TSchema =>
  Type.Optional(Type.Number({ default: standard, minimum, maximum }));
const group = (properties: Readonly<Record<string, TSchema>>): TSchema =>
  Type.Optional(Type.Object({ ...properties }, { default: {}, additionalProperties: false }));
const oneOf = (values: readonly string[], standard?: string): TSchema =>
  Type.Optional(Type.Enum([...values], standard === undefined ? {} : { default: standard }));
const texts: TSchema = Type.Optional(Type.Array(Type.String(), { maxItems: 10_000 }));
const TOKEN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$";
const VALUE = '^[\\t\\x20-\\x7e\\x80-\\xff]*$';

const policySchema: TSchema = Type.Object(
  {
    schemes: Type.Optional(Type.Array(Type.Enum(['http', 'https']))),
    ports: Type.Optional(Type.Union([Type.Literal('any'), Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }))])),
    allow: texts,
    deny: texts,
    allowPrivate: texts,
    nat64Prefixes: texts,
  },
  { additionalProperties: false },
);

/** The form of {@link HttpSettings}. */
export const httpSchema: TObject = Type.Object(
  {
    baseUrl: Type.Optional(Type.String({ maxLength: 2_048, pattern: '^https?://[^/\\s?#@\\\\]+(?:/[^\\s?#\\\\]*)?$' })),
    timeoutMs: whole(30_000, 1, 3_600_000),
    connectTimeoutMs: whole(10_000, 1, 120_000),
    headersTimeoutMs: whole(15_000, 1, 600_000),
    bodyTimeoutMs: whole(15_000, 1, 600_000),
    maxConnectionsPerHost: whole(100, 1, 10_000),
    keepAliveMs: whole(90_000, 0, 600_000),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String({ pattern: VALUE, maxLength: 8_192 }), { default: {} }),
    ),
    maxRedirects: whole(10, 0, 10),
    userAgent: Type.Optional(Type.String({ default: 'tenon', pattern: VALUE, minLength: 1, maxLength: 256 })),
    maxBodyBytes: whole(10_485_760, 0, 1_073_741_824),
    policy: Type.Optional(policySchema),
    tls: Type.Optional(
      Type.Object(
        {
          mode: oneOf(['disable']),
          ca: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
          minVersion: oneOf(['TLSv1.2', 'TLSv1.3']),
        },
        { additionalProperties: false },
      ),
    ),
    apiKeyHeader: Type.Optional(Type.String({ default: 'x-api-key', pattern: TOKEN })),
    traceparent: oneOf(['own-origin', 'always', 'never'], 'own-origin'),
    retry: group({
      attempts: whole(3, 1, 10),
      initialDelayMs: whole(100, 0, 60_000),
      maxDelayMs: whole(10_000, 0, 600_000),
      statuses: Type.Optional(
        Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), { default: [429, 502, 503, 504], maxItems: 200 }),
      ),
      budgetRatio: part(0.2, 0, 1),
    }),
    circuitBreaker: group({
      failures: whole(5, 1, 1_000),
      openMs: whole(30_000, 1, 3_600_000),
      openMultiplier: part(1, 1, 10),
      probes: whole(1, 1, 100),
    }),
    bulkhead: group({
      concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      queue: whole(100, 0, 100_000),
      queueTimeoutMs: whole(30_000, 1, 3_600_000),
    }),
    maxOrigins: whole(1_000, 1, 100_000),
  },
  { additionalProperties: false },
);

const secretHeaders = new Set(['authorization', 'cookie', 'proxy-authorization']);

/**
 * Checks of the settings what their form does not say.
 *
 * @param hasCredential - whether requests carry one
 * @throws `RESOURCE_CONFIGURATION_INVALID`, without the values; `RESOURCE_TLS_REQUIRED` when the credential would be sent unencrypted to another
 *   machine
 */
export function checkHttpSettings(name: string, settings: HttpSettings, hasCredential: boolean): void {
  const { baseUrl, headers = {}, policy, tls } = settings;
  if (hasCredential && baseUrl === undefined) {
    throw invalid(name, 'baseUrl', 'its credential needs a baseUrl: it is sent to that origin and to no other');
  }
  if (baseUrl !== undefined && !URL.canParse(baseUrl)) throw invalid(name, 'baseUrl', 'its baseUrl is no URL');
  if (baseUrl !== undefined) checkEncryption(name, new URL(baseUrl), tls?.mode, hasCredential);
  const secret = Object.keys(headers).find((header) => secretHeaders.has(header.toLowerCase()));
  if (secret !== undefined) {
    throw invalid(name, 'headers', `"${secret}" is no plain header: put a credential into the slot "authorization"`);
  }
  if (!Object.keys(headers).every((header) => new RegExp(TOKEN).test(header))) {
    throw invalid(name, 'headers', 'the name of a header is letters, digits and some signs, without spaces');
  }
  try {
    defineEgressPolicy(policy);
  } catch (error) {
    const { message } = error as Error;
    throw isCodedError(error) ? invalid(name, 'policy', message) : error;
  }
}

function checkEncryption(name: string, base: URL, mode: 'disable' | undefined, hasCredential: boolean): void {
  if (base.protocol === 'https:') {
    if (mode !== undefined)
      throw invalid(name, 'tls', 'its tls has the mode "disable", and its baseUrl begins with https://');
    return;
  }
  if (hasCredential && mode === undefined && !isLoopback(base.hostname)) {
    throw tlsRequired(name, `resource "${name}"`, 'https://');
  }
}

/** The policy of the settings: what is not said follows from where paths begin. */
export function policyOf({ baseUrl, policy = {} }: HttpConfig): EgressPolicyOptions {
  if (baseUrl === undefined) return policy;
  const { protocol, port } = new URL(baseUrl);
  return {
    schemes: protocol === 'http:' ? ['http', 'https'] : ['https'],
    ports: [80, 443, ...(port === '' ? [] : [Number(port)])],
    ...policy,
  };
}

function invalid(name: string, option: string, why: string): Error {
  return resourceError('RESOURCE_CONFIGURATION_INVALID', `the settings of resource "${name}" cannot be used: ${why}`, {
    details: { resource: name, option },
  });
}
