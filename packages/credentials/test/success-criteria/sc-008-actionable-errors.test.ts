import { CodedError, runInContext } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import {
  apiKey,
  basic,
  credentialErrorCodes,
  credentials,
  CredentialMaterial,
  oauth2,
  type CredentialErrorCode,
  type CredentialRefresher,
  type CredentialsBuilder,
  type CredentialStorage,
  type RefreshAnswer,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';
import { createListAudit, openVault, type OpenVault } from '../vault/support/open-vault.ts';
import { spyStorage } from '../vault/support/spied-storage.ts';

const MATERIAL = 'the-material-itself';
const reference = { scope: 'org:acme', id: 'github' };
const told = new Set<string>();

/** A failure as somebody reads it: code, message, and the facts beside them. */
async function tell(work: Promise<unknown> | (() => unknown)): Promise<string> {
  const { code, message, details, stack, cause } = await failureOf(work);
  expect(`${message}${JSON.stringify(details)}${stack}${String(cause)}`).not.toContain(MATERIAL);
  told.add(code);
  return `${code}: ${message} ${JSON.stringify(details)}`;
}

const material = apiKey(MATERIAL);
const hang = () => new Promise<never>(() => undefined);

function fails(code: CredentialErrorCode): OpenVault {
  const open = openVault({ name: 'postgres' });
  open.storage.before(() => {
    throw new CodedError(code, 'as the driver says it');
  });
  return open;
}

/** Waits for what takes all the time there is. */
async function afterAWhile({ clock }: OpenVault, work: Promise<string>): Promise<string> {
  await clock.advance(60_000);
  return work;
}

describe('a failure tells what failed, which credential, why and what to do, and never the material:', () => {
  it('what was asked for is not there, or is there already', async () => {
    const { vault } = openVault();
    expect(await tell(vault.store(reference, material, { mode: 'replace' }))).toMatchInlineSnapshot(
      `"CREDENTIAL_NOT_FOUND: there is no credential "github" in scope "org:acme": look at both names, or store it first {"id":"github","scope":"org:acme"}"`,
    );
    await vault.store(reference, material);
    expect(await tell(vault.store(reference, material, { mode: 'create' }))).toMatchInlineSnapshot(
      `"CREDENTIAL_EXISTS: there is a credential "github" in scope "org:acme" already: replace it, or take another id {"id":"github","scope":"org:acme"}"`,
    );
    expect(await tell(vault.store(reference, material, { mode: 'replace', expectedVersion: 7 }))).toMatchInlineSnapshot(
      `"CREDENTIAL_VERSION_CONFLICT: credential "github" in scope "org:acme" is at version 1, not 7: look at it again before you replace it {"id":"github","scope":"org:acme","expected":7,"actual":1}"`,
    );
    expect(await tell(vault.rollBack(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_VERSION_CONFLICT: credential "github" in scope "org:acme" has no earlier version to go back to {"id":"github","scope":"org:acme","versions":[]}"`,
    );
  });

  it('a name is none', async () => {
    const { vault } = openVault();
    expect(await tell(vault.retrieve({ ...reference, id: `${MATERIAL}!` }))).toMatchInlineSnapshot(
      `"CREDENTIAL_ID_INVALID: this cannot be the id of a credential: it may hold ASCII letters, digits, "_" and "-" alone {"reason":"it may hold ASCII letters, digits, \\"_\\" and \\"-\\" alone"}"`,
    );
    expect(await tell(vault.retrieve({ ...reference, scope: MATERIAL }))).toMatchInlineSnapshot(
      `"CREDENTIAL_SCOPE_INVALID: this cannot be a scope: segment 1 is not of the form level:name. A scope is written as "org:acme/team:eng" {"reason":"segment 1 is not of the form level:name"}"`,
    );
    expect(await tell(vault.retrieve({ id: 'github' }))).toMatchInlineSnapshot(
      `"CREDENTIAL_SCOPE_REQUIRED: retrieve needs a scope: name one, use a view of one with within(), or give the vault a defaultScope {"operation":"retrieve"}"`,
    );
    expect(await tell(vault.within('org:other').store(reference, material))).toMatchInlineSnapshot(
      `"CREDENTIAL_SCOPE_VIOLATION: scope "org:acme" lies outside of "org:other", from where this acts: use a view of a scope that covers it {"id":"github","scope":"org:acme","actingFrom":"org:other"}"`,
    );
  });

  it('the tenant is another one', async () => {
    const { vault } = openVault();
    expect(await tell(runInContext({ tenant: 'other' }, () => vault.retrieve(reference)))).toMatchInlineSnapshot(
      `"CREDENTIAL_TENANT_MISMATCH: the work runs for another tenant; this vault was built for one tenant: build it without tenant(), or use it for that one {}"`,
    );
  });

  it('the material does not fit', async () => {
    const { vault } = openVault();
    expect(
      await tell(vault.store(reference, new CredentialMaterial('basic', { username: '', password: 7 }))),
    ).toMatchInlineSnapshot(
      `"CREDENTIAL_INVALID: this is no material of the kind "basic": /username must not have fewer than 1 characters; /password must be string {"kind":"basic","problems":[{"path":"/username","code":"minLength","message":"must not have fewer than 1 characters"},{"path":"/password","code":"type","message":"must be string"}],"id":"github","scope":"org:acme"}"`,
    );
    expect(await tell(vault.store(reference, new CredentialMaterial('smtp', {})))).toMatchInlineSnapshot(
      `"CREDENTIAL_KIND_UNKNOWN: this vault knows no kind of credential called "smtp": give it to the builder with kind() {"kind":"smtp","id":"github","scope":"org:acme"}"`,
    );
    expect(await tell(vault.store(reference, MATERIAL as never))).toMatchInlineSnapshot(
      `"CREDENTIAL_INVALID: this is no material: make it with a kind, such as apiKey(key), and never store a secret as plain text {"id":"github","scope":"org:acme"}"`,
    );
    expect(await tell(vault.store(reference, material, { description: 'd'.repeat(2_000) }))).toMatchInlineSnapshot(
      `"CREDENTIAL_INVALID: credential "github" in scope "org:acme" cannot be stored like this: description must be text of at most 1024 characters without NUL {"id":"github","scope":"org:acme","problems":[{"path":"/description","code":"not_text","message":"must be text of at most 1024 characters without NUL"}]}"`,
    );
    await vault.store(reference, material);
    expect(await tell(vault.retrieve(reference, { kind: basic }))).toMatchInlineSnapshot(
      `"CREDENTIAL_KIND_MISMATCH: credential "github" in scope "org:acme" is of the kind "api-key", not "basic": ask for that kind {"id":"github","scope":"org:acme","kind":"api-key","expected":"basic"}"`,
    );
  });

  it('its time is over', async () => {
    const { vault } = openVault();
    await vault.store(reference, material, { expiresAt: new Date(0) });
    expect(await tell(vault.retrieve(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_EXPIRED: credential "github" in scope "org:acme" expired on 1970-01-01. Store a new value, or set a rotation policy {"id":"github","scope":"org:acme","expiredAt":"1970-01-01T00:00:00.000Z"}"`,
    );
  });

  it('no key opens it', async () => {
    const { vault, storage, ring } = openVault({ ring: KeyRing.generate({ id: 'of-2026' }) });
    await vault.store(reference, material);
    const stranger = openVault({ storage, ring: KeyRing.generate() });
    expect(await tell(stranger.vault.retrieve(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_UNREADABLE: credential "github" in scope "org:acme" cannot be opened: it is sealed with the key "of-2026", which the ring does not hold: add that key behind the others {"id":"github","scope":"org:acme","keyId":"of-2026"}"`,
    );
    const impostor = openVault({ storage, ring: KeyRing.generate({ id: ring.ids[0] ?? '' }) });
    expect(await tell(impostor.vault.retrieve(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_UNREADABLE: credential "github" in scope "org:acme" cannot be opened: its envelope was changed, belongs to another credential, or its key is another one. Restore it, or store it anew {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('the storage said no, is away, is full, or makes no sense', async () => {
    for (const code of [
      'CREDENTIAL_STORAGE_DENIED',
      'CREDENTIAL_STORAGE_UNAVAILABLE',
      'CREDENTIAL_TOO_LARGE',
      'CREDENTIAL_STORAGE_CORRUPT',
    ] as const) {
      const open = fails(code);
      const [head, details] = (await afterAWhile(open, tell(open.vault.retrieve(reference)))).split(' {');
      expect([head, `{${details}`]).toEqual([
        `${code}: as the driver says it`,
        JSON.stringify({ id: 'github', scope: 'org:acme' }),
      ]);
    }
    const { vault, storage } = openVault({ name: 'file' });
    await vault.store(reference, material);
    const another = storage.get.bind(storage);
    Object.assign(storage, {
      get: (_: unknown, options: { signal: AbortSignal }) => another({ tenant: 'main', ...reference }, options),
    });
    expect(await tell(vault.retrieve({ ...reference, id: 'gitlab' }))).toMatchInlineSnapshot(
      `"CREDENTIAL_STORAGE_CORRUPT: the storage "file" holds another credential in the place of "gitlab" in scope "org:acme": restore it, or delete it and store it anew {"id":"gitlab","scope":"org:acme"}"`,
    );
  });

  it('the storage failed otherwise', async () => {
    const { vault, storage } = openVault({ name: 'postgres' });
    storage.before(() => {
      throw new Error('42P01');
    });
    expect(await tell(vault.retrieve(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_STORAGE_FAILED: the storage "postgres" failed for credential "github" in scope "org:acme"; see its cause in the log {"id":"github","scope":"org:acme"}"`,
    );
    expect(await tell(vault.list({ scope: 'org:acme' }))).toMatchInlineSnapshot(
      `"CREDENTIAL_STORAGE_FAILED: the storage "postgres" failed; see its cause in the log {}"`,
    );
  });

  it('the storage did not answer', async () => {
    const open = openVault({ name: 'postgres' });
    open.storage.before(hang);
    expect(await afterAWhile(open, tell(open.vault.retrieve(reference)))).toMatchInlineSnapshot(
      `"CREDENTIAL_STORAGE_TIMEOUT: the storage "postgres" did not answer within 5000 ms for credential "github" in scope "org:acme"; try again {"id":"github","scope":"org:acme","timeoutMs":5000}"`,
    );
    expect(await afterAWhile(open, tell(open.vault.delete(reference)))).toMatchInlineSnapshot(
      `"CREDENTIAL_OUTCOME_UNKNOWN: the storage "postgres" did not answer within 5000 ms for credential "github" in scope "org:acme": the change may or may not have been made. Look before you repeat it {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('others are always faster', async () => {
    const { vault } = openVault({ storage: spyStorage({ inner: { ...memoryStorage(), put: async () => false } }) });
    expect(await tell(vault.store(reference, material))).toMatchInlineSnapshot(
      `"CREDENTIAL_CONFLICT: credential "github" in scope "org:acme" is changed by others all the time; try again {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('the caller gave up', async () => {
    const { vault } = openVault();
    const context = { tenant: 'main', signal: AbortSignal.abort() };
    expect(await tell(runInContext(context, () => vault.retrieve(reference)))).toMatchInlineSnapshot(
      `"CREDENTIAL_ABORTED: the caller gave up before there was an answer for credential "github" in scope "org:acme" {"id":"github","scope":"org:acme"}"`,
    );
    const batch = await runInContext(context, () => vault.retrieveMany([reference]));
    const [item] = batch.items;
    expect(item?.ok === false ? item.error.message : '').toMatchInlineSnapshot(
      `"the caller gave up before credential "github" in scope "org:acme" was begun"`,
    );
  });

  it('some of a batch failed', async () => {
    const { vault } = openVault();
    const result = await vault.storeMany([
      { reference, material },
      { reference, material },
      { reference: { ...reference, id: '' }, material },
    ]);
    expect(await tell(() => result.orThrow())).toMatchInlineSnapshot(
      `"CREDENTIAL_BATCH_FAILED: 2 of 3 could not be done (store): see details.errors; the others were {"succeeded":1,"failed":2,"errors":[{"id":"github","scope":"org:acme","code":"CREDENTIAL_REPEATED"},{"code":"CREDENTIAL_ID_INVALID"}]}"`,
    );
    const [, repeated] = result.items;
    expect(
      await tell(() => Promise.reject(repeated?.ok === false ? repeated.error : new Error('ok'))),
    ).toMatchInlineSnapshot(
      `"CREDENTIAL_REPEATED: credential "github" in scope "org:acme" comes twice in the batch: this one was left out {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('the audit cannot be written', async () => {
    const audit = { ...createListAudit([]), append: () => Promise.reject(new Error('disk full')) };
    const { vault } = openVault({ auditMode: 'none', build: (builder) => builder.audit({ audit, mode: 'required' }) });
    expect(await tell(vault.store(reference, material))).toMatchInlineSnapshot(
      `"CREDENTIAL_AUDIT_UNAVAILABLE: the audit could not be written, and nothing is done without it; try again when it can be {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('the vault is not whole, or is closed', async () => {
    const loose = credentials() as unknown as CredentialsBuilder<true, true>;
    expect(await tell(() => loose.build())).toMatchInlineSnapshot(
      `"CREDENTIALS_OPTIONS_INVALID: a vault cannot be built without storage(): call it before build() {"option":"storage"}"`,
    );
    expect(await tell(() => openVault({ build: (builder) => builder.batchConcurrency(0) }))).toMatchInlineSnapshot(
      `"CREDENTIALS_OPTIONS_INVALID: batchConcurrency must be a whole number from 1 to 100 {"option":"batchConcurrency"}"`,
    );
    const { vault } = openVault();
    await vault.close();
    expect(await tell(vault.retrieve(reference))).toMatchInlineSnapshot(
      `"CREDENTIALS_CLOSED: the vault has been closed: build another one {}"`,
    );
  });

  it('nobody can rotate it', async () => {
    const { vault } = openVault();
    await vault.store(reference, material);
    expect(await tell(vault.rotateNow(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_ROTATION_IMPOSSIBLE: credential "github" in scope "org:acme" is of the kind "api-key", and the vault has no rotator for it: give the builder one with rotator(), or rotate it with material of your own {"id":"github","scope":"org:acme","kind":"api-key"}"`,
    );
    const broken = openVault({
      build: (builder) => builder.rotator({ kind: 'api-key', rotate: () => Promise.reject(new Error('no')) }),
    });
    await broken.vault.store(reference, material);
    expect(await tell(broken.vault.rotateNow(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_ROTATION_FAILED: credential "github" in scope "org:acme" could not be rotated; the old one stays in use {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('nobody can refresh it', async () => {
    const answering = (answer: RefreshAnswer, inner: CredentialStorage = memoryStorage()) => {
      const refresher: CredentialRefresher = { kind: 'oauth2', refresh: async () => answer };
      return openVault({ inner, ring, build: (builder) => builder.refresher(refresher) });
    };
    const ring = KeyRing.generate();
    const tokens = oauth2({ accessToken: MATERIAL, refreshToken: `${MATERIAL}-2` });
    const rejected = answering({ status: 'rejected' });
    await rejected.vault.store(reference, material);
    expect(await tell(rejected.vault.refresh(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_REFRESH_IMPOSSIBLE: credential "github" in scope "org:acme" is of the kind "api-key", and the vault has no refresher for it: give the builder one with refresher() {"id":"github","scope":"org:acme","kind":"api-key"}"`,
    );
    await rejected.vault.store(reference, tokens);
    expect(await tell(rejected.vault.refresh(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_REAUTHORIZATION_REQUIRED: credential "github" in scope "org:acme" cannot be refreshed: whoever issued it does not take it any more. Let somebody sign in again, and store what comes of it {"id":"github","scope":"org:acme","why":"rejected"}"`,
    );
    const inner = memoryStorage();
    const away = answering({ status: 'not-applied', retryAfterMs: 5_000 }, inner);
    await away.vault.store(reference, tokens);
    expect(await tell(away.vault.refresh(reference))).toMatchInlineSnapshot(
      `"CREDENTIAL_REFRESH_FAILED: credential "github" in scope "org:acme" could not be refreshed: whoever issued it could not be asked; what is stored stays as it is {"id":"github","scope":"org:acme"}"`,
    );

    const signal = new AbortController().signal;
    const record = await inner.get({ tenant: 'main', ...reference }, { signal });
    if (record === undefined) throw new Error('there is no record');
    const claim = { holder: 'another process', expiresAt: away.clock.now() + 600_000 };
    const refresh = { failures: 0, unknownAt: [], generation: 1, claim };
    await inner.put(
      { record: { ...record, refresh, revision: record.revision + 1 }, expectedRevision: record.revision },
      { signal },
    );
    // The wait for the other one goes on from one look to the next, each of which takes turns of the loop.
    const busy = tell(away.vault.refresh(reference));
    for (let look = 0; look < 50; look += 1) await away.clock.advance(200);
    expect(await busy).toMatchInlineSnapshot(
      `"CREDENTIAL_REFRESH_BUSY: credential "github" in scope "org:acme" is being refreshed elsewhere; try again {"id":"github","scope":"org:acme"}"`,
    );
  });

  it('every code that there is, has been told above', () => {
    expect(credentialErrorCodes.filter((code) => !told.has(code))).toEqual([]);
  });
});
