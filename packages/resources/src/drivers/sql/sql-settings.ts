import type { Clock } from '@tenon/core';
import {
  Type,
  type Static,
  type TArray,
  type TObject,
  type TOptional,
  type TInteger,
  type TLiteral,
  type TString,
  type TUnion,
} from 'typebox';
import type { Resolver } from '@tenon/egress';
import type { HealthOptions, PoolSettings } from '../../definition/resource-definition.ts';
import type { ScopeLevel } from '../../scope/resource-scope.ts';
import { isLoopback } from '../plain-connection.ts';
import { passwordIn } from './sql-url.ts';

type Choice<Names extends readonly string[]> = TOptional<
  TUnion<{ -readonly [Index in keyof Names]: TLiteral<Names[Index]> }>
>;

/** The form of the settings of a database. Their meaning: {@link SqlSettings}. */
export type SqlSettingsSchema = TObject<{
  url: TOptional<TString>;
  host: TOptional<TString>;
  port: TOptional<TInteger>;
  database: TOptional<TString>;
  user: TOptional<TString>;
  allowPrivate: TOptional<TArray<TString>>;
  tls: TOptional<TObject<{ mode: Choice<['disable', 'require', 'verify-full']>; ca: TOptional<TString> }>>;
  statementTimeoutMs: TOptional<TInteger>;
  connectTimeoutMs: TOptional<TInteger>;
  cancelTimeoutMs: TOptional<TInteger>;
  slowStatementMs: TOptional<TInteger>;
  applicationName: TOptional<TString>;
  reset: Choice<['transaction', 'session', 'always']>;
  bigints: Choice<['number', 'string', 'bigint']>;
}>;

/** The settings of a database. A registration may bring its own. */
export interface SqlSettings {
  /**
   * Where it is: `postgresql://` or `postgres://`, `mysql://` or `mariadb://`, with user, host, port, database, and `?sslmode=`. It has no
   * password: that is for a credential in the slot `login`. Only a server on this machine may have one here, and nobody is shown it.
   */
  readonly url?: string;
  /**
   * Wins over the URL's. Default: that of the credential, else `localhost`. A credential that names another host or port than are named
   * here is refused.
   */
  readonly host?: string;
  /** Wins over the URL's. 1 to 65,535. Default: that of the credential, else the standard port. */
  readonly port?: number;
  /** Wins over the URL's. Default: the name of the user. */
  readonly database?: string;
  /** Wins over the URL's. For database and user, the credential in the slot `login` wins over all of them. */
  readonly user?: string;
  /**
   * Ranges inside that may be reached when the credential alone says where the database is: `['10.20.0.0/16']`, as `@tenon/egress` takes
   * them. Whoever may store it could otherwise choose what of this network is connected to. Default: none, so the Internet alone.
   */
  readonly allowPrivate?: readonly string[];
  /**
   * `disable`; `require`: encrypted, whoever answers; `verify-full`: encrypted, with a certificate that is trusted and names the host.
   * Default: the URL's `sslmode`, else `disable` on this machine, and `verify-full` everywhere else. `ca`: whom to trust, as PEM; default: whom Node
   * trusts.
   */
  readonly tls?: { readonly mode?: 'disable' | 'require' | 'verify-full'; readonly ca?: string };
  /** How long one statement may run, in milliseconds, 0 to 86,400,000; 0: as long as it likes. Default 30,000. */
  readonly statementTimeoutMs?: number;
  /** How long connecting and logging in may take, in milliseconds, 1 to 600,000. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement that is to end may take to end, in milliseconds, 1 to 600,000; then its connection is dropped. Default 2,000. */
  readonly cancelTimeoutMs?: number;
  /** From which time on a statement is logged as slow, in milliseconds, 0 to 86,400,000; 0: none is. Default 1,000. */
  readonly slowStatementMs?: number;
  /** What the server shows of this program, to those who look. MySQL does not show it. Default `tenon`. */
  readonly applicationName?: string;
  /**
   * What is put back before the next borrower. `transaction`: only a transaction that was left open. `session` (default): the whole session as
   * well, as soon as a statement ran that may have changed it (settings, roles, temporary tables, locks, prepared statements). `always`:
   * the whole session each time, for functions of one's own that change it. Putting a
   * session back costs one round trip to PostgreSQL, and three to MySQL.
   */
  readonly reset?: 'transaction' | 'session' | 'always';
  /**
   * What whole numbers of 64 bits become: a `number`, and an error when it would not be exact (default); a `string`; or a `bigint`.
   */
  readonly bigints?: 'number' | 'string' | 'bigint';
}

