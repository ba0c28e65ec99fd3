import { currentContext, runInContext } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, type AuditOptions, type AuditRecord, type CredentialVault } from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { openVault, type LogLine, type OpenVault, type OpenVaultOptions } from '../vault/support/open-vault.ts';
import { aMoment, createGate, spyAudit, type SpiedAudit } from './spied-audit.ts';

const scope = 'org:acme';
const github = { scope, id: 'github' };
const away = (): never => {
  throw new Error('the audit is away');
};

interface Audited extends Omit<OpenVault, 'audit'> {
  readonly audit: SpiedAudit;
}

function open(options: Omit<AuditOptions, 'audit'> = {}, more: OpenVaultOptions = {}): Audited {
  const audit = spyAudit();
  const build: OpenVaultOptions['build'] = (builder) => (more.build?.(builder) ?? builder).audit({ audit, ...options });
  return { ...openVault({ ...more, auditMode: 'none', build }), audit };
}

const outcomes = (records: readonly AuditRecord[]) => records.map(({ action, outcome }) => `${action} ${outcome}`);
const lostIn = (log: readonly LogLine[]): number =>
  log
    .filter(({ message }) => message === 'records of the audit are lost')
    .reduce((sum, { fields }) => sum + Number(fields['records']), 0);
const references = (count: number) => Array.from({ length: count }, (_, at) => ({ scope, id: `id-${at}` }));

describe('an audit that is required', () => {
  const required = (options: Omit<AuditOptions, 'audit' | 'mode'> = {}, more: OpenVaultOptions = {}) =>
    open({ ...options, mode: 'required' }, more);

  it('keeps the intention before anything changes, and the outcome of the same operation after it', async () => {
    const { vault, audit, storage } = required();
    const keptBefore = new Map<string, readonly string[]>();
    storage.before((operation) => void keptBefore.set(operation, outcomes(audit.kept)));
    await vault.store(github, apiKey('x'));
    await vault.close();
    expect(keptBefore.get('put')).toEqual(['replace intended']);
    expect(outcomes(audit.kept)).toEqual(['replace intended', 'replace succeeded']);
    const [intention, end] = audit.kept;
    expect(intention?.operationId).toBe(end?.operationId);
    expect(intention?.id).not.toBe(end?.id);
    expect(intention).toMatchObject({ scope, credentialId: 'github' });
  });

  it.each<[string, (vault: CredentialVault) => Promise<unknown>]>([
    ['store', (vault) => vault.store(github, apiKey('y'))],
    ['delete', (vault) => vault.delete(github)],
    ['rotate', (vault) => vault.rotate(github, apiKey('y'))],
    ['revokePrevious', (vault) => vault.revokePrevious(github)],
    ['rollBack', (vault) => vault.rollBack(github)],
  ])('changes nothing by %s when the intention cannot be kept', async (_, change) => {
    const { vault, audit, storage } = required();
    await vault.store(github, apiKey('x'));
    await vault.rotate(github, apiKey('z'));
    await aMoment();
    const before = await vault.inspect(github);
    storage.reset();
    audit.before(away);
    const error = await failureOf(change(vault));
    expect(error).toMatchObject({
      code: 'CREDENTIAL_AUDIT_UNAVAILABLE',
      retryable: true,
      details: { id: 'github', scope },
      cause: new Error('the audit is away'),
    });
    expect(storage.calls).toEqual([]);
    audit.before(() => undefined);
    expect(await vault.inspect(github)).toEqual(before);
  });

  it('hands nothing out when the reading cannot be recorded, cached or not', async () => {
    const { vault, audit } = required({}, { build: (builder) => builder.cache({}) });
    await vault.store(github, apiKey('x'));
    await vault.retrieve(github);
    audit.before(away);
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIAL_AUDIT_UNAVAILABLE');
    vault.clearCache();
    expect(await codeOf(vault.retrieve(github))).toBe('CREDENTIAL_AUDIT_UNAVAILABLE');
    expect(await codeOf(vault.list({ scope }))).toBe('CREDENTIAL_AUDIT_UNAVAILABLE');
    const batch = await vault.retrieveMany([github]);
    expect(batch.items[0]).toMatchObject({ ok: false, error: { code: 'CREDENTIAL_AUDIT_UNAVAILABLE' } });
  });

  it('says that a change was made although its outcome could not be recorded, and records it later', async () => {
    const { vault, audit, clock, log } = required();
    audit.before((records) => (records.some(({ outcome }) => outcome !== 'intended') ? away() : undefined));
    await expect(vault.store(github, apiKey('x'))).resolves.toMatchObject({ version: 1 });
    await aMoment();
    expect(outcomes(audit.kept)).toEqual(['replace intended']);
    expect(log).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'records of the audit could not be written yet' }),
    );
    audit.before(() => undefined);
    await clock.advance(250);
    expect(outcomes(audit.kept)).toEqual(['replace intended', 'replace succeeded']);
  });

  it('gives the failure of the change, whatever becomes of its outcome’s record', async () => {
    const { vault, audit, storage } = required();
    storage.before(() => {
      audit.before(away);
      throw new Error('disk on fire');
    });
    expect(await codeOf(vault.delete(github))).toBe('CREDENTIAL_STORAGE_FAILED');
  });

  it('gives up an audit that does not answer in time, and changes nothing', async () => {
    for (const [timeoutMs, given] of [
      [5_000, {}],
      [700, { timeoutMs: 700 }],
    ] as const) {
      const { vault, audit, clock, storage } = required(given);
      audit.before(() => new Promise(() => undefined));
      const storing = codeOf(vault.store(github, apiKey('x')));
      await clock.advance(timeoutMs - 1);
      expect(await Promise.race([storing, aMoment()])).toBeUndefined();
      await clock.advance(1);
      expect(await storing).toBe('CREDENTIAL_AUDIT_UNAVAILABLE');
      expect(storage.calls).toEqual([]);
    }
  });

  it('leaves off waiting for the audit when its caller gives up, and changes nothing', async () => {
    const { vault, audit, storage } = required();
    audit.before(() => new Promise(() => undefined));
    const caller = new AbortController();
    const storing = runInContext({ signal: caller.signal }, () => failureOf(vault.store(github, apiKey('x'))));
    await aMoment();
    caller.abort();
    expect(await storing).toMatchObject({ code: 'CREDENTIAL_ABORTED', details: { id: 'github', scope } });
    expect(storage.calls).toEqual([]);
  });

  it('records nothing for a caller that had given up before', async () => {
    const { vault, audit, storage } = required();
    const late = runInContext({ signal: AbortSignal.abort() }, () => codeOf(vault.delete(github)));
    expect(await late).toBe('CREDENTIAL_ABORTED');
    await aMoment();
    expect(audit.appends).toEqual([]);
    expect(storage.calls).toEqual([]);
  });

  it('does not take others with it when the one who came first gives up', async () => {
    const { vault, audit } = required();
    const gate = createGate();
    const signals: unknown[] = [];
    audit.before(() => {
      signals.push(currentContext()?.signal);
      return gate.opened;
    });
    const caller = new AbortController();
    const first = runInContext({ signal: caller.signal }, () => codeOf(vault.retrieve(github)));
    const second = codeOf(vault.retrieve(github));
    await aMoment();
    caller.abort();
    gate.open();
    expect(await first).toBe('CREDENTIAL_ABORTED');
    expect(await second).toBe('none');
    expect(signals).toEqual([undefined]);
  });

  it('keeps what comes at the same time together, and what comes meanwhile after it', async () => {
    const { vault, audit } = required();
    const gate = createGate();
    audit.before(() => gate.opened);
    const reading = Promise.all(references(10).map((reference) => vault.retrieve(reference)));
    await aMoment();
    const later = Promise.all(references(20).map((reference) => vault.retrieve(reference)));
    await aMoment();
    expect(audit.appends.map((records) => records.length)).toEqual([10]);
    gate.open();
    await Promise.all([reading, later]);
    expect(audit.appends.map((records) => records.length)).toEqual([10, 20]);
  });

  it('does not let the audit of one tenant hold up another', async () => {
    const { vault, audit } = required({}, { tenant: 'none' });
    audit.before((records) => (records[0]?.tenant === 'acme' ? away() : undefined));
    const read = (tenant: string) => runInContext({ tenant }, () => codeOf(vault.retrieve(github)));
    expect(await Promise.all([read('acme'), read('globex')])).toEqual(['CREDENTIAL_AUDIT_UNAVAILABLE', 'none']);
  });

  it('keeps no more than 500 at once', async () => {
    const { vault, audit } = required();
    await Promise.all(references(501).map((reference) => vault.retrieve(reference)));
    expect(audit.appends.map((records) => records.length)).toEqual([500, 1]);
  });
});

