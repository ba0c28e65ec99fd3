import { readFileSync } from 'node:fs';
import { describeSettings, loadSettings, renderEnvExample, renderSettingsTable, type Environment } from '@tenon/server';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../process/support/thrown-by.ts';

/** Values that are refused when the settings are read, for each setting that can be seen to be wrong by itself. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  TENON_PORT: ['-1', '65536', 'http', '30.5', '0x10', '1e3', '3000 '.repeat(2)],
  TENON_PUBLIC_URL: ['example.com', 'ftp://example.com', 'http://', 'https://exa mple.com', 'https://example.com:port'],
  TENON_DATABASE_URL: [
    'mysql://user:hunter2@host/name',
    'user:hunter2@host',
    'postgres://user:hunter2@host:99999/name',
    'postgres://user:hunter2@host/name?sslmode=prefer',
  ],
  TENON_DATABASE_POOL: ['0', '1001', 'many'],
  TENON_DATABASE_ACQUIRE_TIMEOUT_MS: ['0', '600001', '5s'],
  TENON_DATABASE_STATEMENT_TIMEOUT_MS: ['-1', '3600001', 'none'],
  TENON_DATABASE_CONNECT_DEADLINE_MS: ['-1', '3600001', 'soon'],
  TENON_DATABASE_PREPARED_STATEMENTS: ['maybe', '2', 'truee'],
  TENON_REDIS_URL: ['http://localhost:6379', 'localhost:6379', 'redis://:hunter2@host:port/0'],
  TENON_ROLES: ['api,cook', 'API', ','],
  TENON_OWNER_EMAIL: ['owner', 'a@b@c', 'a b@c', `${'a'.repeat(253)}@b`],
  TENON_SAMPLE_DATA: ['some', '-1'],
  TENON_CREDENTIAL_AUDIT: ['off', 'true'],
  TENON_REGISTRATION: ['opened', 'true'],
  TENON_BCRYPT_COST: ['9', '16', 'high'],
  TENON_SIGN_IN_CONCURRENCY: ['0', '65'],
  TENON_ACCESS_TOKEN_MINUTES: ['0', '1441', '15m'],
  TENON_SESSION_IDLE_DAYS: ['0', '366'],
  TENON_SESSION_MAX_DAYS: ['0', '731'],
  TENON_REFRESH_REUSE_GRACE_MS: ['-1', '10001'],
  TENON_CORS_ORIGINS: [
    '*',
    'https://*.example.com',
    'app.example.com',
    'https://a.example/path',
    'https://A.example:443',
  ],
  TENON_TRUSTED_PROXIES: ['localhost', '999.1.1.1', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', '10.0.0.1,everyone'],
  TENON_BODY_LIMIT_BYTES: ['1023', '104857601', '1MB'],
  TENON_REQUEST_TIMEOUT_MS: ['999', '600001'],
  TENON_SHUTDOWN_TIMEOUT_MS: ['-1', '600001'],
  TENON_TRACES_URL: ['localhost:4318', 'ftp://localhost/v1/traces'],
  TENON_TRACES_PERCENT: ['-1', '101', 'all'],
  TENON_LOG_LEVEL: ['loud', 'INFO'],
};

/** Any text is a value of these; what is wrong with it shows when it is used, see refused-at-start.test.ts. */
const checkedWhenUsed = [
  'TENON_HOST',
  'TENON_DATA_DIR',
  'TENON_DATABASE_CA_FILE',
  'TENON_KEYS',
  'TENON_OWNER_PASSWORD',
  'TENON_RESOURCES_FILE',
  'TENON_METRICS_TOKEN',
];

const names = describeSettings().map(({ name }) => name);

function refusal(environment: Environment): string {
  const error = thrownBy(() => loadSettings(environment));
  expect(error).toMatchObject({ code: 'SETTINGS_INVALID', details: { problems: expect.any(Array) } });
  return error.message;
}

describe('a setting that is wrong', () => {
  it('is in the table of this test, for every setting there is', () => {
    expect([...Object.keys(wrong), ...checkedWhenUsed].toSorted()).toEqual(names.toSorted());
  });

  it.each(Object.entries(wrong))(
    '%s is refused by name, with what is wrong and what to do, and without its value',
    (name, values) => {
      const { expectation, description } = describeSettings().find((setting) => setting.name === name) ?? {};
      for (const value of values) {
        const message = refusal({ [name]: value });
        expect(message).toBe(`the settings are wrong:\n  ${name}: ${expectation} ${description}`);
        expect(message).toMatch(/must|wrong form/);
      }
      expect(refusal({ [name]: values[0] })).not.toContain('hunter2');
    },
  );

  it('is reported together with all others', () => {
    const environment = Object.fromEntries(Object.entries(wrong).map(([name, [value]]) => [name, value]));
    const message = refusal(environment);
    for (const name of Object.keys(wrong)) expect(message).toContain(`\n  ${name}: `);
    expect(message.split('\n')).toHaveLength(Object.keys(wrong).length + 1);
  });

  it('never has its value in the message, whatever the value', () => {
    const refusable = Object.keys(wrong);
    fc.assert(
      fc.property(fc.constantFrom(...refusable), fc.uuid(), (name, planted) => {
        const error = thrownBy(() => loadSettings({ [name]: `\u0000${planted}` }));
        expect(JSON.stringify([error.message, error])).not.toContain(planted);
      }),
    );
  });

  it('is refused when it contradicts another one', () => {
    expect(refusal({ TENON_SESSION_IDLE_DAYS: '31' })).toContain(
      'TENON_SESSION_IDLE_DAYS: must not be longer than TENON_SESSION_MAX_DAYS',
    );
    expect(refusal({ TENON_DATABASE_CA_FILE: 'ca.pem' })).toContain(
      'TENON_DATABASE_CA_FILE: means nothing without TENON_DATABASE_URL',
    );
  });
});

