import { runAs } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, type CredentialView } from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const inTenant = <T>(tenant: string, work: () => Promise<T>): Promise<T> => runAs({ tenant }, work);

/** What each operation answers about one credential: the same for what is missing and for what is not the viewer's. */
async function answers(view: CredentialView, reference: { scope: string; id: string }): Promise<readonly unknown[]> {
  const batches = await Promise.all([
    view.retrieveMany([reference]),
    view.validateMany([reference]),
    view.deleteMany([reference]),
  ]);
  return [
    await view.retrieve(reference),
    await view.inspect(reference),
    await view.validate(reference),
    await view.delete(reference),
    await view.list({ scope: reference.scope }),
    ...batches.map(({ items, succeeded, failed }) => ({ items, succeeded, failed })),
  ];
}

describe('a view of a scope', () => {
  const eng = 'org:acme/team:eng';

  it('reads, changes and lists its own scope and every one below it', async () => {
    const { vault } = openVault();
    const view = vault.within('org:acme');
    const places = ['org:acme', eng, `${eng}/service:api`].map((scope) => ({ scope, id: 'key' }));
    for (const place of places) {
      await view.store(place, apiKey(`of ${place.scope}`));
      expect((await view.retrieve(place))?.secret.reveal()).toBe(`of ${place.scope}`);
      expect(await view.inspect(place)).toMatchObject(place);
      expect((await view.validate(place)).status).toBe('valid');
      expect((await view.rotate(place, apiKey('rotated'))).version).toBe(2);
    }
    expect((await view.list()).items).toMatchObject(places);
    expect((await view.list({ scope: eng })).items).toHaveLength(2);
    expect(await view.delete({ scope: eng, id: 'key' })).toBe(true);
  });

  it('takes references that name no scope as its own', async () => {
    const { vault } = openVault({ build: (builder) => builder.defaultScope('org:other') });
    await vault.within(eng).store({ id: 'key' }, apiKey('x'));
    expect(await vault.retrieve({ id: 'key' })).toBeUndefined();
    expect(await vault.retrieve({ scope: eng, id: 'key' })).toBeDefined();
  });

  it.each([
    ['its parent', 'org:acme'],
    ['its sibling', 'org:acme/team:ops'],
    ['a sibling whose name is the beginning of its own', 'org:acme/team:en'],
    ['a sibling whose name begins like its own', 'org:acme/team:engine'],
    ['another organization', 'org:ac'],
    ['a scope that ends like its own', 'org:other/team:eng'],
  ])('sees nothing of %s, as if nothing were there', async (_, scope) => {
    const { vault, storage, log, audited } = openVault();
    const there = { scope, id: 'there' };
    await vault.store(there, apiKey('secret'));
    const view = vault.within(eng);
    storage.reset();
    log.length = 0;
    audited.length = 0;

    const aboutThis = await answers(view, there);
    expect(storage.calls).toEqual([]);
    expect(log.filter(({ fields }) => fields['securityEvent'] === 'credential.scope-violation')).toHaveLength(8);
    expect(audited.map(({ action, outcome }) => `${action} ${outcome}`).toSorted()).toEqual(
      [
        ...Array.from({ length: 5 }, () => 'read denied'),
        ...Array.from({ length: 2 }, () => 'delete denied'),
        'list denied',
      ].toSorted(),
    );
    expect(audited.every(({ details }) => details['actingFrom'] === eng)).toBe(true);

    const aboutMissing = await answers(view, { scope, id: 'miss5' });
    expect(JSON.parse(JSON.stringify(aboutThis).replaceAll('there', 'miss5'))).toEqual(
      JSON.parse(JSON.stringify(aboutMissing)),
    );
    // The same answers as where there really is nothing.
    const nothing = await answers(openVault().vault.within(eng), { scope: eng, id: 'miss5' });
    expect(JSON.stringify(nothing).replaceAll(eng, scope)).toBe(JSON.stringify(aboutMissing));
    expect(await vault.retrieve(there)).toBeDefined();
  });

  it('cannot change what is outside of it, whether it is there or not', async () => {
    const { vault, storage, log, audited } = openVault();
    const there = { scope: 'org:acme', id: 'key' };
    await vault.store(there, apiKey('kept'));
    storage.reset();
    audited.length = 0;
    const view = vault.within(eng);
    const changes = (reference: { scope: string; id: string }) => [
      () => view.store(reference, apiKey('x')),
      () => view.store(reference, apiKey('x'), { mode: 'create' }),
      () => view.rotate(reference, apiKey('x')),
      () => view.revokePrevious(reference),
      () => view.rollBack(reference),
      () => view.refresh(reference),
      () => view.rotateNow(reference),
      async () => (await view.storeMany([{ reference, material: apiKey('x') }])).orThrow(),
    ];
    const messages: string[][] = [];
    for (const id of ['key', 'nil']) {
      const failures = [];
      for (const change of changes({ scope: 'org:acme', id })) failures.push(await failureOf(change));
      const [batch] = failures.splice(7);
      expect(batch?.details['errors']).toMatchObject([{ code: 'CREDENTIAL_SCOPE_VIOLATION' }]);
      for (const failure of failures) {
        expect(failure).toMatchObject({
          code: 'CREDENTIAL_SCOPE_VIOLATION',
          details: { id, scope: 'org:acme', actingFrom: eng },
        });
      }
      messages.push(failures.map(({ message }) => message));
    }
    expect(messages[0]).toEqual(messages[1]);
    expect(storage.calls).toEqual([]);
    expect(audited.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 16 }, () => 'denied'));
    expect(log.some(({ level, fields }) => level === 'warn' && fields['credentialId'] === 'key')).toBe(true);
    expect((await vault.retrieve(there))?.secret.reveal()).toBe('kept');
  });

  it('of which there are 1,000 with the same id: no one reads another', async () => {
    const { vault, storage } = openVault({ auditMode: 'none' });
    const scopes = Array.from({ length: 1_000 }, (_, index) => `org:tenant-${index}`);
    const stored = await vault.storeMany(
      scopes.map((scope) => ({ reference: { scope, id: 'key' }, material: apiKey(`of ${scope}`) })),
    );
    expect(stored.failed).toBe(0);
    storage.reset();
    for (const [index, scope] of scopes.entries()) {
      const view = vault.within(scope);
      const others = [1, 7, 500, 999].map((step) => scopes[(index + step) % 1_000] as string);
      for (const other of others) expect(await view.retrieve({ scope: other, id: 'key' })).toBeUndefined();
      const own = await view.retrieve({ id: 'key' });
      expect(own?.secret.reveal()).toBe(`of ${scope}`);
    }
    expect(storage.calls).toHaveLength(1_000);
    const all = await vault.within(scopes[0] as string).retrieveMany(scopes.map((scope) => ({ scope, id: 'key' })));
    expect(all.items.filter((item) => item.ok && item.value !== undefined)).toHaveLength(1);
  });
});

