import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAs, runInContext, type JsonValue } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { securityEventListing, type SecurityEvent } from '@tenon/tenancy';
import { sql } from 'kysely';
import { cursors, openTenancy, request, type OpenTenancy, type TestTenant } from '../open-tenancy.ts';

describe.each(describeDrivers())('security events on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  const list = (tenant: TestTenant, parameters = {}): Promise<readonly SecurityEvent[]> =>
    tenant.inside(
      async () => (await open.tenancy.securityEvents.list(request(securityEventListing, parameters), cursors)).items,
    );
  const all = async () => {
    const { rows } = await open.test.database.withSystem('look', (tx) =>
      sql<Record<string, JsonValue>>`select * from security_events order by id`.execute(tx),
    );
    return rows;
  };

  it('keep who, which tenants, what, the request and the facts', async () => {
    const [tenant, victim] = [await open.newTenant(), await open.newTenant()];
    const actor = { type: 'user', id: 'attacker' } as const;
    await runInContext({ tenant: tenant.id, actor, requestId: 'request-9' }, () =>
      open.tenancy.securityEvents.record({
        type: 'tenant.cross-access',
        resource: 'users/123',
        otherTenantId: victim.id,
        details: { method: 'GET', nested: { list: [1, null, true] } },
      }),
    );
    const event = {
      type: 'tenant.cross-access',
      tenantId: tenant.id,
      otherTenantId: victim.id,
      actor,
      resource: 'users/123',
      requestId: 'request-9',
      details: { method: 'GET', nested: { list: [1, null, true] } },
      createdAt: new Date(open.clock.now()).toISOString(),
    };
    expect(await list(tenant, { type: 'tenant.cross-access' })).toMatchObject([event]);
    expect(await list(victim, { type: 'tenant.cross-access' })).toEqual([]);
  });

  it('write one log line each, louder for what is alarming', async () => {
    const tenant = await open.newTenant();
    const before = open.log.length;
    await tenant.inside(() => open.tenancy.securityEvents.record({ type: 'access.denied', details: { scope: 'x' } }));
    await tenant.inside(() => open.tenancy.securityEvents.record({ type: 'sign-in.succeeded' }));
    const lines = open.log.slice(before).filter(({ level }) => level !== 'debug');
    expect(lines).toMatchObject([
      {
        level: 'warn',
        fields: { securityEvent: { type: 'access.denied', tenantId: tenant.id, details: { scope: 'x' } } },
      },
      { level: 'info', fields: { securityEvent: { type: 'sign-in.succeeded' } } },
    ]);
  });

  it('can be recorded before a tenant is known, and for a tenant that is named, and no other tenant sees them', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    const actor = { type: 'user', id: 'somebody' } as const;
    await open.tenancy.securityEvents.record({ type: 'sign-in.failed', actor, requestId: 'r' });
    await open.tenancy.securityEvents.record({ type: 'session.ended', tenantId: tenant.id, actor });
    await other.inside(() => open.tenancy.securityEvents.record({ type: 'session.ended', tenantId: tenant.id, actor }));
    expect((await list(tenant)).map(({ type }) => type)).toEqual(['session.ended', 'session.ended', 'tenant.created']);
    expect((await list(other)).map(({ type }) => type)).toEqual(['tenant.created']);
    expect(await all()).toContainEqual(expect.objectContaining({ type: 'sign-in.failed', tenant_id: null }));
  });

  it('are listed newest first, by type, actor and time, page by page', async () => {
    const tenant = await open.newTenant();
    for (let n = 0; n < 5; n += 1) {
      await open.clock.advance(1_000);
      await runAs({ tenant: tenant.id, actor: { type: 'user', id: `actor-${n % 2}` } }, () =>
        open.tenancy.securityEvents.record({ type: n < 3 ? 'access.denied' : 'tenant.mismatch', details: { n } }),
      );
    }
    const numbers = async (parameters: Record<string, string>) =>
      (await list(tenant, parameters)).map(({ details }) => details['n']);
    expect(await numbers({})).toEqual([4, 3, 2, 1, 0, undefined]);
    expect(await numbers({ type: 'access.denied' })).toEqual([2, 1, 0]);
    expect(await numbers({ 'type[in]': 'tenant.mismatch,tenant.created' })).toEqual([4, 3, undefined]);
    expect(await numbers({ actorId: 'actor-1' })).toEqual([3, 1]);
    expect(await numbers({ 'createdAt[gte]': new Date(open.clock.now() - 1_000).toISOString() })).toEqual([4, 3]);
    const first = await tenant.inside(() =>
      open.tenancy.securityEvents.list(request(securityEventListing, { limit: '4' }), cursors),
    );
    expect(await numbers({ limit: '4', cursor: first.nextCursor ?? '' })).toEqual([0, undefined]);
  });

  it('are recorded whatever an attacker sends: too long, NUL, half characters', async () => {
    const tenant = await open.newTenant();
    const awful = `a\0\u{D800}${'👾'.repeat(1_000)}`;
    await runInContext({ tenant: tenant.id, actor: { type: 'user', id: awful }, requestId: awful }, () =>
      open.tenancy.securityEvents.record({
        type: 'tenant.mismatch',
        resource: awful,
        otherTenantId: awful,
        details: { agent: 'b\0\u{DC00}c' },
      }),
    );
    const [event] = await list(tenant, { type: 'tenant.mismatch' });
    expect(event?.resource).toMatch(/^a\u{FFFD}\u{FFFD}👾+$/u);
    expect(Array.from(event?.resource ?? '')).toHaveLength(256);
    expect(event?.details).toEqual({ agent: 'b\u{FFFD}\u{FFFD}c' });
    await tenant.inside(() =>
      open.tenancy.securityEvents.record({ type: 'access.denied', details: { text: 'x'.repeat(5_000) } }),
    );
    expect((await list(tenant, { type: 'access.denied' }))[0]?.details).toEqual({ omittedBytes: 5_011 });
  });

  it('are never changed or removed: not by a tenant, not by the system role, not by the owner of the database', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.securityEvents.record({ type: 'access.denied' }));
    const before = await all();
    const roles = {
      tenant: [sql`set local role tenon_tenant`],
      system: [sql`set local role tenon_system`],
      owner: [sql`reset role`],
      replica: [sql`reset role`, sql`set local session_replication_role = replica`],
    };
    const statements = {
      update: sql`update security_events set type = 'nothing'`,
      delete: sql`delete from security_events`,
      truncate: sql`truncate security_events`,
      truncateMore: sql`truncate users, security_events cascade`,
      upsert: sql`insert into security_events (id, type) select id, type from security_events limit 1
        on conflict (id) do update set type = 'nothing'`,
    };
    for (const [role, become] of Object.entries(roles)) {
      for (const [name, statement] of Object.entries(statements)) {
        const attempt = open.test.database.withSystem('tamper', async (tx) => {
          await sql`select set_config('tenon.tenant_id', ${tenant.id}, true)`.execute(tx);
          for (const step of become) await step.execute(tx);
          await statement.execute(tx);
        });
        expect(await codeOf(attempt), `${role} ${name}`).toBe('DATABASE_ACCESS_DENIED');
      }
    }
    expect(await all()).toEqual(before);
  });

  it('are refused by a trigger and not only for want of rights: the owner is told so', async () => {
    const attempt = open.test.database.withSystem('tamper', async (tx) => {
      await sql`reset role`.execute(tx);
      await sql`delete from security_events`.execute(tx);
    });
    await expect(attempt).rejects.toMatchObject({
      cause: { message: 'rows of security_events are never changed or removed' },
    });
  });
});
