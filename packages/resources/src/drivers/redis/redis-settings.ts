import {
  Type,
  type Static,
  type TArray,
  type TBoolean,
  type TInteger,
  type TLiteral,
  type TObject,
  type TOptional,
  type TString,
} from 'typebox';
import { resourceError, type ResourceError } from '../../errors.ts';
import { isLoopback, tlsRequired } from '../plain-connection.ts';

const milliseconds = (maximum = 600_000): TOptional<TInteger> => Type.Optional(Type.Integer({ minimum: 1, maximum }));
const wholeNumber = (minimum: number, maximum: number): TOptional<TInteger> =>
  Type.Optional(Type.Integer({ minimum, maximum }));
const bounds = { minLength: 1, maxLength: 2_048 } as const;
const closed = { additionalProperties: false } as const;

/** The form of {@link RedisSettings}. */
export const redisSchema: TObject<{
  url: TString;
  nodes: TOptional<TArray<TString>>;
  cluster: TOptional<TBoolean>;
  keyPrefix: TOptional<TString>;
  tls: TOptional<
    TObject<{ mode: TOptional<TLiteral<'disable'>>; ca: TOptional<TString>; serverName: TOptional<TString> }>
  >;
  connectTimeoutMs: TOptional<TInteger>;
  commandTimeoutMs: TOptional<TInteger>;
  maxPendingCommands: TOptional<TInteger>;
  reconnectInitialMs: TOptional<TInteger>;
  reconnectMaxMs: TOptional<TInteger>;
  maxReconnects: TOptional<TInteger>;
  subscriptionPingMs: TOptional<TInteger>;
}> = Type.Object(
  {
    url: Type.String(bounds),
    nodes: Type.Optional(Type.Array(Type.String(bounds), { maxItems: 100 })),
    cluster: Type.Optional(Type.Boolean()),
    // In a cluster, what stands in braces decides alone where a key lies.
    keyPrefix: Type.Optional(Type.String({ maxLength: 128, pattern: '^[^{}]*$' })),
    tls: Type.Optional(
      Type.Object(
        {
          mode: Type.Optional(Type.Literal('disable')),
          ca: Type.Optional(Type.String({ minLength: 1 })),
          serverName: Type.Optional(Type.String(bounds)),
        },
        closed,
      ),
    ),
    connectTimeoutMs: milliseconds(),
    commandTimeoutMs: milliseconds(),
    maxPendingCommands: wholeNumber(1, 1_000_000),
    reconnectInitialMs: milliseconds(),
    reconnectMaxMs: milliseconds(),
    maxReconnects: wholeNumber(0, 10_000),
    subscriptionPingMs: milliseconds(3_600_000),
  },
  closed,
);

/** The settings of a Redis. `url` is required. */
export interface RedisSettings {
  /**
   * `redis://` or, encrypted, `rediss://`, with host, port (default 6379) and the number of the database (`/3`, default 0; a cluster has none but
   * 0). User and password belong into a credential; in the address they are refused beside the slot `login`. A login is sent unencrypted to
   * this machine alone, unless `tls.mode` allows it.
   */
  readonly url: string;
  /** Further nodes of a cluster to begin with, as addresses like `url`, without user and password. Default: none. */
  readonly nodes?: readonly string[];
  /** Whether it is a Redis Cluster. Default `false`. */
  readonly cluster?: boolean;
  /**
   * Goes before each key and channel, and before the tenant, which is always there: `shop:` gives `shop:tenant=acme:cart`. Up to 128
   * characters, without braces. Default: empty.
   */
  readonly keyPrefix?: string;
  /**
   * For `rediss://`. `ca`: who signs for the server, as PEM; default: those that Node trusts. `serverName`: whom its certificate names; default:
   * the host. For `redis://` on another machine, `mode: 'disable'` says that nobody can listen in between, so that a login may be sent as it is.
   */
  readonly tls?: { readonly mode?: 'disable'; readonly ca?: string; readonly serverName?: string };
  /** How long making a connection may take, in milliseconds, 1 to 600,000. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** How long a command may take, in milliseconds, 1 to 600,000. A connection that says nothing for so long is replaced. Default 5,000. */
  readonly commandTimeoutMs?: number;
  /** Commands without an answer at once; more are refused. 1 to 1,000,000. Default 10,000. */
  readonly maxPendingCommands?: number;
  /** How long to wait before the first reconnect, in milliseconds; each further wait is twice as long, half of it random. 1 to 600,000. Default 50. */
  readonly reconnectInitialMs?: number;
  /** The longest wait before a reconnect, in milliseconds, 1 to 600,000. Default 5,000. */
  readonly reconnectMaxMs?: number;
  /** After how many reconnects in vain a client is given up, so that the next borrower has a new one. 0 to 10,000. Default 20. */
  readonly maxReconnects?: number;
  /** How often a connection that only listens is tried, in milliseconds, 1 to 3,600,000. Default 10,000. */
  readonly subscriptionPingMs?: number;
}

/** {@link RedisSettings}, as the form has them. */
export type RedisConfig = Static<typeof redisSchema>;

/** Where a server is. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** User and password. */
export interface RedisLogin {
  /** Default: the server's `default`. */
  readonly username?: string | undefined;
  readonly password: string;
}