describe('the tenant', () => {
  const reference = { scope: 'org:acme', id: 'key' };

  it('comes from the context of the work', async () => {
    const { vault } = openVault({ tenant: 'none' });
    await inTenant('one', () => vault.store(reference, apiKey('of one')));
    expect(await inTenant('two', () => vault.retrieve(reference))).toBeUndefined();
    const own = await inTenant('one', () => vault.retrieve(reference));
    expect(own?.secret.reveal()).toBe('of one');
  });

  it('is needed: without any there is no operation, and none that means all', async () => {
    const { vault, storage } = openVault({ tenant: 'none' });
    for (const work of [
      () => vault.store(reference, apiKey('x')),
      () => vault.retrieve(reference),
      () => vault.inspect(reference),
      () => vault.delete(reference),
      () => vault.validate(reference),
      () => vault.list({ scope: 'org:acme' }),
      () => vault.listAll({ scope: 'org:acme' })[Symbol.asyncIterator]().next(),
      () => vault.storeMany([]),
      () => vault.retrieveMany([reference]),
      () => vault.asAdministrator('audit').list(),
      () => vault.auditRecords(),
    ]) {
      expect(await codeOf(work)).toBe('TENANT_REQUIRED');
    }
    expect(storage.calls).toEqual([]);
  });

  it('of a vault that was built for one is that one, and work for another is refused', async () => {
    const { vault, storage } = openVault({ tenant: 'main' });
    await vault.store(reference, apiKey('x'));
    expect(await inTenant('main', () => vault.retrieve(reference))).toBeDefined();
    storage.reset();
    const attempts: readonly (() => Promise<unknown>)[] = [
      () => vault.retrieve(reference),
      () => vault.store(reference, apiKey('y')),
      () => vault.list({ scope: 'org:acme' }),
      () => vault.retrieveMany([reference]),
    ];
    for (const work of attempts) {
      expect(await codeOf(inTenant('other', work))).toBe('CREDENTIAL_TENANT_MISMATCH');
    }
    expect(storage.calls).toEqual([]);
  });
});

