import { codeOf } from '@tenon/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDrivers } from '@tenon/database/testing';
import { userListing, type NewUser, type User } from '@tenon/tenancy';
import fc from 'fast-check';
import { sql } from 'kysely';
import { cursors, openTenancy, request, type OpenTenancy, type TestTenant } from '../open-tenancy.ts';

const names = [
  'Ana',
  'ana',
  'Ándrea',
  'Zoë',
  "O'Brien",
  'Müller',
  'mu\u0308ller',
  '李雷',
  '👨‍👩‍👧 Smith',
  'Ünal',
  'ZZ',
  'Σίσυφος',
];
const countries = ['Mexico', 'Germany', 'Österreich', null];
const companies = ['Acme', 'acme', 'Müller & Söhne', null];

const person = fc.record({
  email: fc.tuple(fc.constantFrom('a', 'B', 'ab', 'mü', 'Z'), fc.nat(30)).map(([name, n]) => `${name}${n}@example.com`),
  name: fc.constantFrom(...names),
  role: fc.constantFrom('admin', 'member', 'viewer'),
  status: fc.constantFrom('active', 'invited', 'disabled'),
  country: fc.constantFrom(...countries),
  company: fc.constantFrom(...companies),
});

// Code points in order, as collation C has them; JavaScript compares UTF-16 units.
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const nameKey = (text: string): string => text.normalize('NFC').toLowerCase();

interface Filter {
  readonly parameter: string;
  readonly value: string;
  readonly keeps: (user: User) => boolean;
}
const filter: fc.Arbitrary<Filter> = fc.oneof(
  fc.constantFrom('admin', 'member', 'viewer', 'owner').map((value) => ({
    parameter: 'role',
    value,
    keeps: (user: User) => user.role === value,
  })),
  fc.constantFrom('active,invited', 'disabled').map((value) => ({
    parameter: 'status[in]',
    value,
    keeps: (user: User) => value.split(',').includes(user.status),
  })),
  fc.constantFrom('Mexico', 'Österreich', 'Nowhere').map((value) => ({
    parameter: 'country',
    value,
    keeps: (user: User) => user.country === value,
  })),
  fc.constantFrom('Acme', 'Müller & Söhne').map((value) => ({
    parameter: 'company',
    value,
    keeps: (user: User) => user.company === value,
  })),
  fc.constantFrom('A', 'an', 'MU\u0308', "o'", '李', '%', '_').map((value) => ({
    parameter: 'name[prefix]',
    value,
    keeps: (user: User) => nameKey(user.name).startsWith(nameKey(value)),
  })),
  fc.constantFrom('A', 'b', 'MÜ').map((value) => ({
    parameter: 'email[prefix]',
    value,
    keeps: (user: User) => user.email.toLowerCase().startsWith(value.toLowerCase()),
  })),
);

const orders: Record<string, (a: User, b: User) => number> = {
  name: (a, b) => compare(nameKey(a.name), nameKey(b.name)),
  email: (a, b) => compare(a.email.toLowerCase(), b.email.toLowerCase()),
  createdAt: (a, b) => compare(a.createdAt, b.createdAt),
};
const sort = fc
  .uniqueArray(fc.constantFrom('name', 'email', 'createdAt'), { minLength: 1, maxLength: 3 })
  .chain((fields) => fc.tuple(...fields.map((field) => fc.constantFrom(field, `-${field}`))));

function sorted(users: readonly User[], keys: readonly string[]): readonly User[] {
  const directions = keys.map((key) => (key.startsWith('-') ? -1 : 1));
  return users.toSorted((a, b) => {
    for (const [index, key] of keys.entries()) {
      const result = (orders[key.replace('-', '')]?.(a, b) ?? 0) * (directions[index] ?? 1);
      if (result !== 0) return result;
    }
    return compare(a.id, b.id) * (directions.at(-1) ?? 1);
  });
}

