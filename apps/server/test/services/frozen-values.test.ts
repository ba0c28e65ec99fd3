import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { apiKeyListing } from '@tenon/auth';
import { apiKey } from '@tenon/credentials';
import { securityEventListing, userListing } from '@tenon/tenancy';
import { orderListing, productListing } from '@tenon/trading';
import type { Listing, ListRequest } from '@tenon/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

type Call = () => unknown;

/** `auth.apiKeys.create` and the like: every function of the services, however deep. */
function namesOf(service: object, prefix: string): readonly string[] {
  return Object.entries(service).flatMap(([name, member]: [string, unknown]) => {
    const path = `${prefix}.${name}`;
    if (typeof member === 'function') return [path];
    return typeof member === 'object' && member !== null ? namesOf(member, path) : [];
  });
}

/** The places of a value that could be written to. A moment or bytes cannot be frozen in JavaScript. */
function writablePlaces(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value)) return [];
  const inside = Object.entries(value).flatMap(([name, part]) => writablePlaces(part, `${path}.${name}`));
  return Object.isFrozen(value) ? inside : [path, ...inside];
}

describe.each(describeDrivers())('what services hand out, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
  });
  afterAll(() => server.stop());

  const firstPage = (listing: Listing<object>): ListRequest => {
    const parsed = listing.parse({ total: 'true' }, server.services.cursors);
    if (!parsed.ok) throw new Error('a list without parameters is refused');
    return parsed.value;
  };

  it('cannot be written to, for any function of any service', async () => {
    const { auth, tenancy, trading, credentials } = server.services;
    const calls = { ...callsOfAuth(), ...callsOfTenancy(), ...callsOfTrading(), ...callsOfCredentials() };
    const names = [
      ...namesOf(auth, 'auth'),
      ...namesOf(tenancy, 'tenancy'),
      ...namesOf(trading, 'trading'),
      ...namesOf(credentials, 'credentials'),
    ];
    // The last ones, because nothing works after them.
    const ordered = names.toSorted((left, right) => Number(left.endsWith('.close')) - Number(right.endsWith('.close')));
    expect(Object.keys(calls).toSorted()).toEqual(names.toSorted());
    const found: string[] = [];
    for (const name of ordered) {
      const result = await tenant.run(async () => calls[name]?.());
      found.push(...writablePlaces(result, name));
    }
    expect(found).toEqual([]);
  });

  function callsOfAuth(): Record<string, Call> {
    const { auth, cursors } = server.services;
    const { owner } = tenant;
    const account = { accountId: owner.accountId, currentPassword: PASSWORD, newPassword: PASSWORD };
    const newKey = () => auth.apiKeys.create({ name: 'robot', scopes: ['users:read'] });
    return {
      'auth.register': () => auth.register({ email: `${newId()}@example.com`, password: PASSWORD, name: 'New' }),
      'auth.signIn': () => auth.signIn({ email: owner.email, password: PASSWORD }),
      'auth.refresh': () => auth.refresh(owner.refreshToken),
      'auth.signOut': () => auth.signOut(newId()),
      'auth.signOutByRefreshToken': () => auth.signOutByRefreshToken('none'),
      'auth.signOutAll': async () => auth.signOutAll((await server.newAccount()).accountId),
      'auth.changePassword': () => auth.changePassword(account),
      'auth.setPassword': async () => auth.setPassword((await server.newAccount()).accountId, PASSWORD),
      'auth.disableAccount': async () => auth.disableAccount((await server.newAccount()).accountId),
      'auth.enableAccount': async () => auth.enableAccount((await server.newAccount()).accountId),
      'auth.verifyAccessToken': async () => auth.verifyAccessToken((await server.signIn(owner)).accessToken),
      'auth.jwks': () => auth.jwks(),
      'auth.rotateSigningKey': () => auth.rotateSigningKey(),
      'auth.statistics': () => auth.statistics(),
      'auth.purge': () => auth.purge(),
      'auth.close': () => auth.close(),
      'auth.accounts.get': () => auth.accounts.get(owner.accountId),
      'auth.accounts.findByEmail': () => auth.accounts.findByEmail(owner.email),
      'auth.sessions.list': async () => {
        await server.signIn(owner);
        return auth.sessions.list(owner.accountId);
      },
      'auth.sessions.end': async () => auth.sessions.end(owner.accountId, (await server.signIn(owner)).sessionId),
      'auth.apiKeys.create': newKey,
      'auth.apiKeys.list': () => auth.apiKeys.list(firstPage(apiKeyListing), cursors),
      'auth.apiKeys.get': async () => auth.apiKeys.get((await newKey()).apiKey.id),
      'auth.apiKeys.revoke': async () => auth.apiKeys.revoke((await newKey()).apiKey.id),
      'auth.apiKeys.verify': async () => auth.apiKeys.verify((await newKey()).key),
      'auth.apiKeys.ownerOf': () => auth.apiKeys.ownerOf(newId()),
    };
  }

  function callsOfTenancy(): Record<string, Call> {
    const { tenancy, database, cursors } = server.services;
    const { owner } = tenant;
    const { users, invitations } = tenancy;
    const person = () => ({ email: `${newId()}@example.com`, name: 'Person' });
    const replacement = { ...person(), role: 'member', status: 'active' } as const;
    const invited = async () => invitations.create((await users.create(person())).id);
    return {
      'tenancy.tenants.create': async () => {
        const { accountId, email } = await server.newAccount();
        return tenancy.tenants.create({ name: 'Other', owner: { accountId, email, name: 'Other' } });
      },
      'tenancy.tenants.current': () => tenancy.tenants.current(),
      'tenancy.tenants.update': () => tenancy.tenants.update({ name: 'Renamed' }),
      'tenancy.tenants.setStatus': () => tenancy.tenants.setStatus(tenant.id, 'active'),
      'tenancy.tenants.list': () => tenancy.tenants.list(),
      'tenancy.tenants.isActive': () => tenancy.tenants.isActive(tenant.id),
      'tenancy.users.list': () => users.list(firstPage(userListing), cursors),
      'tenancy.users.get': () => users.get(owner.userId),
      'tenancy.users.create': () => users.create(person()),
      'tenancy.users.replace': async () => users.replace((await users.create(person())).id, replacement),
      'tenancy.users.update': () => users.update(owner.userId, { city: 'Oaxaca' }),
      'tenancy.users.remove': async () => users.remove((await users.create(person())).id),
      'tenancy.users.importBatch': () => users.importBatch([person(), person()]),
      'tenancy.invitations.create': invited,
      'tenancy.invitations.accept': async () => {
        const { token } = await invited();
        return invitations.accept(token, (await server.newAccount()).accountId);
      },
      'tenancy.invitations.assertOpen': async () => invitations.assertOpen((await invited()).token),
      'tenancy.settings.get': () => tenancy.settings.get(),
      'tenancy.settings.update': () => tenancy.settings.update({}),
      'tenancy.settings.history': () => tenancy.settings.history(),
      'tenancy.quotas.set': () => tenancy.quotas.set('users', 100),
      'tenancy.quotas.list': () => tenancy.quotas.list(),
      'tenancy.quotas.reserve': () => database.withTenant((tx) => tenancy.quotas.reserve(tx, 'users', 1)),
      'tenancy.quotas.release': () => database.withTenant((tx) => tenancy.quotas.release(tx, 'users', 1)),
      'tenancy.securityEvents.record': () => tenancy.securityEvents.record({ type: 'access.denied' }),
      'tenancy.securityEvents.list': () => tenancy.securityEvents.list(firstPage(securityEventListing), cursors),
      'tenancy.membershipsOf': () => tenancy.membershipsOf(owner.accountId),
      'tenancy.membership': () => tenancy.membership(owner.accountId, tenant.id),
      'tenancy.ownerOf': () => tenancy.ownerOf('users', newId()),
    };
  }

  function callsOfTrading(): Record<string, Call> {
    const { trading, cursors } = server.services;
    const { products, orders } = trading;
    const { userId } = tenant.owner;
    const product = () => ({ sku: newId(), name: 'Product', priceMinor: 100, currency: 'EUR', stock: 10 });
    const lines = async () => [{ productId: (await products.create(product())).id, quantity: 1 }];
    const draft = async () => (await orders.create({ status: 'draft', lines: await lines() }, { userId })).order.id;
    return {
      'trading.products.list': () => products.list(firstPage(productListing), cursors),
      'trading.products.get': async () => products.get((await products.create(product())).id),
      'trading.products.create': () => products.create(product()),
      'trading.products.replace': async () => products.replace((await products.create(product())).id, product()),
      'trading.products.update': async () => products.update((await products.create(product())).id, { stock: 5 }),
      'trading.products.remove': async () => products.remove((await products.create(product())).id),
      'trading.products.importBatch': () => products.importBatch([product(), {}]),
      'trading.orders.list': async () => {
        await draft();
        return orders.list(firstPage(orderListing), cursors);
      },
      'trading.orders.get': async () => orders.get(await draft()),
      'trading.orders.create': async () => orders.create({ lines: await lines() }, { userId }),
      'trading.orders.replace': async () => orders.replace(await draft(), { lines: await lines() }),
      'trading.orders.update': async () => orders.update(await draft(), { status: 'placed' }),
      'trading.orders.remove': async () => orders.remove(await draft()),
      'trading.orders.importBatch': () => orders.importBatch([{}]),
      'trading.orders.forgetRequests': () => orders.forgetRequests({ olderThanMs: 1_000 }),
      'trading.ownerOf': () => trading.ownerOf('orders', newId()),
    };
  }

  function callsOfCredentials(): Record<string, Call> {
    const { credentials } = server.services;
    const place = () => ({ scope: 'org:acme', id: newId() });
    const stored = async () => {
      const reference = place();
      await credentials.store(reference, apiKey('a'), { tags: { env: 'test' }, policies: [{ type: 'manual' }] });
      await credentials.rotate(reference, apiKey('b'));
      return reference;
    };
    return {
      'credentials.store': () => credentials.store(place(), apiKey('a'), { tags: { a: 'b' } }),
      'credentials.retrieve': async () => credentials.retrieve(await stored()),
      'credentials.inspect': async () => credentials.inspect(await stored()),
      'credentials.delete': async () => credentials.delete(await stored()),
      'credentials.list': async () => {
        await stored();
        return credentials.list({ scope: 'org:acme' });
      },
      'credentials.listAll': async () => {
        await stored();
        const found: unknown[] = [];
        for await (const one of credentials.listAll({ scope: 'org:acme' })) found.push(one);
        return Object.freeze(found);
      },
      'credentials.validate': async () => credentials.validate(await stored()),
      'credentials.storeMany': () => credentials.storeMany([{ reference: place(), material: apiKey('a') }]),
      'credentials.retrieveMany': async () => credentials.retrieveMany([await stored(), place()]),
      'credentials.deleteMany': async () => credentials.deleteMany([await stored(), place()]),
      'credentials.validateMany': async () => credentials.validateMany([await stored(), place()]),
      'credentials.rotate': async () => credentials.rotate(await stored(), apiKey('c')),
      'credentials.rotateNow': () => credentials.rotateNow(place()).catch(() => undefined),
      'credentials.revokePrevious': async () => credentials.revokePrevious(await stored()),
      'credentials.refresh': () => credentials.refresh(place()).catch(() => undefined),
      'credentials.rollBack': async () => credentials.rollBack(await stored()),
      'credentials.within': () => credentials.within('org:acme'),
      'credentials.asAdministrator': () => credentials.asAdministrator('a test'),
      'credentials.rotateDue': () => credentials.rotateDue(),
      'credentials.reseal': () => credentials.reseal(),
      'credentials.auditRecords': () => credentials.auditRecords(),
      'credentials.statistics': () => credentials.statistics(),
      'credentials.clearCache': () => credentials.clearCache(),
      'credentials.clearCacheFor': () => credentials.clearCacheFor(place()),
      'credentials.close': () => credentials.close(),
    };
  }
});
