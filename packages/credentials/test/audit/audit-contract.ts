import { newId } from '@tenon/core';
import type { AuditQuery, AuditRecord, CredentialAudit } from '@tenon/credentials';
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';

export const never = { signal: new AbortController().signal };

let made = 0;

/** A record of the tenant `acme`, a second after the one before. */
export function recordOf(more: Partial<AuditRecord> = {}): AuditRecord {
  made += 1;
  return {
    id: newId(),
    operationId: newId(),
    atMs: Date.UTC(2026, 0, 1) + made * 1_000,
    tenant: 'acme',
    action: 'read',
    outcome: 'succeeded',
    actor: { type: 'user', id: 'ada' },
    scope: 'org:acme',
    credentialId: 'github',
    version: 3,
    requestId: 'req-1',
    details: { reason: 'incident 4711', count: 2 },
    ...more,
  };
}

export const idsOf = (records: readonly AuditRecord[]): readonly string[] => records.map(({ id }) => id);

/** What every audit keeps to. @param open - gives one that is empty */
export function auditContract(open: () => Promise<CredentialAudit>): void {
  let audit: CredentialAudit;
  beforeEach(async () => {
    audit = await open();
  });
  const append = (...records: readonly AuditRecord[]) => audit.append(records, never);
  const found = async (query: Partial<AuditQuery> = {}) => idsOf(await audit.query({ tenant: 'acme', ...query }));

  it('gives back what was appended, the newest first', async () => {
    const records = [recordOf(), recordOf(), recordOf()];
    await append(...records.slice(0, 2));
    await append(...records.slice(2));
    expect(await audit.query({ tenant: 'acme' })).toEqual(records.toReversed());
  });

  it('leaves out what a record does not have', async () => {
    const { id, operationId, atMs, tenant } = recordOf();
    const bare: AuditRecord = { id, operationId, atMs, tenant, action: 'list', outcome: 'denied', details: {} };
    await append(bare);
    expect(await audit.query({ tenant: 'acme' })).toEqual([bare]);
  });

  it('is not changed by who changes what was appended, or what was given', async () => {
    const details: Record<string, string> = { reason: 'a' };
    const record = recordOf({ details });
    await append(record);
    details['reason'] = 'b';
    const [given] = await audit.query({ tenant: 'acme' });
    expect(() => Object.assign(given?.details ?? {}, { reason: 'c' })).toThrow(TypeError);
    expect(() => Object.assign(given ?? {}, { outcome: 'failed' })).toThrow(TypeError);
    expect(await audit.query({ tenant: 'acme' })).toEqual([{ ...record, details: { reason: 'a' } }]);
  });

  it('keeps a record that is given twice once, as it was the first time', async () => {
    const record = recordOf();
    await append(record);
    await append({ ...record, outcome: 'failed' }, recordOf({ action: 'delete' }));
    expect(await audit.query({ tenant: 'acme', action: 'read' })).toEqual([record]);
    expect(await found()).toHaveLength(2);
  });

  it('appends nothing without complaint', async () => {
    await append();
    expect(await found()).toEqual([]);
  });

  it('shows each tenant its own records, whatever the ids', async () => {
    const record = recordOf();
    await append(record, { ...record, tenant: 'globex' }, recordOf({ tenant: 'globex' }));
    expect(await audit.query({ tenant: 'acme' })).toEqual([record]);
    expect(await found({ tenant: 'globex' })).toHaveLength(2);
    expect(await found({ tenant: 'initech' })).toEqual([]);
  });

  it('finds the records of a credential, a scope, an actor, an action', async () => {
    const records = [
      recordOf(),
      recordOf({ credentialId: 'stripe' }),
      recordOf({ scope: 'org:acme/team:eng' }),
      recordOf({ actor: { type: 'api-key', id: 'key-1' } }),
      recordOf({ action: 'delete' }),
    ];
    await append(...records);
    const at = (...places: readonly number[]) => places.map((place) => records[place]?.id);
    expect(await found({ credentialId: 'stripe' })).toEqual(at(1));
    expect(await found({ scope: 'org:acme/team:eng' })).toEqual(at(2));
    expect(await found({ scope: 'org:acme', credentialId: 'github' })).toEqual(at(4, 3, 0));
    expect(await found({ actorId: 'key-1' })).toEqual(at(3));
    expect(await found({ action: 'delete' })).toEqual(at(4));
    expect(await found({ action: 'delete', actorId: 'key-1' })).toEqual([]);
  });

  it('finds records from a moment on, and up to another one', async () => {
    const records = [recordOf(), recordOf(), recordOf()];
    await append(...records);
    const [first, second, third] = records as [AuditRecord, AuditRecord, AuditRecord];
    expect(await found({ fromMs: second.atMs })).toEqual([third.id, second.id]);
    expect(await found({ toMs: second.atMs })).toEqual([first.id]);
    expect(await found({ fromMs: second.atMs, toMs: third.atMs })).toEqual([second.id]);
  });

  it('gives them all once, page by page, also those of one moment', async () => {
    const atMs = Date.UTC(2026, 5, 1);
    const records = Array.from({ length: 25 }, (_, at) => recordOf({ atMs: atMs + Math.floor(at / 10) }));
    await append(...records);
    for (const limit of [1, 7, 25]) {
      const pages: string[] = [];
      for (
        let page = await found({ limit });
        page.length > 0;
        page = await found({ limit, after: pages.at(-1) ?? '' })
      ) {
        expect(page.length).toBeLessThanOrEqual(limit);
        pages.push(...page);
      }
      expect(pages).toEqual(idsOf(records.toReversed()));
    }
  });

  it('gives nothing behind a record that is not there, or is another tenant’s', async () => {
    const other = recordOf({ tenant: 'globex' });
    await append(recordOf(), other);
    expect(await found({ after: other.id })).toEqual([]);
    expect(await found({ after: newId() })).toEqual([]);
  });

  it('gives 100 when no limit is named, and refuses limits that are none', async () => {
    await append(...Array.from({ length: 101 }, () => recordOf()));
    expect(await found()).toHaveLength(100);
    expect(await found({ limit: 1_000 })).toHaveLength(101);
    for (const limit of [0, 1_001, 1.5, Number.NaN, -1]) {
      await expect(audit.query({ tenant: 'acme', limit })).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
    }
  });

  it('gives back any text that a record can hold', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((one) => one.toWellFormed().replaceAll('\0', ''));
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        fc.dictionary(text, text, { noNullPrototype: true }),
        async (actor, request, details) => {
          const record = recordOf({ actor: { type: 'user', id: actor }, requestId: request, details });
          await append(record);
          expect(await audit.query({ tenant: 'acme', limit: 1 })).toEqual([record]);
        },
      ),
      { numRuns: 30 },
    );
  });
}
