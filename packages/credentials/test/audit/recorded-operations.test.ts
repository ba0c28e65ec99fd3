import { runInContext } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { apiKey, type AuditRecord, type CredentialVault } from '@tenon/credentials';
import { memoryAudit } from '@tenon/credentials/drivers/memory-audit';
import { KeyRing } from '@tenon/crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault, type OpenVaultOptions } from '../vault/support/open-vault.ts';
import { spyStorage } from '../vault/support/spied-storage.ts';
import { aMoment, spyAudit, type SpiedAudit } from './spied-audit.ts';

const scope = 'org:acme/team:eng';
const github = { scope, id: 'github' };
const stripe = { scope, id: 'stripe' };

interface Recorded extends Omit<OpenVault, 'audit'> {
  readonly audit: SpiedAudit;
}

function open(mode: 'required' | 'observe', options: OpenVaultOptions = {}): Recorded {
  const audit = spyAudit();
  const opened = openVault({ ...options, auditMode: 'none', build: (builder) => builder.audit({ audit, mode }) });
  return { ...opened, audit };
}

/** What a record says, apart from its ids and its moment. */
const told = ({ action, outcome, scope: place, credentialId, version, details }: AuditRecord) => ({
  action,
  outcome,
  ...(credentialId === undefined ? {} : { at: `${place} ${credentialId}` }),
  ...(version === undefined ? {} : { version }),
  ...(Object.keys(details).length === 0 ? {} : { details }),
});

