import { isSecret, silentLogger, systemClock, type Clock, type Logger, type Secret } from '@tenon/core';
import { databaseError } from './errors.ts';

/** How the connection to a server is protected. */
export interface TlsOptions {
  /**
   * `disable`: plain text. `require`: encrypted, the server's certificate is not checked. `verify-full`: encrypted, the
   * certificate and the host name are checked. Default `disable` for loopback addresses, else `verify-full`.
   */
  readonly mode: 'disable' | 'require' | 'verify-full';
  /** Certificate authorities to trust, PEM. Default: those of Node. */
  readonly ca?: string;
}

/** What {@link createDatabase} takes. Give `url` for a server, or `dataDir` for the embedded database; not both. */
export interface DatabaseOptions {
  /** `postgres://user:password@host:port/name`. */
  readonly url?: Secret | string;
  /**
   * Folder of the embedded database, or `memory` for one that dies with the process. The folder is made when missing; it may not
   * be a mount point, because a new database is finished beside it first.
   */
  readonly dataDir?: string;
  /** Only for a server. Default: from the URL's `sslmode`, else as {@link TlsOptions.mode} says. */
  readonly tls?: TlsOptions;
  /** Most connections, 1 to 1000. Default 10. The embedded database always has one. */
  readonly poolMax?: number;
  /** How long a caller waits for a free or a new connection, in milliseconds, 1 to 600,000. Default 5,000. */
  readonly acquireTimeoutMs?: number;
  /** After how long without use a connection is closed, in milliseconds, 1,000 to 86,400,000. Default 30,000. */
  readonly idleTimeoutMs?: number;
  /**
   * How long one statement may run on a server, in milliseconds, 0 to 86,400,000; 0 is no limit. A connection whose answer
   * takes noticeably longer still is given up as dead. The embedded database knows no such limit. Default 30,000.
   */
  readonly statementTimeoutMs?: number;
  /** How long {@link Database.ready} goes on trying, in milliseconds, 0 to 86,400,000. Default 30,000. */
  readonly connectDeadlineMs?: number;
  /** Prepares statements that come again, once per connection. Turn off behind poolers that cannot. Default `true`. */
  readonly preparedStatements?: boolean;
  /** What the server shows in `pg_stat_activity`: 1 to 63 printable ASCII characters. Default `tenon`. */
  readonly applicationName?: string;
  /** Contents of a data directory to start from; only for `dataDir: 'memory'`, made by `dumpDataDir` of PGlite. */
  readonly snapshot?: Blob;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly logger?: Logger;
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** {@link DatabaseOptions} with nothing left open. The URL says nothing about TLS any more. */
export interface DatabaseConfig {
  readonly target:
    | { readonly kind: 'postgres'; readonly url: URL }
    | { readonly kind: 'pglite'; readonly dataDir: string };
  readonly tls: TlsOptions;
  readonly poolMax: number;
  readonly acquireTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly connectDeadlineMs: number;
  readonly preparedStatements: boolean;
  readonly applicationName: string;
  readonly snapshot: Blob | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]', '']);
const TLS_MODES: ReadonlySet<string | null> = new Set(['disable', 'require', 'verify-full']);

function invalid(name: string, problem: string): Error {
  return databaseError('DATABASE_OPTIONS_INVALID', `database option "${name}" ${problem}`, {
    details: { option: name },
  });
}

function checked(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(name, `must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function parseTarget(options: DatabaseOptions): DatabaseConfig['target'] {
  if ((options.url === undefined) === (options.dataDir === undefined)) {
    throw invalid('url', 'or "dataDir" must be given, and not both');
  }
  if (options.dataDir !== undefined) {
    if (typeof options.dataDir !== 'string' || options.dataDir === '' || options.dataDir.includes('\0')) {
      throw invalid('dataDir', 'must name a folder, or be "memory"');
    }
    return { kind: 'pglite', dataDir: options.dataDir };
  }
  const text = isSecret(options.url) ? options.url.reveal() : String(options.url);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || !isDecodable(url)) {
    throw invalid(
      'url',
      'must look like postgres://user:password@host:5432/name, with special characters as %XX (it is not shown, it may hold a password)',
    );
  }
  return { kind: 'postgres', url };
}

function isDecodable({ username, password, hostname, pathname }: URL): boolean {
  try {
    decodeURIComponent(`${username}${password}${hostname}${pathname}`);
    return true;
  } catch {
    return false;
  }
}

/** A socket file of this machine, or a loopback address. The `host` parameter wins over the URL's own, as in libpq. */
function isLocal(url: URL): boolean {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  return host.startsWith('/') || LOOPBACK.has(host);
}

function resolveTls(target: DatabaseConfig['target'], given: TlsOptions | undefined): TlsOptions {
  if (given !== undefined) {
    if (!TLS_MODES.has(given.mode)) throw invalid('tls', 'must have a mode of disable, require or verify-full');
    if (given.ca !== undefined && !given.ca.includes('-----BEGIN CERTIFICATE-----')) {
      throw invalid('tls', 'has a "ca" that is no certificate in PEM form');
    }
    if (target.kind === 'pglite') throw invalid('tls', 'means nothing for the embedded database');
    return given;
  }
  if (target.kind === 'pglite') return { mode: 'disable' };
  const mode = target.url.searchParams.get('sslmode');
  if (mode === null) return { mode: isLocal(target.url) ? 'disable' : 'verify-full' };
  if (TLS_MODES.has(mode)) return { mode: mode as TlsOptions['mode'] };
  throw invalid('url', 'has an sslmode that is none of disable, require, verify-full');
}

/** pg lets what the URL says win over its options, and reads `sslmode` unlike libpq: TLS is decided here alone. */
function withoutTls(target: DatabaseConfig['target']): DatabaseConfig['target'] {
  if (target.kind === 'pglite') return target;
  const url = new URL(target.url);
  for (const name of Array.from(url.searchParams.keys())) {
    if (/^(ssl|uselibpqcompat)/.test(name)) url.searchParams.delete(name);
  }
  return { kind: 'postgres', url };
}

function checkedSnapshot(options: DatabaseOptions): Blob | undefined {
  if (options.snapshot !== undefined && options.dataDir !== 'memory') {
    throw invalid('snapshot', 'goes only with "dataDir": "memory"');
  }
  return options.snapshot;
}

function checkedApplicationName(name: string): string {
  // PostgreSQL keeps 63 bytes, and puts a question mark for what is not printable ASCII.
  if (!/^[\x20-\x7e]{1,63}$/.test(name)) throw invalid('applicationName', 'must be 1 to 63 printable ASCII characters');
  return name;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws `DATABASE_OPTIONS_INVALID` naming the option
 */
export function resolveDatabaseOptions(options: DatabaseOptions): DatabaseConfig {
  const target = parseTarget(options);
  const poolMax = checked('poolMax', options.poolMax ?? 10, 1, 1000);
  return {
    target: withoutTls(target),
    tls: resolveTls(target, options.tls),
    poolMax: target.kind === 'pglite' ? 1 : poolMax,
    acquireTimeoutMs: checked('acquireTimeoutMs', options.acquireTimeoutMs ?? 5_000, 1, 600_000),
    idleTimeoutMs: checked('idleTimeoutMs', options.idleTimeoutMs ?? 30_000, 1_000, 86_400_000),
    statementTimeoutMs: checked('statementTimeoutMs', options.statementTimeoutMs ?? 30_000, 0, 86_400_000),
    connectDeadlineMs: checked('connectDeadlineMs', options.connectDeadlineMs ?? 30_000, 0, 86_400_000),
    preparedStatements: options.preparedStatements ?? true,
    applicationName: checkedApplicationName(options.applicationName ?? 'tenon'),
    snapshot: checkedSnapshot(options),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    random: options.random ?? Math.random,
  };
}
