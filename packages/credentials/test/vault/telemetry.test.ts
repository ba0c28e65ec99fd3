import { codeOf } from '@tenon/core/testing';
import { apiKey } from '@tenon/credentials';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVault } from './support/open-vault.ts';
import { recordTelemetry, type RecordedTelemetry } from './support/recorded-telemetry.ts';

const reference = { scope: 'org:acme', id: 'key' };

let recorded: RecordedTelemetry;
beforeEach(() => {
  recorded = recordTelemetry();
});
afterEach(() => recorded.stop());

const operations = () =>
  recorded.measurements
    .filter(({ instrument }) => instrument === 'credential_operations_total')
    .map(({ attributes }) => `${String(attributes['operation'])} ${String(attributes['result'])}`);

describe('telemetry', () => {
  it('has a span and a count for each operation that reaches the storage', async () => {
    const { vault } = openVault({ name: 'postgres' });
    await vault.store(reference, apiKey('x'));
    await vault.retrieve(reference);
    await vault.validate(reference);
    await vault.inspect(reference);
    await vault.list({ scope: 'org:acme' });
    await vault.rotate(reference, apiKey('y'));
    await vault.rollBack(reference);
    await vault.revokePrevious(reference);
    await vault.deleteMany([reference]);
    const names = ['store', 'retrieve', 'validate', 'inspect', 'list', 'rotate', 'roll-back', 'revoke'];
    expect(recorded.spans.map(({ name }) => name)).toEqual([
      ...names.map((name) => `credentials.${name}`),
      'credentials.delete-many',
      'credentials.delete',
    ]);
    expect(recorded.spans.every(({ ended }) => ended)).toBe(true);
    expect(recorded.spans.every(({ attributes }) => attributes['tenon.storage'] === 'postgres')).toBe(true);
    expect(operations()).toEqual([...names, 'delete', 'delete-many'].map((name) => `${name} succeeded`));
    expect(
      recorded.measurements.filter(({ instrument }) => instrument === 'credential_operation_duration_seconds'),
    ).toHaveLength(10);
  });

  it('counts failures by their code, and marks their span', async () => {
    const { vault, storage } = openVault();
    await codeOf(vault.store(reference, apiKey('x'), { mode: 'replace' }));
    storage.before(() => {
      throw new Error('broken');
    });
    await codeOf(vault.retrieve(reference));
    expect(operations()).toEqual(['store CREDENTIAL_NOT_FOUND', 'retrieve CREDENTIAL_STORAGE_FAILED']);
    expect(recorded.spans.map(({ attributes }) => attributes['error.type'])).toEqual([
      'CREDENTIAL_NOT_FOUND',
      'CREDENTIAL_STORAGE_FAILED',
    ]);
  });

  it('counts what the cache answers too, without a span', async () => {
    const { vault, clock } = openVault({ build: (builder) => builder.cache({}) });
    await vault.store(reference, apiKey('x'), { expiresAt: new Date(clock.now() + 10) });
    await vault.retrieve(reference);
    const { length } = recorded.spans;
    await vault.retrieve(reference);
    await clock.advance(10);
    await codeOf(vault.retrieve(reference));
    expect(recorded.spans).toHaveLength(length);
    expect(operations().slice(1)).toEqual(['retrieve succeeded', 'retrieve succeeded', 'retrieve CREDENTIAL_EXPIRED']);
    expect(recorded.readGauges()).toEqual({ credential_cache_hit_ratio: 2 / 3, credential_cache_entries: 1 });
  });

  it('measures how long an operation took, in seconds', async () => {
    const { vault, storage, clock } = openVault();
    storage.before(() => new Promise((resolve) => void clock.schedule(resolve, 1_500)));
    const reading = vault.retrieve(reference);
    await clock.advance(1_500);
    await reading;
    expect(
      recorded.measurements.find(({ instrument }) => instrument === 'credential_operation_duration_seconds'),
    ).toEqual({
      instrument: 'credential_operation_duration_seconds',
      value: 1.5,
      attributes: { operation: 'retrieve' },
    });
  });

  it('names no credential, no scope and no tenant: their number has no bounds', async () => {
    const { vault } = openVault();
    await vault.store(reference, apiKey('x'));
    await vault.retrieve(reference);
    await codeOf(vault.store(reference, apiKey('x'), { mode: 'create' }));
    const all = JSON.stringify([recorded.spans, recorded.measurements]);
    for (const name of ['org:acme', '"key"', '"main"']) expect(all).not.toContain(name);
    expect(all).toContain('credentials.store');
  });
});