describe.each(['required', 'observe'] as const)('with an audit that is to %s', (mode) => {
  let opened: Recorded;
  let vault: CredentialVault;
  beforeEach(() => {
    opened = open(mode);
    ({ vault } = opened);
  });

  /** What was recorded of what was done meanwhile: ends alone, without intentions. */
  const recordsOf = async (work: () => Promise<unknown>, from = opened): Promise<readonly AuditRecord[]> => {
    await aMoment();
    const before = from.audit.kept.length;
    await work();
    await aMoment();
    return from.audit.kept.slice(before).filter(({ outcome }) => outcome !== 'intended');
  };
  const endsOf = async (work: () => Promise<unknown>, from = opened) => (await recordsOf(work, from)).map(told);

  const at = `${scope} github`;

  it('records who did what, when, from which request and with what outcome', async () => {
    const actor = { type: 'user', id: 'ada', scopes: ['credentials:write'] } as const;
    const [record] = await recordsOf(() =>
      runInContext({ tenant: 'main', actor, requestId: 'req-7' }, () => vault.store(github, apiKey('x'))),
    );
    expect(record).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      operationId: expect.stringMatching(/^[0-9a-f-]{14}7/),
      atMs: opened.clock.now(),
      tenant: 'main',
      action: 'replace',
      outcome: 'succeeded',
      actor: { type: 'user', id: 'ada' },
      scope,
      credentialId: 'github',
      version: 1,
      requestId: 'req-7',
      details: {},
    });
  });

  it('records no actor and no request where there is none', async () => {
    const [record] = await recordsOf(() => vault.store(github, apiKey('x')));
    expect(record).not.toHaveProperty('actor');
    expect(record).not.toHaveProperty('requestId');
  });

  it('tells the moment of the vault’s clock', async () => {
    await opened.clock.advance(90_000);
    const [record] = await recordsOf(() => vault.store(github, apiKey('x')));
    expect(record?.atMs).toBe(Date.UTC(2026, 0, 1) + 90_000);
  });

  it('records what changes a credential, with the version that came of it', async () => {
    expect(await endsOf(() => vault.store(github, apiKey('1'), { mode: 'create' }))).toEqual([
      { action: 'create', outcome: 'succeeded', at, version: 1 },
    ]);
    expect(await endsOf(() => vault.store(github, apiKey('2')))).toEqual([
      { action: 'replace', outcome: 'succeeded', at, version: 2 },
    ]);
    expect(await endsOf(() => vault.rotate(github, apiKey('3')))).toMatchObject([
      { action: 'rotate', outcome: 'succeeded', at, version: 3, details: { reason: 'planned' } },
    ]);
    expect(await endsOf(() => vault.revokePrevious(github))).toEqual([
      { action: 'revoke', outcome: 'succeeded', at, version: 3 },
    ]);
    expect(await endsOf(() => vault.rollBack(github))).toEqual([
      { action: 'roll-back', outcome: 'succeeded', at, version: 4 },
    ]);
    expect(await endsOf(() => vault.delete(github))).toEqual([{ action: 'delete', outcome: 'succeeded', at }]);
  });

  it('records what was read, with its version', async () => {
    await vault.store(github, apiKey('x'));
    expect(await endsOf(() => vault.retrieve(github))).toEqual([
      { action: 'read', outcome: 'succeeded', at, version: 1 },
    ]);
  });

  it('records what was missing', async () => {
    expect(await endsOf(() => vault.retrieve(github))).toEqual([{ action: 'read', outcome: 'missing', at }]);
    expect(await endsOf(() => vault.delete(github))).toEqual([{ action: 'delete', outcome: 'missing', at }]);
    const rotating = await endsOf(() => codeOf(vault.rotate(github, apiKey('x'))));
    expect(rotating).toMatchObject([
      { action: 'rotate', outcome: 'missing', details: { code: 'CREDENTIAL_NOT_FOUND' } },
    ]);
    await vault.store(github, apiKey('x'));
    expect(await endsOf(() => vault.retrieve(github, { version: 7 }))).toMatchObject([{ outcome: 'missing', at }]);
  });

  it('records who reached for what lies outside of their scope, with the scope they acted from', async () => {
    await vault.store(github, apiKey('x'));
    const view = vault.within('org:acme/team:ops');
    const details = { actingFrom: 'org:acme/team:ops' };
    expect(await endsOf(() => view.retrieve(github))).toEqual([{ action: 'read', outcome: 'denied', at, details }]);
    expect(await endsOf(() => view.delete(github))).toEqual([{ action: 'delete', outcome: 'denied', at, details }]);
    expect(await endsOf(() => codeOf(view.store(github, apiKey('y'))))).toEqual([
      { action: 'replace', outcome: 'denied', at, details },
    ]);
    expect(await endsOf(() => view.list({ scope }))).toMatchObject([{ action: 'list', outcome: 'denied' }]);
  });

  it('records what could not be opened', async () => {
    const storage = spyStorage();
    await openVault({ storage, auditMode: 'none' }).vault.store(github, apiKey('x'));
    const other = open(mode, { storage, ring: KeyRing.generate() });
    expect(await endsOf(() => codeOf(other.vault.retrieve(github)), other)).toEqual([
      { action: 'read', outcome: 'unreadable', at, version: 1 },
    ]);
  });

  it('records what failed, with the code alone', async () => {
    await vault.store(github, apiKey('x'));
    expect(await endsOf(() => codeOf(vault.store(github, apiKey('y'), { mode: 'create' })))).toEqual([
      { action: 'create', outcome: 'failed', at, details: { code: 'CREDENTIAL_EXISTS' } },
    ]);
    opened.storage.before(() => {
      throw new Error('disk on fire at sector 7');
    });
    expect(await endsOf(() => codeOf(vault.delete(github)))).toEqual([
      { action: 'delete', outcome: 'failed', at, details: { code: 'CREDENTIAL_STORAGE_FAILED' } },
    ]);
  });

  it('does not claim to know what came of a change that the storage did not answer for', async () => {
    opened.storage.after((operation) => (operation === 'delete' ? new Promise(() => undefined) : undefined));
    const records = recordsOf(() =>
      Promise.all([codeOf(vault.delete(github)), aMoment().then(() => opened.clock.advance(5_000))]),
    );
    expect((await records).map(told)).toEqual([
      { action: 'delete', outcome: 'unknown', at, details: { code: 'CREDENTIAL_OUTCOME_UNKNOWN' } },
    ]);
  });

  it('records each page of a list once, with the number on it', async () => {
    for (const id of ['a', 'b', 'c']) await vault.store({ scope, id }, apiKey(id));
    expect(await endsOf(() => vault.list({ scope }))).toEqual([
      { action: 'list', outcome: 'succeeded', details: { within: scope, count: 3 } },
    ]);
    const all = await endsOf(async () => {
      for await (const _ of vault.listAll({ scope, limit: 2 }));
    });
    expect(all.map(({ details }) => details)).toEqual([
      { within: scope, count: 2 },
      { within: scope, count: 1 },
    ]);
  });

  it('records the reason with everything that an administrator does', async () => {
    const administrator = vault.asAdministrator('incident 4711');
    const records = await endsOf(async () => {
      await administrator.store(github, apiKey('x'));
      await administrator.retrieve(github);
      await administrator.list();
      await administrator.delete(github);
    });
    expect(records).toHaveLength(4);
    for (const { details } of records) expect(details).toMatchObject({ reason: 'incident 4711' });
  });

  describe.each([false, true])('with a storage that takes many at once: %s', (hasBatches) => {
    beforeEach(() => {
      opened = open(mode, { hasBatches });
      ({ vault } = opened);
    });

    it('records each credential of a batch for itself', async () => {
      const references = ['a', 'b', 'c'].map((id) => ({ scope, id }));
      const sorted = async (work: () => Promise<unknown>) =>
        (await endsOf(work)).toSorted((left, right) => ((left.at ?? '') < (right.at ?? '') ? -1 : 1));
      const each = (end: object) => references.map(({ id }) => ({ ...end, at: `${scope} ${id}` }));
      const entries = references.map((reference) => ({ reference, material: apiKey('x') }));
      expect(await sorted(() => vault.storeMany(entries))).toEqual(
        each({ action: 'replace', outcome: 'succeeded', version: 1 }),
      );
      expect(await sorted(() => vault.retrieveMany([...references, github]))).toEqual([
        ...each({ action: 'read', outcome: 'succeeded', version: 1 }),
        { action: 'read', outcome: 'missing', at },
      ]);
      expect(await sorted(() => vault.deleteMany([...references, github]))).toEqual([
        ...each({ action: 'delete', outcome: 'succeeded' }),
        { action: 'delete', outcome: 'missing', at },
      ]);
    });

    it('records what of a batch failed or was denied', async () => {
      await vault.store(github, apiKey('x'));
      const create = { mode: 'create' } as const;
      const records = await endsOf(() =>
        vault.within(scope).storeMany([
          { reference: github, material: apiKey('y'), options: create },
          { reference: stripe, material: apiKey('y'), options: create },
          { reference: { scope: 'org:other', id: 'x' }, material: apiKey('y'), options: create },
        ]),
      );
      expect(records).toHaveLength(3);
      expect(records).toEqual(
        expect.arrayContaining([
          { action: 'create', outcome: 'failed', at, details: { code: 'CREDENTIAL_EXISTS' } },
          { action: 'create', outcome: 'succeeded', at: `${scope} stripe`, version: 1 },
          { action: 'create', outcome: 'denied', at: 'org:other x', details: { actingFrom: scope } },
        ]),
      );
    });

    it('records for each credential of a batch that the storage failed', async () => {
      opened.storage.before((operation) => {
        if (operation !== 'getMany' && operation !== 'get') throw new Error('away');
      });
      const records = await endsOf(() => vault.deleteMany([github, stripe]));
      expect(records.map(({ outcome, details }) => ({ outcome, details }))).toEqual(
        Array.from({ length: 2 }, () => ({ outcome: 'failed', details: { code: 'CREDENTIAL_STORAGE_FAILED' } })),
      );
    });
  });

  it('puts no material into any record, whatever is done with it', async () => {
    const secrets = fc.string({ unit: 'grapheme-ascii', minLength: 12, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(secrets, secrets, async (first, second) => {
        const { vault: one, audit } = open(mode);
        await one.store(github, apiKey(first));
        await one.rotate(github, apiKey(second), { verify: async () => undefined });
        await one
          .rotate(github, apiKey(first), { verify: () => Promise.reject(new Error(first)) })
          .catch(() => undefined);
        await one.retrieve(github);
        await codeOf(one.store(github, apiKey(second), { mode: 'create' }));
        await one.rollBack(github);
        await one.storeMany([{ reference: stripe, material: apiKey(first) }]);
        await one.retrieveMany([github, stripe]);
        await one.delete(github);
        await one.close();
        const written = JSON.stringify(audit.appends);
        expect(written).toContain('"github"');
        for (const secret of [first, second]) {
          expect(written).not.toContain(secret);
          expect(written).not.toContain(JSON.stringify(secret).slice(1, -1));
          expect(written).not.toContain(Buffer.from(secret).toString('base64'));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps names that no database could hold in a form that any can', async () => {
    const actor = { type: 'user', id: `ada\0\uD800${'x'.repeat(5_000)}` } as const;
    const [record] = await recordsOf(() =>
      runInContext({ tenant: 'main', actor, requestId: '\0' }, () =>
        vault.asAdministrator('because\0').store(github, apiKey('x')),
      ),
    );
    expect(record?.actor?.id).toBe(`ada\u{FFFD}\u{FFFD}${'x'.repeat(1_019)}`);
    expect(record?.requestId).toBe('\u{FFFD}');
    expect(record?.details).toEqual({ reason: 'because\u{FFFD}' });
  });

  it('answers with the records of the tenant it works in, and what of them is asked for', async () => {
    const audit = memoryAudit();
    const { vault: shared, clock } = openVault({
      tenant: 'none',
      auditMode: 'none',
      build: (builder) => builder.audit({ audit, mode }),
    });
    const as = <T>(tenant: string, id: string, work: () => Promise<T>): Promise<T> =>
      runInContext({ tenant, actor: { type: 'user', id } }, work);
    await as('acme', 'ada', () => shared.store(github, apiKey('x')));
    await clock.advance(1_000);
    await as('acme', 'bob', () => shared.retrieve(github));
    await as('acme', 'ada', () => shared.retrieve(stripe));
    await as('globex', 'eve', () => shared.store(github, apiKey('x')));
    await aMoment();
    const ends = async (...query: Parameters<typeof shared.auditRecords>) =>
      (await as('acme', 'ada', () => shared.auditRecords(...query)))
        .filter(({ outcome }) => outcome !== 'intended')
        .map(({ actor, action, credentialId }) => `${actor?.id} ${action} ${credentialId}`);
    expect(await ends()).toEqual(['ada read stripe', 'bob read github', 'ada replace github']);
    expect(await ends({ credentialId: 'github' })).toEqual(['bob read github', 'ada replace github']);
    expect(await ends({ actorId: 'bob' })).toEqual(['bob read github']);
    expect(await ends({ action: 'replace' })).toEqual(['ada replace github']);
    expect(await ends({ fromMs: clock.now() })).toEqual(['ada read stripe', 'bob read github']);
    expect(await ends({ limit: 1 })).toEqual(['ada read stripe']);
  });
});

it('answers with nothing when there is no audit', async () => {
  expect(await openVault({ auditMode: 'none' }).vault.auditRecords()).toEqual([]);
});