describe('settings', () => {
  it('have a default each or may be left out, and an empty variable is one that is left out', () => {
    const { settings, warnings } = loadSettings({});
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({ port: 3000, host: '127.0.0.1', dataDir: '.tenon', roles: ['api', 'worker'] });
    expect(loadSettings(Object.fromEntries(names.map((name) => [name, ' '])))).toEqual({ settings, warnings });
  });

  it('take the ends of their ranges, and every way to write yes and no', () => {
    expect(loadSettings({ TENON_PORT: '0' }).settings.port).toBe(0);
    expect(loadSettings({ TENON_PORT: ' 65535 ' }).settings.port).toBe(65_535);
    for (const [text, value] of [
      ['yes', true],
      ['ON', true],
      ['1', true],
      ['no', false],
      ['Off', false],
      ['0', false],
    ] as const) {
      expect(loadSettings({ TENON_SAMPLE_DATA: text }).settings.sampleData).toBe(value);
    }
    expect(loadSettings({ TENON_ROLES: 'worker , api' }).settings.roles).toEqual(['worker', 'api']);
    expect(loadSettings({ TENON_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).settings.trustedProxies).toEqual([
      '10.0.0.0/8',
      '::1',
    ]);
  });

  it('that are secret stay secret when they are printed', () => {
    const secrets = [
      'TENON_DATABASE_URL',
      'TENON_REDIS_URL',
      'TENON_KEYS',
      'TENON_OWNER_PASSWORD',
      'TENON_METRICS_TOKEN',
    ];
    const { settings } = loadSettings({
      ...Object.fromEntries(secrets.map((name) => [name, 'hunter2'])),
      TENON_DATABASE_URL: 'postgres://user:hunter2@host/name',
      TENON_REDIS_URL: 'redis://:hunter2@host',
    });
    expect(JSON.stringify(settings)).not.toContain('hunter2');
    expect(settings.databaseUrl?.reveal()).toContain('hunter2');
  });

  it('with a name that nothing reads are warned of, with the name that was meant when one is near', () => {
    const { warnings } = loadSettings({
      TENON_PROT: '1',
      TENON_HOSTS: '1',
      TENON_OWNER_EMIAL: '1',
      TENON_DATABASEURL: '1',
      TENON_COLOUR: 'blue',
      TENON_TEST_POSTGRES_URL: 'postgres://localhost',
      TENON_REQUIRE_SERVICES: 'postgres',
      PATH: '/bin',
    });
    expect(Object.fromEntries(warnings.map(({ name, problem }) => [name, problem]))).toEqual({
      TENON_PROT: 'no setting has this name; did you mean TENON_PORT?',
      TENON_HOSTS: 'no setting has this name; did you mean TENON_HOST?',
      TENON_OWNER_EMIAL: 'no setting has this name; did you mean TENON_OWNER_EMAIL?',
      TENON_DATABASEURL: 'no setting has this name; did you mean TENON_DATABASE_URL?',
      TENON_COLOUR: 'no setting has this name',
    });
  });
});

describe('what is written about the settings', () => {
  const file = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

  it('in .env.example is made from the schema: write it with "npx tenon settings --env > .env.example"', () => {
    expect(file('.env.example')).toBe(renderEnvExample());
  });

  it('in docs/reference/settings.md is the table of the schema, however its columns are aligned', () => {
    const plain = (table: string): string => table.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---').trim();
    const [, table = ''] =
      /<!-- settings -->([\s\S]*)<!-- \/settings -->/.exec(file('docs/reference/settings.md')) ?? [];
    expect(plain(table)).toBe(plain(renderSettingsTable()));
  });

  it('covers every setting, and each default is one that is accepted', () => {
    const written = [...renderEnvExample().matchAll(/^# (TENON_\w+)=(.*)$/gm)];
    expect(written.map(([, name]) => name)).toEqual(names);
    const environment = Object.fromEntries(written.map(([, name, value]) => [name, value]));
    expect(loadSettings(environment).settings).toEqual(loadSettings({}).settings);
    for (const name of names) expect(renderSettingsTable()).toContain(`| \`${name}\` |`);
  });
});