describe('an audit that observes', () => {
  it('is the mode when none is named', async () => {
    const { vault, audit } = open();
    audit.before(away);
    expect(await codeOf(vault.store(github, apiKey('x')))).toBe('none');
  });

  it('does not hold up what it tells of', async () => {
    const { vault, audit } = open();
    audit.before(() => new Promise(() => undefined));
    await vault.store(github, apiKey('x'));
    expect((await vault.retrieve(github))?.secret.reveal()).toBe('x');
    expect(audit.kept).toEqual([]);
  });

  it('keeps records in the order in which things were done, many at a time', async () => {
    const { vault, audit } = open();
    const gate = createGate();
    audit.before(() => gate.opened);
    for (const reference of references(1_200)) await vault.retrieve(reference);
    gate.open();
    await vault.close();
    expect(audit.kept.map(({ credentialId }) => credentialId)).toEqual(references(1_200).map(({ id }) => id));
    for (const records of audit.appends) expect(records.length).toBeLessThanOrEqual(500);
    expect(audit.appends.length).toBeLessThan(10);
  });

  it('tries again until the audit is back, in order and without losing any', async () => {
    const { vault, audit, clock, log } = open();
    audit.before(away);
    for (const reference of references(600)) await vault.retrieve(reference);
    // Waits of 0.25, 0.5, 1, 2, 4 and 8 seconds.
    await clock.advance(15_750);
    expect(audit.appends).toHaveLength(7);
    audit.before(() => undefined);
    await clock.advance(10_000);
    // A small one to see that it is back, and then as many as fit.
    const [small = 0, ...rest] = audit.appends.slice(7).map((records) => records.length);
    expect(small).toBeLessThanOrEqual(16);
    expect(rest).toEqual([500, 100 - small]);
    expect(audit.kept.map(({ credentialId }) => credentialId)).toEqual(references(600).map(({ id }) => id));
    expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('gives up the one record that cannot be kept, says so, and keeps those around it', async () => {
    const { vault, audit, clock, log } = open();
    audit.before((records) => (records.some(({ credentialId }) => credentialId === 'id-70') ? away() : undefined));
    for (const reference of references(100)) await vault.retrieve(reference);
    await clock.advance(600_000);
    const ids = references(100).map(({ id }) => id);
    expect(audit.kept.map(({ credentialId }) => credentialId)).toEqual(ids.filter((id) => id !== 'id-70'));
    expect(log.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', message: 'records of the audit are lost', fields: expect.objectContaining({ records: 1 }) },
    ]);
    expect(clock.pending()).toBe(0);
  });

  it('gives up an append that does not answer, and tries again', async () => {
    const { vault, audit, clock } = open({ timeoutMs: 700 });
    audit.before(() => new Promise(() => undefined));
    await vault.retrieve(github);
    await clock.advance(700);
    audit.before(() => undefined);
    await clock.advance(250);
    expect(outcomes(audit.kept)).toEqual(['read missing']);
  });

  it('lets 10,000 records wait for an audit that is away, and tells how many more were lost', async () => {
    const { vault, audit, clock, log } = open();
    audit.before(away);
    for (const reference of references(10_007)) await vault.retrieve(reference);
    const errors = () =>
      log.filter(({ level }) => level === 'error').map(({ fields, message }) => ({ ...fields, message }));
    expect(errors()).toEqual([{ message: 'the audit is too slow: records are lost until it has caught up' }]);
    audit.before(() => undefined);
    await clock.advance(10_000);
    expect(audit.kept).toHaveLength(10_000);
    expect(errors().slice(1)).toEqual([
      { message: 'records of the audit are lost', records: 7, reason: 'too many waited' },
    ]);
    await vault.retrieve(github);
    await aMoment();
    expect(audit.kept).toHaveLength(10_001);
  });

  it('does not fail with the caller that came first', async () => {
    const { vault, audit } = open();
    const signals: (AbortSignal | undefined)[] = [];
    audit.before(() => void signals.push(currentContext()?.signal));
    await runInContext({ signal: new AbortController().signal }, () => vault.retrieve(github));
    await aMoment();
    await runInContext({ signal: new AbortController().signal }, () => vault.retrieve(github));
    await aMoment();
    expect(signals).toEqual([undefined, undefined]);
  });
});

describe('closing', () => {
  it('waits for the records that are still to be kept', async () => {
    const { vault, audit } = open();
    const gate = createGate();
    audit.before(() => gate.opened);
    await vault.retrieve(github);
    const closing = vault.close();
    expect(await Promise.race([closing.then(() => 'closed'), aMoment()])).toBeUndefined();
    gate.open();
    await closing;
    expect(outcomes(audit.kept)).toEqual(['read missing']);
  });

  it('keeps what had to wait because the audit was away, without waiting out the pause', async () => {
    const { vault, audit, clock } = open();
    audit.before(away);
    for (const reference of references(600)) await vault.retrieve(reference);
    await clock.advance(8_000);
    audit.before(() => undefined);
    await vault.close();
    expect(audit.kept).toHaveLength(600);
    expect(clock.pending()).toBe(0);
  });

  it('finds the record that cannot be kept even then, and keeps the others', async () => {
    const { vault, audit, log } = open();
    audit.before((records) => (records.some(({ credentialId }) => credentialId === 'id-70') ? away() : undefined));
    for (const reference of references(100)) await vault.retrieve(reference);
    await vault.close();
    expect(audit.kept).toHaveLength(99);
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('tells how many records are lost with an audit that stays away', async () => {
    const { vault, audit, clock, log } = open();
    audit.before(away);
    for (const reference of references(600)) await vault.retrieve(reference);
    await vault.close();
    expect(lostIn(log)).toBe(600);
    expect(clock.pending()).toBe(0);
  });

  it('does not wait longer than its time for an audit that does not answer', async () => {
    const { vault, audit, clock, log } = open({ timeoutMs: 700 });
    audit.before(() => new Promise(() => undefined));
    for (const reference of references(2)) await vault.retrieve(reference);
    const closing = vault.close();
    await clock.advance(700);
    await closing;
    expect(lostIn(log)).toBe(2);
    expect(clock.pending()).toBe(0);
  });
});

describe('the options', () => {
  it.each([
    ['audit.mode', { mode: 'sometimes' as 'observe' }],
    ['audit.timeoutMs', { timeoutMs: 0 }],
    ['audit.timeoutMs', { timeoutMs: 60_001 }],
    ['audit.timeoutMs', { timeoutMs: 1.5 }],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => open(options)).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } }),
    );
  });
});
