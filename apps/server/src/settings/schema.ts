import { Type, type TSchema } from 'typebox';

/** How a setting's text becomes a value, kept beside the type because the environment has only text. */
type Kind = 'text' | 'secret' | 'integer' | 'boolean' | 'list';

/** A setting's schema, with what is needed beside the type. */
export interface SettingSchema extends TSchema {
  readonly kind: Kind;
  readonly description: string;
  readonly default?: string | number | boolean | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly { readonly const: string }[];
  readonly items?: { readonly anyOf?: readonly { readonly const: string }[] };
}

const setting = (
  kind: Kind,
  schema: TSchema,
  description: string,
  extra: Pick<SettingSchema, 'default'> = {},
): SettingSchema => ({
  ...schema,
  ...extra,
  kind,
  description,
});
const integer = (description: string, fallback: number, minimum: number, maximum: number): SettingSchema =>
  setting('integer', Type.Integer({ minimum, maximum }), description, { default: fallback });
const optional = (kind: Kind, description: string, pattern?: string): SettingSchema =>
  setting(kind, Type.String(pattern === undefined ? {} : { pattern }), description);

/**
 * Every setting of the server: an environment variable, its type, range, default and meaning. `.env.example`, the settings
 * reference and the checks at start all come from here.
 */
export const settingsSchema = {
  TENON_PORT: integer('TCP port to listen on; 0 picks a free one.', 3000, 0, 65_535),
  TENON_HOST: setting('text', Type.String({ minLength: 1 }), 'Address to listen on; 0.0.0.0 for all.', {
    default: '127.0.0.1',
  }),
  TENON_DATA_DIR: setting('text', Type.String({ minLength: 1 }), 'Folder for keys and the embedded database.', {
    default: '.tenon',
  }),
  TENON_PUBLIC_URL: optional(
    'text',
    'Address by which users reach the server, for tokens and links. Default: the address it listens on.',
    '^https?://[^/]+(/.*)?$',
  ),
  TENON_DATABASE_URL: optional(
    'secret',
    'PostgreSQL to use instead of the embedded one: postgres://user:password@host:5432/name?sslmode=verify-full.',
    '^postgres(ql)?://',
  ),
  TENON_DATABASE_POOL: integer('Most connections to PostgreSQL.', 10, 1, 1000),
  TENON_DATABASE_CA_FILE: optional(
    'text',
    'PEM file of the authorities that PostgreSQL certificates are checked against.',
  ),
  TENON_DATABASE_ACQUIRE_TIMEOUT_MS: integer(
    'How long a request waits for a database connection before 503.',
    5_000,
    1,
    600_000,
  ),
  TENON_DATABASE_STATEMENT_TIMEOUT_MS: integer(
    'How long one statement may run on PostgreSQL; 0 is no limit.',
    30_000,
    0,
    3_600_000,
  ),
  TENON_DATABASE_CONNECT_DEADLINE_MS: integer(
    'How long to go on trying to reach the database at start.',
    60_000,
    0,
    3_600_000,
  ),
  TENON_DATABASE_PREPARED_STATEMENTS: setting(
    'boolean',
    Type.Boolean(),
    'Prepare repeated statements; turn off behind a pooler that cannot.',
    { default: true },
  ),
  TENON_REDIS_URL: optional(
    'secret',
    'Redis for shared short-lived state: redis://user:password@host:6379/0. Default: the database.',
    '^rediss?://',
  ),
  TENON_KEYS: optional(
    'secret',
    'Encryption keys, newest first, as `tenon keys generate` prints them. Default: the file "keys" in the data folder, made at first start.',
  ),
  TENON_ROLES: setting(
    'list',
    Type.Array(Type.Union([Type.Literal('api'), Type.Literal('worker')]), { minItems: 1 }),
    'What this process does: api answers requests, worker cleans up what has expired.',
    { default: ['api', 'worker'] },
  ),
  TENON_OWNER_EMAIL: setting(
    'text',
    Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', maxLength: 254 }),
    'E-mail address of the first owner, used at first start only.',
    { default: 'owner@localhost' },
  ),
  TENON_OWNER_PASSWORD: optional(
    'secret',
    'Password of the first owner, used at first start only. Default: made up and shown once.',
  ),
  TENON_CREDENTIAL_AUDIT: setting(
    'text',
    Type.Union([Type.Literal('required'), Type.Literal('observe')]),
    'Whether what happens to credentials is recorded before it happens, or right after it.',
    { default: 'required' },
  ),
  TENON_RESOURCES_FILE: optional(
    'text',
    'JSON file that declares the resources of the tenants: databases, caches and services that they connect to.',
  ),
  TENON_SAMPLE_DATA: setting(
    'boolean',
    Type.Boolean(),
    'Fill the first tenant with sample people, products and orders at first start.',
    { default: true },
  ),
  TENON_REGISTRATION: setting(
    'text',
    Type.Union([Type.Literal('open'), Type.Literal('closed')]),
    'Whether anybody may register and get a tenant of their own.',
    { default: 'closed' },
  ),
  TENON_BCRYPT_COST: integer('Work factor of password hashes; each step doubles the time.', 12, 10, 15),
  TENON_SIGN_IN_CONCURRENCY: integer(
    'Passwords checked at the same time; more waits, much more is refused with 503.',
    2,
    1,
    64,
  ),
  TENON_ACCESS_TOKEN_MINUTES: integer('Life of an access token.', 15, 1, 1440),
  TENON_SESSION_IDLE_DAYS: integer('A session that is not refreshed for so long ends.', 7, 1, 365),
  TENON_SESSION_MAX_DAYS: integer('A session ends after so long, used or not.', 30, 1, 730),
  TENON_REFRESH_REUSE_GRACE_MS: integer(
    'How long a used refresh token may be used again, for lost replies and parallel tabs; 0 is strict.',
    10_000,
    0,
    10_000,
  ),
  TENON_CORS_ORIGINS: setting(
    'list',
    Type.Array(Type.String({ pattern: '^https?://[^/*]+$' })),
    'Web origins whose pages may call the API, for example https://app.example.com. A wildcard is refused.',
    { default: [] },
  ),
  TENON_TRUSTED_PROXIES: setting(
    'list',
    Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:/]+$' })),
    'Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed. Default: none.',
    { default: [] },
  ),
  TENON_BODY_LIMIT_BYTES: integer('Largest request body.', 1_048_576, 1_024, 104_857_600),
  TENON_REQUEST_TIMEOUT_MS: integer('How long a request may take to arrive.', 30_000, 1_000, 600_000),
  TENON_SHUTDOWN_TIMEOUT_MS: integer('How long running requests may finish after SIGTERM.', 10_000, 0, 600_000),
  TENON_METRICS_TOKEN: optional(
    'secret',
    'Bearer token for /metrics. Without it, only requests from this machine are answered.',
  ),
  TENON_TRACES_URL: optional(
    'text',
    'OTLP receiver for HTTP that spans are sent to, for example http://localhost:4318/v1/traces. Default: none are made.',
    '^https?://',
  ),
  TENON_TRACES_PERCENT: integer('How many of a hundred requests are traced.', 100, 0, 100),
  TENON_LOG_LEVEL: setting(
    'text',
    Type.Union(['debug', 'info', 'warn', 'error', 'silent'].map((level) => Type.Literal(level))),
    'Least important log lines to write.',
    { default: 'info' },
  ),
} satisfies Readonly<Record<string, TSchema>>;

/** The name of a setting. */
export type SettingName = keyof typeof settingsSchema;
