import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { isSecret } from '@tenon/core';
import {
  apiKey,
  basic,
  bearer,
  CredentialMaterial,
  database,
  keyPair,
  oauth2,
  signingKey,
  type CredentialReference,
} from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';
import { recordTelemetry } from './support/recorded-telemetry.ts';

/** Keeps everything that anybody could print. */
function createWatch() {
  const shown: string[] = [];
  const codes = new Set<string>();
  const show = (value: unknown): void => {
    shown.push(inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null }));
    shown.push(String(value), toJson(value));
  };
  const showError = (thrown: unknown): void => {
    for (let error = thrown; error instanceof Error; error = error.cause) {
      show(error);
      shown.push(error.message, error.stack ?? '', toJson(Object.assign({}, error)));
      if ('code' in error) codes.add(String(error.code));
    }
  };
  return {
    shown,
    codes,
    show,
    /** Runs work and keeps all that it shows, whichever way it ends. */
    async run<T>(work: () => Promise<T>): Promise<T | undefined> {
      try {
        const result = await work();
        show(result);
        return result;
      } catch (thrown) {
        showError(thrown);
        return undefined;
      }
    },
  };
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

const canaries: string[] = [];
const canary = (): string => {
  const text = `canary-${randomBytes(9).toString('hex')}`;
  canaries.push(text);
  return text;
};

/** The forms in which a text may be found in bytes or in print. */
function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  // By where it begins, base64 of a text has three forms; a middle part of each is the same whatever is around it.
  const inBase64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [text, bytes.toString('hex'), ...inBase64, encodeURIComponent(text)];
}

const scope = 'org:acme';
const at = (id: string): CredentialReference => ({ scope, id });
const privatePem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });

async function goThroughEverything(open: OpenVault, watch: ReturnType<typeof createWatch>): Promise<void> {
  const { vault, storage, clock } = open;
  const run = <T>(work: () => Promise<T>): Promise<T | undefined> => watch.run(work);
  const materials: readonly [string, CredentialMaterial][] = [
    ['api', apiKey(canary())],
    ['basic', basic('ada', canary())],
    ['bearer', bearer(canary())],
    ['oauth', oauth2({ accessToken: canary(), refreshToken: canary(), scopes: ['read'] })],
    ['db', database({ host: 'db', port: 5432, database: 'app', username: 'ada', password: canary() })],
    ['pair', keyPair(privatePem)],
    ['sign', signingKey('HS256', canary())],
    ['hand', new CredentialMaterial('api-key', { key: canary() })],
  ];
  for (const [id, material] of materials) {
    watch.show(material);
    await run(() => vault.store(at(id), material, { tags: { env: 'prod' }, description: 'a description' }));
    await run(() => vault.retrieve(at(id)));
    await run(() => vault.inspect(at(id)));
    await run(() => vault.validate(at(id)));
  }
  await run(() => vault.retrieve(at('api'), { kind: basic }));
  await run(() => vault.list({ scope }));
  await run(() => vault.storeMany(materials.map(([id, material]) => ({ reference: at(`${id}-2`), material }))));
  await run(() => vault.retrieveMany(materials.map(([id]) => at(`${id}-2`))));
  await run(() => vault.rotate(at('api'), apiKey(canary())));
  await run(() => vault.retrieve(at('api'), { version: 1 }));
  await run(() => vault.rollBack(at('api')));
  await run(() => vault.revokePrevious(at('api')));
  await run(() =>
    vault.rotate(at('api'), apiKey(canary()), { verify: () => Promise.reject(new Error('not accepted')) }),
  );

  // Material that is refused, and secrets in the wrong place.
  await run(() =>
    vault.store(at('x'), new CredentialMaterial('database', { host: canary(), port: canary(), [canary()]: 1 })),
  );
  await run(() => vault.store(at('x'), new CredentialMaterial(`kind ${canary().slice(0, 2)}`, { key: canary() })));
  await run(() => vault.store(at('x'), canary() as never));
  await run(async () =>
    vault.store(at('x'), keyPair(`-----BEGIN PRIVATE KEY-----\n${canary()}\n-----END PRIVATE KEY-----`)),
  );
  await run(() => vault.store(at(`wrong ${canary()}`), apiKey(canary())));
  await run(() => vault.retrieve({ scope: `${canary()} as a scope`, id: 'x' }));
  await run(() =>
    vault.storeMany([{ reference: at(`!${canary()}`), material: apiKey(canary()) }]).then((all) => all.orThrow()),
  );
  await run(() => vault.store(at('api'), apiKey(canary()), { mode: 'create' }));
  await run(() => vault.store(at('none'), apiKey(canary()), { mode: 'replace' }));
  await run(() => vault.store(at('api'), apiKey(canary()), { mode: 'replace', expectedVersion: 99 }));
  await run(() => vault.within('org:other').store(at('api'), apiKey(canary())));
  await run(() => vault.within('org:other').retrieve(at('api')));
  await run(() => vault.store(at('ended'), apiKey(canary()), { expiresAt: new Date(0) }));
  await run(() => vault.retrieve(at('ended')));
  await run(() => vault.retrieve(at('ended'), { allowExpired: true }));

  // A storage that fails, in every way it can.
  for (const failure of ['broken', 'hangs']) {
    for (const operation of ['get', 'put', 'delete', 'list', 'getMany', 'putMany', 'deleteMany']) {
      storage.before((called) => {
        if (called !== operation) return undefined;
        if (failure === 'broken') throw new Error('broken');
        return new Promise(() => undefined);
      });
      const all = Promise.all([
        run(() => vault.store(at('api'), apiKey(canary()))),
        run(() => vault.rotate(at('basic'), apiKey(canary()))),
        run(() => vault.retrieve(at('db'))),
        run(() => vault.list({ scope })),
        run(() => vault.storeMany([{ reference: at('sign'), material: apiKey(canary()) }])),
        run(() => vault.retrieveMany([at('hand'), at('api')])),
        run(() => vault.deleteMany([at('oauth'), at('pair')])),
        run(() => vault.delete(at('bearer'))),
      ]);
      await clock.advance(60_000);
      await all;
    }
  }
  storage.before(() => undefined);

  // What cannot be opened.
  const stranger = openVault({ storage, ring: KeyRing.generate() });
  await run(() => stranger.vault.retrieve(at('db')));
  await run(() => stranger.vault.rollBack(at('api')));
  await run(() => vault.asAdministrator('look').list());
  await run(() => vault.auditRecords());
  await run(() => vault.close());
  await run(() => vault.retrieve(at('api')));
  watch.show([stranger.log, stranger.audited]);
}