/** What `postgres` and `mysql` take. */
export interface SqlOptions extends SqlSettings {
  /** The credential to log in with, `basic` or `database`: its id, or its id and its scope in the vault. Default: no credential. */
  readonly credentials?: { readonly login: string | { readonly id: string; readonly scope?: string } };
  /** Settings of its pools. Default: 0 to 10 connections. */
  readonly pool?: PoolSettings;
  /** How it is watched. */
  readonly health?: HealthOptions;
  /** Down to which level of the scope connections are kept apart. Default `tenant`. */
  readonly isolation?: ScopeLevel | 'none';
  /** Of the definition. Default `1.0.0`. */
  readonly version?: string;
  /** For time limits of statements. Default: that of the registry. */
  readonly clock?: Clock;
  /** Finds the addresses of a host that a credential names. Default: the operating system's. */
  readonly resolver?: Resolver;
}

/** The settings with everything that has a default. */
export type FullSqlSettings = Static<SqlSettingsSchema> &
  Required<
    Pick<
      SqlSettings,
      | 'statementTimeoutMs'
      | 'connectTimeoutMs'
      | 'cancelTimeoutMs'
      | 'slowStatementMs'
      | 'applicationName'
      | 'reset'
      | 'bigints'
    >
  >;

const DAY_MS = 86_400_000;
const name = (): TOptional<TString> => Type.Optional(Type.String({ minLength: 1, maxLength: 255 }));
const milliseconds = (minimum: number, maximum: number, normally: number): TOptional<TInteger> =>
  Type.Optional(Type.Integer({ minimum, maximum, default: normally }));

/** The settings of a database, as a schema. @param protocols - of its URLs, with their colon */
export function sqlSettingsSchema(protocols: readonly string[]): SqlSettingsSchema {
  return Type.Object(
    {
      url: Type.Optional(urlOf(protocols)),
      host: name(),
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
      database: name(),
      user: name(),
      allowPrivate: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 })),
      tls: Type.Optional(
        Type.Object(
          {
            mode: Type.Optional(
              Type.Union([Type.Literal('disable'), Type.Literal('require'), Type.Literal('verify-full')]),
            ),
            ca: Type.Optional(Type.String({ pattern: '-----BEGIN CERTIFICATE-----' })),
          },
          { additionalProperties: false },
        ),
      ),
      statementTimeoutMs: milliseconds(0, DAY_MS, 30_000),
      connectTimeoutMs: milliseconds(1, 600_000, 10_000),
      cancelTimeoutMs: milliseconds(1, 600_000, 2_000),
      slowStatementMs: milliseconds(0, DAY_MS, 1_000),
      applicationName: Type.Optional(Type.String({ pattern: '^[ -~]{1,63}$', default: 'tenon' })),
      reset: Type.Optional(
        Type.Union([Type.Literal('transaction'), Type.Literal('session'), Type.Literal('always')], {
          default: 'session',
        }),
      ),
      bigints: Type.Optional(
        Type.Union([Type.Literal('number'), Type.Literal('string'), Type.Literal('bigint')], { default: 'number' }),
      ),
    },
    { additionalProperties: false },
  );
}

function urlOf(protocols: readonly string[]): TString {
  const isOfProtocol = (text: string): boolean => URL.canParse(text) && protocols.includes(new URL(text).protocol);
  return Type.Refine(
    Type.Refine(
      Type.String({ minLength: 1, maxLength: 4_096 }),
      isOfProtocol,
      () => `must be a URL that begins with ${protocols.map((one) => `${one}//`).join(' or ')}`,
    ),
    (text) => !URL.canParse(text) || passwordIn(text) === undefined || isLoopback(new URL(text).hostname),
    () => 'must not hold a password: store it as a credential, and name that in the slot "login"',
  );
}
