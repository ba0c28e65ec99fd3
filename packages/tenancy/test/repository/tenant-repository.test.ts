import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { newId, runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import type { MigrationSet } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { createTenantRepository, type TenantAware, type TenantRecord, type TenantRepository } from '@tenon/tenancy';
import { sql } from 'kysely';

interface Note extends TenantRecord {
  readonly text: string;
  readonly at: string;
}

const migrations: MigrationSet = {
  name: 'notes',
  migrations: [
    {
      version: 1,
      name: 'create_notes',
      // Without row level security, so that the repository's own predicate is all that protects it.
      sql: `create table notes (tenant_id text not null, id text not null, body text not null, body_key text not null,
        written_at timestamptz(3) not null, version integer not null default 1, primary key (tenant_id, id));
        grant select, insert, update, delete on notes to tenon_tenant, tenon_system;`,
    },
  ],
};

const options = {
  table: 'notes',
  columns: { tenantId: 'tenant_id', id: 'id', version: 'version', text: 'body', at: 'written_at' },
  derive: ({ text }: Partial<Note>) => (text === undefined ? {} : { body_key: text.toLowerCase() }),
} as const;

describe.each(describeDrivers())('the tenant repository on %s', (driver) => {
  const notes: TenantRepository<Note> = createTenantRepository<Note>(options);
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(driver, [migrations]);
  });
  afterAll(() => test.drop());

  const inside = <T>(tenant: string, work: (tx: Parameters<typeof notes.find>[0]) => Promise<T>): Promise<T> =>
    runAs({ tenant }, () => test.database.withTenant(work));
  const at = '2026-01-31T12:00:00.123Z';

  it('writes, reads, changes and removes records, with what follows from their fields', async () => {
    const id = newId();
    const written = await inside('acme', (tx) => notes.insert(tx, { id, text: 'Call BACK', at }));
    expect(written).toEqual({ tenantId: 'acme', id, text: 'Call BACK', at, version: 1 });
    expect(await inside('acme', (tx) => notes.find(tx, id))).toEqual(written);
    const changed = await inside('acme', (tx) => notes.update(tx, id, { text: 'Done' }));
    expect(changed).toEqual({ ...written, text: 'Done', version: 2 });
    const { rows } = await inside('acme', (tx) => sql`select body_key from notes`.execute(tx));
    expect(rows).toEqual([{ body_key: 'done' }]);
    expect(await inside('acme', (tx) => notes.remove(tx, id))).toBe(true);
    expect(await inside('acme', (tx) => notes.remove(tx, id))).toBe(false);
    expect(await inside('acme', (tx) => notes.find(tx, id))).toBeUndefined();
  });

  it('sees no record of another tenant, even without row level security beneath it', async () => {
    const id = newId();
    const written = await inside('acme', (tx) => notes.insert(tx, { id, text: 'Ours', at }));
    expect(await inside('evil', (tx) => notes.find(tx, id))).toBeUndefined();
    expect(await inside('evil', (tx) => notes.update(tx, id, { text: 'Stolen' }))).toBeUndefined();
    expect(await inside('evil', (tx) => notes.remove(tx, id))).toBe(false);
    expect(await inside('acme', (tx) => notes.find(tx, id))).toEqual(written);
  });

  it('refuses a tenant, a version, an id on update, and fields that it does not know, whatever their static type', async () => {
    const id = newId();
    await inside('acme', (tx) => notes.insert(tx, { id, text: 'Ours', at }));
    for (const extra of [{ tenantId: 'evil' }, { tenant_id: 'evil' }, { version: 9 }, { constructor: 'x' }]) {
      const insert = inside('acme', (tx) => notes.insert(tx, { id: newId(), text: 'X', at, ...extra }));
      expect(await codeOf(insert)).toBe('TENANT_FIELD_REFUSED');
      const update = inside('acme', (tx) => notes.update(tx, id, { text: 'X', ...extra }));
      expect(await codeOf(update)).toBe('TENANT_FIELD_REFUSED');
    }
    const moved = inside('acme', (tx) => notes.update(tx, id, { id: newId() } as Partial<Note>));
    expect(await codeOf(moved)).toBe('TENANT_FIELD_REFUSED');
  });

  it('does nothing without a tenant, with system rights too', async () => {
    const find = test.database.withSystem('forgotten', (tx) => notes.find(tx, 'x'));
    expect(await codeOf(find)).toBe('TENANT_REQUIRED');
  });

  it('refuses a table whose tenant is not in tenant_id', () => {
    const columns = { ...options.columns, tenantId: 'owner' };
    expect(() => createTenantRepository<Note>({ ...options, columns })).toThrow(
      expect.objectContaining({ code: 'TENANCY_OPTIONS_INVALID' }),
    );
  });

  it('does not compile for a record without a tenant', () => {
    interface Orphan {
      readonly id: string;
      readonly version: number;
      readonly text: string;
    }
    const columns = { id: 'id', version: 'version', text: 'body' };
    // @ts-expect-error: the record has no tenantId
    const make = (): unknown => createTenantRepository<Orphan>({ table: 'notes', columns });
    expect(make).toThrow(expect.objectContaining({ code: 'TENANCY_OPTIONS_INVALID' }));
    expectTypeOf<Orphan>().not.toExtend<TenantAware>();
    expectTypeOf<Note>().toExtend<TenantAware>();
  });

  it('does not compile for writing a tenant or a version', () => {
    // @ts-expect-error: the tenant comes from the context
    const insert = () => inside('acme', (tx) => notes.insert(tx, { id: 'x', text: 'X', at, tenantId: 'evil' }));
    // @ts-expect-error: the version is the row's own
    const update = () => inside('acme', (tx) => notes.update(tx, 'x', { version: 3 }));
    expect([insert, update]).toHaveLength(2);
  });
});