/** Settings, read and complete. */
export interface RedisTarget {
  /** For people and errors. */
  readonly resource: string;
  /** The first ones to try. */
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]];
  readonly database: number;
  readonly isCluster: boolean;
  /** Whether a login may go to any host: the line is encrypted, or it was said that nobody can listen. Otherwise to this machine alone. */
  readonly isTrusted: boolean;
  /** Options of TLS; `undefined` without. */
  readonly tls: { readonly ca?: string; readonly servername?: string } | undefined;
  /** User and password of the address. */
  readonly login: RedisLogin | undefined;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly maxPendingCommands: number;
  readonly reconnectInitialMs: number;
  readonly reconnectMaxMs: number;
  readonly maxReconnects: number;
  readonly subscriptionPingMs: number;
}

/**
 * Reads the settings.
 *
 * @param hasLogin - whether a credential brings user and password
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the setting, without its value; `RESOURCE_TLS_REQUIRED` when a login would be sent unencrypted
 *   to another machine
 */
export function readRedisSettings(resource: string, settings: RedisConfig, hasLogin: boolean): RedisTarget {
  const { cluster = false, nodes = [], tls } = settings;
  const first = readUrl(resource, 'url', settings.url);
  if (hasLogin && first.login !== undefined) {
    throw invalid(resource, 'url', 'holds user or password, and the slot "login" brings them, too: leave them out');
  }
  if (!cluster && nodes.length > 0) throw invalid(resource, 'nodes', 'is for a cluster: set "cluster"');
  if (cluster && first.database !== 0) throw invalid(resource, 'url', 'names a database, and a cluster has only 0');
  checkTls(resource, tls, first.isEncrypted);
  const more = nodes.map((node) => {
    const read = readUrl(resource, 'nodes', node);
    if (read.login !== undefined) throw invalid(resource, 'nodes', 'must hold no user and no password');
    if (read.isEncrypted !== first.isEncrypted) throw invalid(resource, 'nodes', 'must be encrypted all or none');
    return read.address;
  });
  const isTrusted = first.isEncrypted || tls?.mode === 'disable';
  const isElsewhere = [first.address, ...more].some(({ host }) => !isLoopback(host));
  if (!isTrusted && isElsewhere && (hasLogin || first.login !== undefined)) {
    throw tlsRequired(resource, `Redis "${resource}"`, 'rediss://');
  }
  return {
    resource,
    addresses: [first.address, ...more],
    database: first.database,
    isCluster: cluster,
    isTrusted,
    tls: first.isEncrypted ? tlsOptions(tls ?? {}) : undefined,
    login: first.login,
    connectTimeoutMs: settings.connectTimeoutMs ?? 5_000,
    commandTimeoutMs: settings.commandTimeoutMs ?? 5_000,
    maxPendingCommands: settings.maxPendingCommands ?? 10_000,
    reconnectInitialMs: settings.reconnectInitialMs ?? 50,
    reconnectMaxMs: settings.reconnectMaxMs ?? 5_000,
    maxReconnects: settings.maxReconnects ?? 20,
    subscriptionPingMs: settings.subscriptionPingMs ?? 10_000,
  };
}

function checkTls(resource: string, tls: RedisConfig['tls'], isEncrypted: boolean): void {
  if (tls === undefined) return;
  const { mode, ca, serverName } = tls;
  if (isEncrypted && mode === 'disable')
    throw invalid(resource, 'tls', 'has the mode "disable", and the url begins with rediss://');
  if (!isEncrypted && (mode === undefined || ca !== undefined || serverName !== undefined)) {
    throw invalid(resource, 'tls', 'needs an address with rediss://');
  }
}

function tlsOptions({ ca, serverName }: NonNullable<RedisConfig['tls']>): NonNullable<RedisTarget['tls']> {
  return { ...(ca === undefined ? {} : { ca }), ...(serverName === undefined ? {} : { servername: serverName }) };
}

interface ReadUrl {
  readonly address: RedisAddress;
  readonly database: number;
  readonly isEncrypted: boolean;
  readonly login: RedisLogin | undefined;
}

function readUrl(resource: string, setting: string, text: string): ReadUrl {
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    throw invalid(
      resource,
      setting,
      'must be an address such as redis://localhost:6379 or rediss://redis.acme.example',
    );
  }
  if (url.search !== '' || url.hash !== '') throw invalid(resource, setting, 'must have nothing behind "?" or "#"');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (database === undefined)
    throw invalid(resource, setting, 'may have the number of a database as its path, and no more');
  return {
    address: { host: url.hostname.replaceAll(/[[\]]/g, ''), port: url.port === '' ? 6_379 : Number(url.port) },
    database: Number(database),
    isEncrypted: url.protocol === 'rediss:',
    login: readLogin(resource, setting, url),
  };
}

function readLogin(resource: string, setting: string, { username, password }: URL): RedisLogin | undefined {
  if (username === '' && password === '') return undefined;
  try {
    return {
      username: username === '' ? undefined : decodeURIComponent(username),
      password: decodeURIComponent(password),
    };
  } catch {
    throw invalid(resource, setting, 'has a user or a password that is not percent-encoded text');
  }
}

function invalid(resource: string, setting: string, why: string): ResourceError {
  return resourceError('RESOURCE_CONFIGURATION_INVALID', `the setting "${setting}" of Redis "${resource}" ${why}`, {
    details: { resource, setting },
  });
}