describe('an administrator', () => {
  it('sees every scope of the one tenant, and no other tenant', async () => {
    const { vault } = openVault({ tenant: 'none' });
    for (const tenant of ['one', 'two']) {
      for (const scope of ['org:acme', 'org:other']) {
        await inTenant(tenant, () => vault.store({ scope, id: `of-${tenant}` }, apiKey(tenant)));
      }
    }
    await inTenant('one', async () => {
      const administrator = vault.asAdministrator('incident 4711');
      expect((await administrator.list()).items.map(({ scope, id }) => `${scope} ${id}`)).toEqual([
        'org:acme of-one',
        'org:other of-one',
      ]);
      expect((await administrator.list({ scope: 'org:other' })).items).toHaveLength(1);
      const found = await administrator.retrieve({ scope: 'org:other', id: 'of-one' });
      expect(found?.secret.reveal()).toBe('one');
      expect(await administrator.retrieve({ scope: 'org:acme', id: 'of-two' })).toBeUndefined();
      expect(await administrator.delete({ scope: 'org:acme', id: 'of-two' })).toBe(false);
      expect(await administrator.delete({ scope: 'org:acme', id: 'of-one' })).toBe(true);
    });
    expect((await inTenant('two', () => vault.asAdministrator('check').list())).items).toHaveLength(2);
  });

  it('sees every scope although the vault has a default one', async () => {
    const { vault } = openVault({ build: (builder) => builder.defaultScope('org:acme') });
    await vault.store({ id: 'a' }, apiKey('x'));
    await vault.store({ scope: 'org:other', id: 'b' }, apiKey('x'));
    expect((await vault.asAdministrator('count').list()).items).toHaveLength(2);
    expect((await vault.list()).items).toHaveLength(1);
  });

  it.each([
    ['nothing', undefined],
    ['no text', 7],
    ['an empty reason', ''],
    ['white space', ' \t\n'],
    ['257 characters', 'x'.repeat(257)],
  ])('states a reason: %s is refused', async (_, reason) => {
    expect(await codeOf(() => openVault().vault.asAdministrator(reason as string))).toBe('CREDENTIAL_INVALID');
  });

  it.each([1, 255, 256])('may take %d characters for the reason', async (length) => {
    const { vault } = openVault();
    expect((await vault.asAdministrator('x'.repeat(length)).list()).items).toEqual([]);
  });

  it('is recorded with the reason in every operation', async () => {
    const { vault, audit } = openVault();
    const reference = { scope: 'org:acme', id: 'key' };
    const administrator = vault.asAdministrator('incident 4711');
    await administrator.store(reference, apiKey('x'));
    await administrator.retrieve(reference);
    await administrator.inspect(reference);
    await administrator.validate(reference);
    await administrator.validateMany([reference]);
    await administrator.retrieveMany([reference]);
    await administrator.list();
    for await (const one of administrator.listAll()) expect(one.id).toBe('key');
    await administrator.rotate(reference, apiKey('y'));
    await administrator.revokePrevious(reference);
    await administrator.delete(reference);
    await administrator.retrieve(reference);
    await administrator.inspect(reference);
    await administrator.delete(reference);
    const audited = await audit();
    const operations = audited.filter(({ outcome }) => outcome !== 'intended');
    const expected = [
      'replace succeeded',
      'read succeeded',
      'administer succeeded',
      'administer succeeded',
      'administer succeeded',
      'read succeeded',
      'list succeeded',
      'list succeeded',
      'rotate succeeded',
      'revoke succeeded',
      'delete succeeded',
      'read missing',
      'administer missing',
      'delete missing',
    ];
    // The ends of changes come behind, so that the order says nothing.
    expect(operations.map(({ action, outcome }) => `${action} ${outcome}`).toSorted()).toEqual(expected.toSorted());
    const reasons = audited
      .filter(({ action, outcome }) => action !== 'rotate' && outcome !== 'intended')
      .map(({ details }) => details['reason']);
    expect(new Set(reasons)).toEqual(new Set(['incident 4711']));
    expect(audited.find(({ action }) => action === 'administer')?.details).toEqual({
      reason: 'incident 4711',
      operation: 'inspect',
    });
  });
});
