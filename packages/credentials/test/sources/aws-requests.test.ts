import { codeOf, createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { apiKey, basic, type CredentialKey, type CredentialMaterial } from '@tenon/credentials';
import {
  awsSecretsManagerSource,
  type AwsCredentials,
  type AwsSecretsManagerSourceOptions,
} from '@tenon/credentials/drivers/aws-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json } from './support/fake-server.ts';
import {
  arnOf,
  openFakeSecretsManager,
  type FakeAwsUser,
  type FakeSecretsManager,
} from './support/fake-secrets-manager.ts';
import { materialIn } from './support/material-in.ts';
import { printOut } from './support/print-out.ts';

const key: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };
const name = 'tenon/credentials/acme/org=acme/team=eng/github';
const idle = new AbortController().signal;

let clock: TestClock;
let server: FakeSecretsManager;
let user: FakeAwsUser;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = createTestClock();
  server = await openFakeSecretsManager(clock);
  user = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'canary-secret-access-key' };
  server.users.push(user);
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await server.stop();
});

const open = (options: Partial<AwsSecretsManagerSourceOptions> = {}) => {
  const source = awsSecretsManagerSource({
    region: server.region,
    endpoint: server.url,
    allowHttp: true,
    credentials: user,
    kind: apiKey,
    clock,
    ...options,
  });
  opened.push(source);
  return (wanted = key) => source.get(wanted, { signal: idle });
};
const asked = (): unknown => JSON.parse(server.requests.at(-1)?.body ?? '');

describe('what AWS is asked', () => {
  it('is the value of one secret, by its name', async () => {
    server.put(name, { SecretString: '{"key":"first"}' });
    expect(await open()()).toBeDefined();
    expect(asked()).toEqual({ SecretId: name });
  });

  it('follows the prefix', async () => {
    await open({ prefix: 'prod/tenon' })();
    expect(asked()).toEqual({ SecretId: 'prod/tenon/acme/org=acme/team=eng/github' });
    await open({ prefix: '' })();
    expect(asked()).toEqual({ SecretId: 'acme/org=acme/team=eng/github' });
  });

  it('can be what a function says: a name or an ARN', async () => {
    server.put('github-of-acme', { SecretString: '{"key":"first"}' });
    const arn = arnOf(server.region, 'github-of-acme');
    expect(await open({ secretName: ({ id, tenant }) => `${id}-of-${tenant}` })()).toBeDefined();
    expect(await open({ secretName: () => arn })()).toBeDefined();
    expect(asked()).toEqual({ SecretId: arn });
  });

  it.each(['', 'a b', 'a:b', 'a\n', 'x'.repeat(513), 'arn:aws:secretsmanager:\n'])(
    'is never what cannot be a name: %j',
    async (wrong) => {
      const failure = await failureOf(open({ secretName: () => wrong })());
      expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option: 'secretName' } });
      expect(server.requests).toEqual([]);
    },
  );

  it('is nothing when the name would be longer than AWS permits: there can be none', async () => {
    const id = 'x'.repeat(255);
    const scope = `org:${'x'.repeat(230)}`;
    expect(await open()({ tenant: 'acme', scope, id })).toBeUndefined();
    expect(server.requests).toEqual([]);
    expect(await open()({ tenant: 'acme', scope: scope.slice(0, -1), id })).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });
});