describe.each(describeDrivers())('isolation of people on %s', (driver) => {
  let open: OpenTenancy;
  const tenants: TestTenant[] = [];
  const model = new Map<string, readonly User[]>();

  beforeAll(async () => {
    open = await openTenancy(driver);
    for (const [index, rows] of fc
      .sample(fc.array(person, { minLength: 30, maxLength: 60 }), { seed: 10, numRuns: 3 })
      .entries()) {
      const tenant = await open.newTenant(`Tenant ${index}`);
      tenants.push(tenant);
      const known = new Map<string, User>();
      await tenant.inside(async () => {
        for (const row of rows) {
          await open.clock.advance(row.name.length % 3);
          const key = row.email.toLowerCase();
          if (known.has(key)) continue;
          known.set(key, await open.tenancy.users.create(row));
        }
        const owner = await open.tenancy.users.get(tenant.ownerId);
        if (owner !== undefined) known.set(owner.email, owner);
      });
      model.set(tenant.id, [...known.values()]);
    }
  });
  afterAll(() => open.test.drop());

  it('property 10: any list gives exactly the rows of its own tenant that a model gives, in order, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2),
        fc.uniqueArray(filter, { maxLength: 3, selector: ({ parameter }) => parameter }),
        sort,
        fc.integer({ min: 1, max: 40 }),
        async (index, filters, keys, limit) => {
          const tenant = tenants[index] as TestTenant;
          const expected = sorted(
            (model.get(tenant.id) ?? []).filter((user) => filters.every(({ keeps }) => keeps(user))),
            keys,
          );
          const parameters = {
            ...Object.fromEntries(filters.map(({ parameter, value }) => [parameter, value])),
            sort: keys.join(','),
            limit: String(limit),
            total: 'true',
          };
          const actual: User[] = [];
          await tenant.inside(async () => {
            for (let cursor: string | null = ''; cursor !== null;) {
              const asked = request(userListing, cursor === '' ? parameters : { ...parameters, cursor });
              const page = await open.tenancy.users.list(asked, cursors);
              expect(page.items.length).toBeLessThanOrEqual(limit);
              expect(page.total).toEqual({ value: expected.length, relation: 'exact' });
              actual.push(...page.items);
              cursor = page.nextCursor;
            }
          });
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('property 10: a statement that forgets the tenant sees only its own rows, and none without a tenant', async () => {
    for (const tenant of tenants) {
      const { rows } = await tenant.inside(() =>
        open.test.database.withTenant((tx) => sql<{ tenant_id: string }>`select tenant_id from users`.execute(tx)),
      );
      expect(rows).toHaveLength(model.get(tenant.id)?.length ?? 0);
      expect(new Set(rows.map((row) => row.tenant_id))).toEqual(new Set([tenant.id]));
    }
    for (const table of [
      'users',
      'tenants',
      'invitations',
      'tenant_quotas',
      'tenant_settings_history',
      'security_events',
    ]) {
      const { rows } = await open.test.database.withSystem('look-without-tenant', async (tx) => {
        await sql`set local role tenon_tenant`.execute(tx);
        return sql`select 1 from ${sql.table(table)}`.execute(tx);
      });
      expect(rows, table).toEqual([]);
    }
  });

  it('property 11: whatever an input says, the row belongs to the tenant of the context, or is refused', async () => {
    const owner = fc.constantFrom('tenantId', 'tenant_id', 'TENANT_ID', 'tenant');
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2),
        fc.nat(2),
        person,
        fc.option(owner, { nil: undefined }),
        fc.constantFrom('create', 'replace', 'update', 'import'),
        async (own, other, row, field, operation) => {
          const [tenant, victim] = [tenants[own], tenants[other]] as [TestTenant, TestTenant];
          serial += 1;
          const email = `p11-${serial}@example.com`;
          const input = { ...row, email, ...(field === undefined ? {} : { [field]: victim.id }) };
          const { users } = open.tenancy;
          const work = async (): Promise<unknown> => {
            if (operation === 'create') return users.create(input);
            if (operation === 'import') return users.importBatch([input]);
            const base: NewUser = { email: `p11-base-${serial}@example.com`, name: 'Base' };
            const { id } = await users.create(base);
            return operation === 'replace' ? users.replace(id, input) : users.update(id, input);
          };
          expect(await codeOf(tenant.inside(work))).toBe(field === undefined ? 'none' : 'USER_INVALID');
          const { rows } = await open.test.database.withSystem('look-everywhere', (tx) =>
            sql<{ tenant_id: string }>`select tenant_id from users where email = ${email}`.execute(tx),
          );
          expect(rows.map((one) => one.tenant_id)).toEqual(field === undefined ? [tenant.id] : []);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('property 11: the database itself refuses to insert into another tenant, or to move a row there', async () => {
    const [own, victim] = tenants as [TestTenant, TestTenant];
    const attempt = (statement: ReturnType<typeof sql>): Promise<string> =>
      codeOf(own.inside(() => open.test.database.withTenant((tx) => statement.execute(tx))));
    const values = sql`('p11-x', 'x@example.com', 'x@example.com', 'X', ${victim.id})`;
    const insert = sql`insert into users (id, email, email_key, name, tenant_id) values ${values}`;
    expect(await attempt(insert)).toBe('DATABASE_ACCESS_DENIED');
    expect(await attempt(sql`update users set tenant_id = ${victim.id}`)).toBe('DATABASE_ACCESS_DENIED');
    const upsert = sql`${insert} on conflict (tenant_id, email_key) do update set name = 'stolen'`;
    expect(await attempt(upsert)).toBe('DATABASE_ACCESS_DENIED');
  });

  it('property 12: a row of another tenant fails exactly like a row that is not there, and can be told apart afterwards', async () => {
    const [own, victim] = tenants as [TestTenant, TestTenant];
    const target = (model.get(victim.id) ?? [])[0] as User;
    const absent = target.id.replace(/.{4}$/, 'ffff');
    const replacement = { email: 'new@example.com', name: 'New', role: 'member', status: 'active' } as const;
    const attempts: readonly ((id: string) => Promise<unknown>)[] = [
      (id) => open.tenancy.users.get(id),
      (id) => open.tenancy.users.update(id, { name: 'Stolen' }),
      (id) => open.tenancy.users.replace(id, replacement),
      (id) => open.tenancy.users.remove(id),
      (id) => open.tenancy.users.remove(id, 1),
      (id) => open.tenancy.invitations.create(id),
    ];
    const outcome = (attempt: (id: string) => Promise<unknown>, id: string): Promise<unknown> =>
      own
        .inside(() => attempt(id))
        .then(
          (value) => ({ value }),
          (error: { toJSON(): unknown }) => error.toJSON(),
        );
    for (const attempt of attempts) expect(await outcome(attempt, target.id)).toEqual(await outcome(attempt, absent));
    expect(await victim.inside(() => open.tenancy.users.get(target.id))).toEqual(target);
    expect(await open.tenancy.ownerOf('users', target.id)).toBe(victim.id);
    expect(await open.tenancy.ownerOf('users', absent)).toBeUndefined();
  });
});
