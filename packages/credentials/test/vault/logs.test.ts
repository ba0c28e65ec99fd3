import { CodedError } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { apiKey, type CredentialErrorCode } from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';

const reference = { scope: 'org:acme', id: 'key' };

/** The lines of a level, each with its message and fields together. */
const linesOf = ({ log }: OpenVault, ...levels: readonly string[]) =>
  log.filter(({ level }) => levels.includes(level)).map(({ message, fields }) => ({ message, ...fields }));

describe('the log', () => {
  it('has a line at info for what was stored, rotated, deleted and judged valid, with its id', async () => {
    const open = openVault();
    await open.vault.store(reference, apiKey('x'));
    await open.vault.validate(reference);
    await open.vault.rotate(reference, apiKey('y'));
    await open.vault.delete(reference);
    await open.vault.delete(reference);
    const place = { credentialId: 'key', scope: 'org:acme' };
    expect(linesOf(open, 'info')).toEqual([
      { message: 'credential stored', ...place, kind: 'api-key', version: 1 },
      { message: 'credential validated', ...place, status: 'valid' },
      { message: 'credential rotated', ...place, version: 2, reason: 'planned' },
      { message: 'credential deleted', ...place },
    ]);
    expect(linesOf(open, 'warn', 'error')).toEqual([]);
  });

  it('has a line at warn for what has expired, judged or asked for', async () => {
    const open = openVault();
    await open.vault.store(reference, apiKey('x'), { expiresAt: new Date(open.clock.now()) });
    await open.vault.validate(reference);
    expect(await codeOf(open.vault.retrieve(reference))).toBe('CREDENTIAL_EXPIRED');
    const place = { credentialId: 'key', scope: 'org:acme' };
    expect(linesOf(open, 'warn', 'error')).toEqual([
      { message: 'credential validated', ...place, status: 'expired' },
      { message: 'a credential that has expired was asked for', ...place, version: 1 },
    ]);
  });

  it('has a line at warn, as a security event, for what lies outside of the scope', async () => {
    const open = openVault();
    const view = open.vault.within('org:acme/team:eng');
    await view.retrieve(reference);
    await view.list({ scope: 'org:other' });
    await codeOf(view.store(reference, apiKey('x')));
    const event = { securityEvent: 'credential.scope-violation', actingFrom: 'org:acme/team:eng' };
    const one = { message: 'a credential outside of the scope was asked for', credentialId: 'key', scope: 'org:acme' };
    expect(linesOf(open, 'warn')).toEqual([
      { ...event, ...one },
      { ...event, message: 'credentials outside of the scope were asked for', scope: 'org:other' },
      { ...event, ...one },
    ]);
  });

  it('has a line at debug for each look into the cache, with the id, and none without a cache', async () => {
    const open = openVault({ build: (builder) => builder.cache({}) });
    await open.vault.store(reference, apiKey('x'));
    await open.vault.retrieve(reference);
    await open.vault.retrieve(reference);
    await open.vault.retrieveMany([reference]);
    const place = { credentialId: 'key', scope: 'org:acme' };
    expect(linesOf(open, 'debug')).toEqual([
      { message: 'credential is not in the cache', ...place },
      { message: 'credential found in the cache', ...place },
      { message: 'credential found in the cache', ...place },
    ]);
    const without = openVault();
    await without.vault.retrieve(reference);
    expect(linesOf(without, 'debug')).toEqual([]);
  });

  it('has a line at error when the storage fails, with the id, the storage and the failure', async () => {
    const open = openVault({ name: 'postgres' });
    const cause = new CodedError<CredentialErrorCode>('CREDENTIAL_STORAGE_DENIED', 'no');
    open.storage.before(() => {
      throw cause;
    });
    await codeOf(open.vault.store(reference, apiKey('x')));
    await codeOf(open.vault.list({ scope: 'org:acme' }));
    expect(linesOf(open, 'error')).toMatchObject([
      {
        message: 'the storage of credentials failed',
        storage: 'postgres',
        credentialId: 'key',
        err: { code: 'CREDENTIAL_STORAGE_DENIED', details: reference },
      },
      { message: 'the storage of credentials failed', storage: 'postgres', err: { code: 'CREDENTIAL_STORAGE_DENIED' } },
    ]);
  });

  it('has a line at error, as a security event, for what cannot be opened', async () => {
    const open = openVault();
    await open.vault.store(reference, apiKey('x'));
    const stranger = openVault({ storage: open.storage, ring: KeyRing.generate() });
    await codeOf(stranger.vault.retrieve(reference));
    expect(linesOf(stranger, 'error')).toMatchObject([
      { securityEvent: 'credential.unreadable', credentialId: 'key', scope: 'org:acme', version: 1 },
    ]);
  });

  it('has no line for what is merely missing', async () => {
    const open = openVault();
    await open.vault.retrieve(reference);
    await open.vault.validate(reference);
    await open.vault.delete(reference);
    await codeOf(open.vault.store(reference, apiKey('x'), { mode: 'replace' }));
    expect(open.log).toEqual([]);
  });
});
