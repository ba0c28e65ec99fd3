import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf } from '../support/client.ts';
import { createOrder, createProduct, userBody } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

interface User {
  readonly id: string;
  readonly role: string;
  readonly status: string;
  readonly version: number;
}

describe.each(describeDrivers())('people over HTTP, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
  });
  afterAll(() => server.stop());

  const create = async (change: object = {}): Promise<User> => {
    const answer = await tenant.owner.post('/v1/users', userBody(change));
    expect(answer.status, answer.text).toBe(201);
    return answer.as<User>();
  };

  it('are active members without an account unless said otherwise', async () => {
    const answer = await tenant.owner.post('/v1/users', { email: ` ${newId()}@Example.com `, name: ' Jo ' });
    expect(answer.body).toMatchObject({
      tenantId: tenant.id,
      accountId: null,
      email: expect.stringMatching(/^\S+@Example\.com$/),
      name: 'Jo',
      role: 'member',
      status: 'active',
      company: null,
      phone: null,
    });
  });

  it('cannot share an address, in whatever case', async () => {
    const body = userBody();
    const first = (await tenant.owner.post('/v1/users', body)).as<User>();
    const other = await create();
    const taken = { email: String(body['email']).toUpperCase() };
    const answers = [
      await tenant.owner.post('/v1/users', { ...body, ...taken }),
      await tenant.owner.patch(`/v1/users/${other.id}`, taken),
      await tenant.owner.put(`/v1/users/${other.id}`, userBody({ ...taken, role: 'member', status: 'active' })),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(409);
      expect(problemOf(answer).code).toBe('USER_EMAIL_TAKEN');
    }
    expect((await tenant.owner.patch(`/v1/users/${first.id}`, taken)).status).toBe(200);
  });

  it('of two tenants can have the same address', async () => {
    const body = userBody();
    const { owner } = await server.newTenant();
    expect((await tenant.owner.post('/v1/users', body)).status).toBe(201);
    expect((await owner.post('/v1/users', body)).status).toBe(201);
  });

  it('lose with PUT what is left out, and keep it with PATCH', async () => {
    const { id } = await create({ city: 'Bern', company: 'Chop-suey Chinese' });
    const patched = await tenant.owner.patch(`/v1/users/${id}`, { company: null });
    expect(patched.body).toMatchObject({ city: 'Bern', company: null });
    const replaced = await tenant.owner.put(`/v1/users/${id}`, userBody({ role: 'viewer', status: 'disabled' }));
    expect(replaced.body).toMatchObject({ city: null, company: null, role: 'viewer', status: 'disabled' });
    const incomplete = await tenant.owner.put(`/v1/users/${id}`, userBody());
    expect(problemsOf(incomplete)).toEqual({ '/role': 'required', '/status': 'required' });
  });

  it('are not changed by a patch that changes nothing', async () => {
    const { id } = await create({ city: 'Bern' });
    const answer = await tenant.owner.patch(`/v1/users/${id}`, { city: 'Bern' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"v1"');
  });

  it('get all their faults named at once', async () => {
    const answer = await tenant.owner.post('/v1/users', {
      email: 'nobody',
      name: '',
      role: 'king',
      status: 7,
      city: 'x'.repeat(256),
      phone: 'a\nb',
    });
    expect(answer.status).toBe(422);
    expect(problemsOf(answer)).toEqual({
      '/email': 'not_an_email',
      '/name': 'too_short',
      '/role': 'unknown_value',
      '/status': expect.any(String),
      '/city': 'too_long',
      '/phone': 'not_text',
    });
  });

  it('who own the tenant are made and changed by owners alone', async () => {
    const admin = await tenant.newPerson('admin');
    const answers = [
      await admin.post('/v1/users', userBody({ role: 'owner' })),
      await admin.patch(`/v1/users/${tenant.owner.userId}`, { name: 'Somebody else' }),
      await admin.patch(`/v1/users/${admin.userId}`, { role: 'owner' }),
      await admin.delete(`/v1/users/${tenant.owner.userId}`),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(403);
      expect(problemOf(answer).code).toBe('USER_ROLE_FORBIDDEN');
    }
    expect((await admin.post('/v1/users', userBody({ role: 'admin' }))).status).toBe(201);
  });

  it('never leave a tenant without an owner', async () => {
    const { owner } = await server.newTenant();
    const answers = [
      await owner.delete(`/v1/users/${owner.userId}`),
      await owner.patch(`/v1/users/${owner.userId}`, { role: 'admin' }),
      await owner.patch(`/v1/users/${owner.userId}`, { status: 'disabled' }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(409);
      expect(problemOf(answer).code).toBe('USER_LAST_OWNER');
    }
  });

  it('who ordered something stay', async () => {
    const member = await tenant.newPerson('member');
    await createOrder(member, await createProduct(tenant.owner));
    const answer = await tenant.owner.delete(`/v1/users/${member.userId}`);
    expect(answer.status).toBe(409);
    expect(problemOf(answer).code).toBe('USER_IN_USE');
  });

  it('can be no more than the quota', async () => {
    const limited = await server.newTenant();
    const { owner } = limited;
    await limited.run(() => server.services.tenancy.quotas.set('users', 2));
    expect((await owner.post('/v1/users', userBody())).status).toBe(201);
    const answer = await owner.post('/v1/users', userBody());
    expect(answer.status).toBe(409);
    expect(problemOf(answer).code).toBe('QUOTA_EXCEEDED');
    expect((await owner.get('/v1/tenant/quotas')).body).toEqual({ items: [{ name: 'users', max: 2, used: 2 }] });
  });

  it('who are disabled or removed are out at once', async () => {
    for (const remove of [
      (id: string) => tenant.owner.patch(`/v1/users/${id}`, { status: 'disabled' }),
      (id: string) => tenant.owner.delete(`/v1/users/${id}`),
    ]) {
      const member = await tenant.newPerson('member');
      expect((await member.get('/v1/products')).status).toBe(200);
      await remove(member.userId);
      const answer = await member.get('/v1/products');
      expect(answer.status).toBe(403);
    }
  });
});
