import { silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import { systemDial, type Dial } from './connection/dial.ts';
import type { EgressTls } from './connection/secure-socket.ts';
import { egressError } from './errors.ts';
import { defineEgressPolicy } from './policy/define-egress-policy.ts';
import type { EgressPolicy, EgressPolicyOptions } from './policy/egress-policy.ts';
import { systemResolver, type Resolver } from './resolution/resolver.ts';

/** What connecting needs, with or without the rest of egress. */
export interface ConnectorOptions {
  /** Which addresses may be reached. Default: https to ports 80 and 443 of the Internet, nothing inside. */
  readonly policy?: EgressPolicyOptions;
  /** Certificates for https. Default: the authorities that Node.js brings, TLS 1.2 or newer. */
  readonly tls?: EgressTls;
  /** Finds the addresses of names. Default: the operating system's. */
  readonly resolver?: Resolver;
  /** How long to wait for a name's addresses, milliseconds, 1 to 60,000. Default: 5,000. */
  readonly resolveTimeoutMs?: number;
  /** How long a name's addresses are used again, milliseconds, 0 (ask each time) to 300,000. Default: 5,000. */
  readonly resolutionTtlMs?: number;
  /** Opens TCP connections, for example from a certain local address. Default: `net.connect`. */
  readonly dial?: Dial;
  /** How long connecting may take, TLS included, milliseconds, 1 to 120,000. Default: 10,000. */
  readonly connectTimeoutMs?: number;
  /** How long one address is tried before the next is tried beside it, milliseconds, 10 to 10,000. Default: 250. */
  readonly attemptDelayMs?: number;
  /** Time. Default: the machine's. */
  readonly clock?: Clock;
  /** Where refusals and failures are explained: the only place that names forbidden addresses. Default: nowhere. */
  readonly logger?: Logger;
}

/** What {@link createEgress} takes. All of it has a default. */
export interface EgressOptions extends ConnectorOptions {
  /** How long to wait for an answer's headers once a request is written, milliseconds, 1 to 600,000. Default: 15,000. */
  readonly headersTimeoutMs?: number;
  /** How long to wait for the next part of a body, milliseconds, 1 to 600,000. Default: 15,000. */
  readonly bodyTimeoutMs?: number;
  /** How long a request may take from its start to the last byte of its answer, milliseconds, 1 to 3,600,000. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Most bytes of an answer's body, encoded and decoded, 0 to 1 GiB. Default: 10 MiB. */
  readonly maxBodyBytes?: number;
  /** Most bytes of an answer's headers, 1,024 to 1 MiB. Default: 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Redirects to follow, 0 (give them back as the answer) to 10. Default: 5. */
  readonly maxRedirects?: number;
  /**
   * Whether to ask for compressed bodies and decode them (gzip, deflate, br; zstd when it comes). Without, they are given as they
   * come. Default: `true`.
   */
  readonly decompress?: boolean;
  /**
   * Headers that prove who somebody is, besides `Authorization`, `Cookie` and `Proxy-Authorization`: a redirect to another origin
   * does not get them. Default: none.
   */
  readonly credentialHeaders?: readonly string[];
  /** Connections to one origin at a time, 1 to 10,000. Default: 32. */
  readonly maxConnectionsPerOrigin?: number;
  /** Requests that wait for a connection to one origin, 0 to 100,000. Default: 256. */
  readonly maxWaitingPerOrigin?: number;
  /** Connections kept for later, over all origins, 0 to 10,000. Default: 100. */
  readonly maxIdleConnections?: number;
  /** How long a connection is kept for later, milliseconds, 0 (not at all) to 600,000. Default: 30,000. */
  readonly keepAliveMs?: number;
  /** How old a connection may become before it is replaced, milliseconds, 1 to 86,400,000. Default: 300,000. */
  readonly maxConnectionAgeMs?: number;
}

// Name: default, least, most.
const connectorNumbers = {
  resolveTimeoutMs: [5_000, 1, 60_000],
  resolutionTtlMs: [5_000, 0, 300_000],
  connectTimeoutMs: [10_000, 1, 120_000],
  attemptDelayMs: [250, 10, 10_000],
} as const;

const httpNumbers = {
  headersTimeoutMs: [15_000, 1, 600_000],
  bodyTimeoutMs: [15_000, 1, 600_000],
  timeoutMs: [30_000, 1, 3_600_000],
  maxBodyBytes: [10_485_760, 0, 1_073_741_824],
  maxHeaderBytes: [16_384, 1_024, 1_048_576],
  maxRedirects: [5, 0, 10],
  maxConnectionsPerOrigin: [32, 1, 10_000],
  maxWaitingPerOrigin: [256, 0, 100_000],
  maxIdleConnections: [100, 0, 10_000],
  keepAliveMs: [30_000, 0, 600_000],
  maxConnectionAgeMs: [300_000, 1, 86_400_000],
} as const;

type ConnectorNumbers = Readonly<Record<keyof typeof connectorNumbers, number>>;
type HttpNumbers = Readonly<Record<keyof typeof httpNumbers, number>>;
type Given<Name extends string> = Readonly<Partial<Record<Name, number | undefined>>>;

/** {@link ConnectorOptions}, with nothing left open. */
export interface ConnectorConfig extends ConnectorNumbers {
  readonly policy: EgressPolicy;
  readonly tls: EgressTls;
  readonly resolver: Resolver;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** {@link EgressOptions}, with nothing left open. */
export interface EgressConfig extends ConnectorConfig, HttpNumbers {
  readonly decompress: boolean;
  readonly credentialHeaders: ReadonlySet<string>;
}

/** @throws `EGRESS_OPTIONS_INVALID` when an option is out of its range; it names the option */
export function connectorConfig(options: ConnectorOptions): ConnectorConfig {
  return { ...numbersOf<keyof ConnectorNumbers>(connectorNumbers, options), ...partsOf(options) };
}

/** @throws `EGRESS_OPTIONS_INVALID` when an option is out of its range; it names the option */
export function egressConfig(options: EgressOptions): EgressConfig {
  const named = options.credentialHeaders ?? [];
  return {
    ...connectorConfig(options),
    ...numbersOf<keyof HttpNumbers>(httpNumbers, options),
    decompress: options.decompress ?? true,
    credentialHeaders: new Set(
      ['authorization', 'cookie', 'proxy-authorization', ...named].map((name) => name.toLowerCase()),
    ),
  };
}

/** What one request may set otherwise than the egress it goes through. */
export type RequestLimits = Pick<HttpNumbers, 'timeoutMs' | 'maxBodyBytes' | 'maxRedirects'>;

/** @throws `EGRESS_OPTIONS_INVALID` when a limit of the request is out of its range */
export function requestLimits(request: Partial<RequestLimits>, config: EgressConfig): RequestLimits {
  const limit = (name: keyof RequestLimits): number => numberOf(name, httpNumbers[name], request[name] ?? config[name]);
  return { timeoutMs: limit('timeoutMs'), maxBodyBytes: limit('maxBodyBytes'), maxRedirects: limit('maxRedirects') };
}

function partsOf(options: ConnectorOptions): Omit<ConnectorConfig, keyof ConnectorNumbers> {
  return {
    policy: defineEgressPolicy(options.policy),
    tls: options.tls ?? {},
    resolver: options.resolver ?? systemResolver,
    dial: options.dial ?? systemDial,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
  };
}

type NumberRange = readonly [standard: number, least: number, most: number];

function numbersOf<Name extends string>(
  ranges: Readonly<Record<Name, NumberRange>>,
  given: Given<Name>,
): Readonly<Record<Name, number>> {
  const names = Object.keys(ranges) as Name[];
  const entries = names.map((name) => [name, numberOf(name, ranges[name], given[name])] as const);
  return Object.fromEntries(entries) as Record<Name, number>;
}

function numberOf(option: string, [standard, least, most]: NumberRange, value = standard): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw egressError(
    'EGRESS_OPTIONS_INVALID',
    `${option} is ${value}; it must be a whole number from ${least} to ${most}`,
    {
      details: { option, least, most },
    },
  );
}