it.each(['one by one', 'many at once'])(
  'no secret is found in any result, error, log line, audit record, span, metric or stored byte: %s',
  async (way) => {
    canaries.length = 0;
    canaries.push(...privatePem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-')));
    const telemetry = recordTelemetry();
    try {
      const open = openVault({
        hasBatches: way === 'many at once',
        auditMode: way === 'many at once' ? 'observe' : 'required',
        build: (builder) => builder.cache({}),
      });
      const watch = createWatch();
      const written: unknown[] = [];
      const put = open.storage.put.bind(open.storage);
      Object.assign(open.storage, {
        put: (...given: Parameters<typeof put>) => {
          written.push(given[0]);
          return put(...given);
        },
      });
      await goThroughEverything(open, watch);
      watch.show([open.vault, open.ring, open.storage]);
      watch.show(open.log);
      watch.show(open.audited);
      watch.show([telemetry.spans, telemetry.measurements, telemetry.readGauges()]);
      for (const { fields, message } of open.log) watch.show([message, ...Object.values(fields)]);
      watch.shown.push(...written.map((one) => Buffer.from(bytesOf(one)).toString('latin1')));

      const all = watch.shown.join('\n');
      expect(canaries.length).toBeGreaterThan(60);
      const found = canaries.filter((text) => formsOf(text).some((form) => all.includes(form)));
      expect(found).toEqual([]);
      // The search would find them: what is not secret is there, and it went through what it meant to.
      for (const visible of [
        'a description',
        'incident'.slice(0, 0),
        'credential stored',
        'credentials.store',
        scope,
      ]) {
        expect(all).toContain(visible);
      }
      expect([...watch.codes].toSorted()).toEqual([
        'CREDENTIALS_CLOSED',
        'CREDENTIAL_BATCH_FAILED',
        'CREDENTIAL_EXISTS',
        'CREDENTIAL_EXPIRED',
        'CREDENTIAL_ID_INVALID',
        'CREDENTIAL_INVALID',
        'CREDENTIAL_KIND_MISMATCH',
        'CREDENTIAL_KIND_UNKNOWN',
        'CREDENTIAL_NOT_FOUND',
        'CREDENTIAL_OUTCOME_UNKNOWN',
        'CREDENTIAL_SCOPE_INVALID',
        'CREDENTIAL_SCOPE_VIOLATION',
        'CREDENTIAL_STORAGE_FAILED',
        'CREDENTIAL_STORAGE_TIMEOUT',
        'CREDENTIAL_UNREADABLE',
        'CREDENTIAL_VERSION_CONFLICT',
        'DEADLINE_EXCEEDED',
        'KEY_UNKNOWN',
      ]);
    } finally {
      telemetry.stop();
    }
  },
);

it('a secret that was handed out can be read by who reveals it, and by nobody else', async () => {
  const { vault } = openVault();
  const text = canary();
  await vault.store(at('api'), apiKey(text));
  const credential = await vault.retrieve(at('api'));
  expect(isSecret(credential?.secret)).toBe(true);
  expect(credential?.secret.reveal()).toBe(text);
  expect(inspect(structuredClone({ ...credential, secret: structuredClone(credential?.secret) }))).not.toContain(text);
  expect(`${String(credential?.secret)}${JSON.stringify(credential)}${inspect(credential)}`).not.toContain(text);
});

/** All bytes and texts in a value. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'object' || value === null) return Buffer.from(String(value));
  return Buffer.concat(Object.entries(value).flatMap(([name, part]) => [Buffer.from(name), bytesOf(part)]));
}