describe('a secret', () => {
  const read = async (options: Partial<AwsSecretsManagerSourceOptions> = {}) => materialIn(await open(options)());

  it('of JSON fields is material by its fields', async () => {
    server.put(name, { SecretString: '{"key":"first"}' });
    expect(await read()).toEqual({ kind: 'api-key', secret: 'first', value: {} });
  });

  it('can say its kind itself', async () => {
    server.put(name, { SecretString: '{"kind":"basic","username":"mail","password":"pass"}' });
    expect(await read()).toEqual({ kind: 'basic', secret: 'pass', value: { username: 'mail' } });
  });

  it('that does not is an error without the option', async () => {
    server.put(name, { SecretString: '{"canary":"canary"}' });
    const source = awsSecretsManagerSource({
      region: server.region,
      endpoint: server.url,
      allowHttp: true,
      credentials: user,
      clock,
    });
    opened.push(source);
    const failure = await failureOf(source.get(key, { signal: idle }));
    expect(failure.code).toBe('CREDENTIAL_INVALID');
    expect(printOut(failure)).not.toContain('canary');
  });

  it.each(['plain text', '"quoted"', '[1]', '12', 'null', '{broken'])(
    'of text is the one field of its kind: %s',
    async (text) => {
      server.put(name, { SecretString: text });
      expect(await read()).toEqual({ kind: 'api-key', secret: text, value: {} });
    },
  );

  it('of text is an error for a kind with several', async () => {
    server.put(name, { SecretString: 'canary' });
    const failure = await failureOf(read({ kind: basic }));
    expect(failure.code).toBe('CREDENTIAL_INVALID');
    expect(printOut(failure)).not.toContain('canary');
  });

  it('can be kept as bytes', async () => {
    server.put(name, { SecretBinary: Buffer.from('{"key":"first"}').toString('base64') });
    expect(await read()).toEqual({ kind: 'api-key', secret: 'first', value: {} });
    server.put(name, { SecretBinary: Buffer.from('text').toString('base64') });
    expect(await read()).toEqual({ kind: 'api-key', secret: 'text', value: {} });
  });

  it('can be bytes that are no text, for a function that knows what they are', async () => {
    server.put(name, { SecretBinary: Buffer.from([0xff, 0x00, 0x80]).toString('base64') });
    expect(await codeOf(read())).toBe('CREDENTIAL_INVALID');
    const material = await read({
      material: ({ binary }) => apiKey(Buffer.from(binary['SecretBinary'] ?? []).toString('hex')),
    });
    expect(material).toEqual({ kind: 'api-key', secret: 'ff0080', value: {} });
  });

  it('is made material by a function, which is given the key too', async () => {
    server.put(name, { SecretString: '{"engine":"postgres","username":"app","password":"pass"}' });
    const material = await read({
      material: ({ field }, { id }) => basic(`${id}/${field('username')}`, field('password')),
    });
    expect(material).toEqual({ kind: 'basic', secret: 'pass', value: { username: 'github/app' } });
  });

  it('is not repeated when that function fails or returns nothing', async () => {
    server.put(name, { SecretString: '{"password":"canary"}' });
    const failing = await failureOf(
      read({
        material: ({ fields }) => {
          throw new Error(`not this: ${JSON.stringify(fields)}`);
        },
      }),
    );
    const wanting = await failureOf(read({ material: ({ field }) => apiKey(field('toString')) }));
    expect(wanting.message).toContain('"toString"');
    const lazy = await failureOf(read({ material: () => ({ kind: 'api-key' }) as CredentialMaterial }));
    for (const failure of [failing, wanting, lazy]) {
      expect(failure).toMatchObject({ code: 'CREDENTIAL_INVALID', details: { source: 'aws-secrets-manager' } });
      expect(printOut(failure)).not.toContain('canary');
    }
  });

  it('keeps fields that look like parts of JavaScript to itself', async () => {
    server.put(name, { SecretString: '{"kind":"api-key","key":"first","__proto__":{"polluted":true}}' });
    const failure = await failureOf(read());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_INVALID', details: { kind: 'api-key' } });
    expect({}).not.toHaveProperty('polluted');
  });

  it('comes with its version and its time', async () => {
    server.put(name, { SecretString: '{"key":"first"}' });
    const found = await open({ ttlMs: 1_000 })();
    expect(found).toMatchObject({ createdAt: new Date(clock.now()), ttlMs: 1_000 });
    expect(found?.version).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('that is another than was asked for is not taken', async () => {
    server.fault(json(200, { Name: 'another', ARN: 'arn:another', SecretString: '{"key":"canary"}' }));
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_CORRUPT');
  });

  it.each([{}, { SecretString: 7 }, { SecretBinary: 'not base64!' }])('that is none is corrupt: %j', async (value) => {
    server.fault(json(200, { Name: name, ...value }));
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_CORRUPT');
  });

  it('that is marked for deletion is gone, although it could be restored', async () => {
    server.put(name, { SecretString: '{"key":"first"}' });
    server.schedule(name);
    expect(await open()()).toBeUndefined();
  });

  it('is not gone because some other error says so', async () => {
    server.fault(json(400, { __type: 'AccessDeniedException', Message: 'it was marked for deletion' }));
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_DENIED');
  });

  it('whose state AWS does not like for another reason is not gone', async () => {
    server.fault(
      json(400, { __type: 'InvalidRequestException', Message: 'The secret is managed by another service.' }),
    );
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_FAILED');
  });
});

describe('the errors of AWS', () => {
  const denied = 'CREDENTIAL_STORAGE_DENIED';
  const unavailable = 'CREDENTIAL_STORAGE_UNAVAILABLE';
  const failed = 'CREDENTIAL_STORAGE_FAILED';
  it.each([
    ['AccessDeniedException', 400, denied],
    ['IncompleteSignature', 400, denied],
    ['InvalidClientTokenId', 403, denied],
    ['InvalidSignatureException', 403, denied],
    ['MissingAuthenticationToken', 403, denied],
    ['NotAuthorized', 400, denied],
    ['OptInRequired', 403, denied],
    ['RequestExpired', 400, denied],
    ['UnrecognizedClientException', 403, denied],
    ['ExpiredTokenException', 403, denied],
    ['ThrottlingException', 400, unavailable],
    ['Throttling', 400, unavailable],
    ['TooManyRequestsException', 400, unavailable],
    ['LimitExceededException', 400, unavailable],
    ['InternalServiceError', 500, unavailable],
    ['InternalServiceErrorException', 500, unavailable],
    ['InternalFailure', 500, unavailable],
    ['ServiceUnavailable', 503, unavailable],
    ['RequestTimeoutException', 408, unavailable],
    ['DecryptionFailure', 400, 'CREDENTIAL_UNREADABLE'],
    ['DecryptionFailureException', 400, 'CREDENTIAL_UNREADABLE'],
    ['InvalidParameterException', 400, failed],
    ['ValidationError', 400, failed],
    ['UnknownOperationException', 404, failed],
    ['RequestEntityTooLarge', 413, failed],
    ['AccessDeniedExceptionOfMine', 400, failed],
    ['', 400, failed],
  ])('%s with the status %i is %s', async (type, status, code) => {
    server.fault(json(status, { __type: type, Message: 'canary' }, { date: new Date(clock.now()).toUTCString() }));
    const failure = await failureOf(open()());
    expect(failure).toMatchObject({ code, retryable: code === unavailable });
    expect(failure.details).toMatchObject({ status, reason: type, source: 'aws-secrets-manager' });
    expect(printOut(failure)).not.toContain('canary');
  });

  it.each([
    ['a namespace before the name', { __type: 'com.amazonaws.secretsmanager#ResourceNotFoundException' }, {}],
    ['an address behind it', { __type: 'ResourceNotFoundException:http://internal.amazon.com/coral/' }, {}],
    ['the name in a header', {}, { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal.amazon.com/' }],
  ])('are known with %s', async (_, body, headers) => {
    server.fault(json(400, body, headers));
    expect(await open()()).toBeUndefined();
  });

  it('are not repeated where the name is none', async () => {
    server.fault(json(400, { __type: 'canary in the name' }));
    expect(printOut(await failureOf(open()()))).not.toContain('canary');
  });

  it('tell how long to wait where they do', async () => {
    server.fault(json(400, { __type: 'ThrottlingException' }, { 'retry-after': '2' }));
    expect(await failureOf(open()())).toMatchObject({ code: unavailable, retryAfterMs: 2_000 });
  });
});

describe('the clock of this machine', () => {
  it.each([3_600_000, -3_600_000])('may be wrong by %i ms: AWS tells the time, and it is kept', async (aheadMs) => {
    server.aheadMs = aheadMs;
    server.put(name, { SecretString: '{"key":"first"}' });
    const get = open();
    expect(await get()).toBeDefined();
    expect(server.requests).toHaveLength(2);
    expect(await get()).toBeDefined();
    expect(server.requests).toHaveLength(3);
  });

  it('may be set right later', async () => {
    server.aheadMs = 3_600_000;
    server.put(name, { SecretString: '{"key":"first"}' });
    const get = open();
    await get();
    server.aheadMs = 0;
    expect(await get()).toBeDefined();
    expect(server.requests).toHaveLength(4);
  });

  it('is not what is wrong when the key is', async () => {
    user = { ...user, secretAccessKey: 'another' };
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(server.requests).toHaveLength(1);
  });

  it('is corrected once for a request, whatever AWS says', async () => {
    for (const hour of [1, 2, 3]) {
      const date = new Date(clock.now() + hour * 3_600_000).toUTCString();
      server.fault(json(403, { __type: 'RequestTimeTooSkewed' }, { date }));
    }
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(server.requests).toHaveLength(2);
  });
});

describe('credentials from a function', () => {
  let given: AwsCredentials[];
  let calls: number;
  const credentials = async (): Promise<AwsCredentials> => {
    calls += 1;
    return given[Math.min(calls, given.length) - 1] as AwsCredentials;
  };
  const temporary = (at: number, more: Partial<AwsCredentials> = {}): AwsCredentials => {
    const one = { accessKeyId: `ASIA${at}`, secretAccessKey: `canary-key-${at}`, sessionToken: `canary-token-${at}` };
    server.users.push({ ...one });
    return { ...one, ...more };
  };

  beforeEach(() => {
    calls = 0;
    given = [];
    server.put(name, { SecretString: '{"key":"first"}' });
  });

  it('are asked for when the first secret is wanted, once', async () => {
    given = [temporary(1)];
    const get = open({ credentials });
    expect(calls).toBe(0);
    const found = await Promise.all(Array.from({ length: 10 }, () => get()));
    expect(found.every((one) => one !== undefined)).toBe(true);
    expect(calls).toBe(1);
  });

  it('are asked for again a minute before they end', async () => {
    given = [temporary(1, { expiration: new Date(clock.now() + 3_600_000) }), temporary(2)];
    const get = open({ credentials });
    await get();
    await clock.advance(3_539_999);
    await get();
    expect(calls).toBe(1);
    await clock.advance(1);
    expect(await get()).toBeDefined();
    expect(calls).toBe(2);
  });

  it.each(['ExpiredTokenException', 'UnrecognizedClientException', 'InvalidClientTokenId'])(
    'are asked for again when AWS says %s',
    async (type) => {
      given = [temporary(1), temporary(2)];
      const get = open({ credentials });
      await get();
      server.fault(json(403, { __type: type }));
      expect(await get()).toBeDefined();
      expect(calls).toBe(2);
    },
  );

  it('are asked for again when those in use have ended', async () => {
    given = [temporary(1), temporary(2)];
    const get = open({ credentials });
    await get();
    for (const one of server.users) one.isExpired = one.accessKeyId === 'ASIA1';
    expect(await get()).toBeDefined();
    expect(calls).toBe(2);
  });

  it('that are refused again are refused', async () => {
    given = [temporary(1)];
    for (const one of server.users) one.isExpired = true;
    const failure = await failureOf(open({ credentials })());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_DENIED', details: { reason: 'ExpiredTokenException' } });
    expect(calls).toBe(2);
  });

  it.each<[string, () => Promise<AwsCredentials>]>([
    ['throws', () => Promise.reject(new Error('canary'))],
    ['returns nothing', () => Promise.resolve({} as AwsCredentials)],
    ['returns broken ones', () => Promise.resolve({ accessKeyId: 'A', secretAccessKey: 'canary\n' })],
  ])('are a refusal when it %s', async (_, failing) => {
    const failure = await failureOf(open({ credentials: failing })());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_DENIED', details: { source: 'aws-secrets-manager' } });
    expect(printOut(failure)).not.toContain('canary');
  });

  it('are waited for no longer than the caller waits', async () => {
    const controller = new AbortController();
    const source = awsSecretsManagerSource({
      region: server.region,
      endpoint: server.url,
      allowHttp: true,
      credentials: () => new Promise(() => undefined),
    });
    opened.push(source);
    const reading = source.get(key, { signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(reading).rejects.toThrow('gone');
  });
});

describe('the options', () => {
  const good: AwsSecretsManagerSourceOptions = {
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'canary' },
  };
  it.each<[string, Partial<AwsSecretsManagerSourceOptions>]>([
    ['region', { region: '' }],
    ['region', { region: 'eu-central-1.evil.example/' }],
    ['endpoint', { endpoint: 'http://localhost:4566' }],
    ['endpoint', { endpoint: 'https://localhost:4566/path' }],
    ['endpoint', { endpoint: 'https://canary:canary@localhost' }],
    ['prefix', { prefix: 'a b' }],
    ['prefix', { prefix: 'x'.repeat(513) }],
    ['credentials.accessKeyId', { credentials: { accessKeyId: '', secretAccessKey: 'canary' } }],
    ['credentials.accessKeyId', { credentials: { accessKeyId: 'A/b', secretAccessKey: 'canary' } }],
    ['credentials.secretAccessKey', { credentials: { accessKeyId: 'A', secretAccessKey: 'canary\n' } }],
    ['credentials.sessionToken', { credentials: { accessKeyId: 'A', secretAccessKey: 'canary', sessionToken: '' } }],
    ['timeoutMs', { timeoutMs: 1.5 }],
    ['ttlMs', { ttlMs: Number.NaN }],
    ['name', { name: '' }],
  ])('are refused with the name of what is wrong: %s, %j', async (option, wrong) => {
    const failure = await failureOf(() => awsSecretsManagerSource({ ...good, ...wrong }));
    expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } });
    expect(printOut(failure)).not.toContain('canary');
  });

  it('show nothing of a key in the source', () => {
    expect(printOut(awsSecretsManagerSource(good))).not.toContain('canary');
    expect(awsSecretsManagerSource({ ...good, name: 'aws-prod' }).name).toBe('aws-prod');
  });
});
