import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf, type Answer, type Client } from '../support/client.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

interface Credential {
  readonly scope: string;
  readonly id: string;
  readonly version: number;
  readonly expiresAt: string | null;
  readonly keyIds: readonly string[];
}

const SECRET = 'ghp_canary_1234567890';
const DAY_MS = 86_400_000;

describe.each(describeDrivers())('credentials over HTTP, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;
  let owner: Client;
  let count = 0;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
    ({ owner } = tenant);
  });
  afterAll(() => server.stop());

  const newId = (): string => `credential-${(count += 1)}`;
  const at = (id: string, scope = 'org:acme', rest = ''): string =>
    `/v1/credentials/${id}${rest}?scope=${encodeURIComponent(scope)}`;
  const body = (id: string, more: object = {}) => ({
    scope: 'org:acme',
    id,
    kind: 'api-key',
    material: { key: SECRET },
    ...more,
  });
  const store = async (more: object = {}, by: Client = owner): Promise<Credential> => {
    const answer = await by.post('/v1/credentials', body(newId(), more));
    expect(answer.status, answer.text).toBe(201);
    return answer.as<Credential>();
  };
  const secretOf = async (id: string, version?: number): Promise<Answer> =>
    owner.post(`${at(id, 'org:acme', '/reveal')}${version === undefined ? '' : `&version=${version}`}`, {});

  it('are stored, and shown without their secret', async () => {
    const id = newId();
    const created = await owner.post('/v1/credentials', body(id, { tags: { env: 'prod' }, description: 'for builds' }));
    expect(created.status, created.text).toBe(201);
    expect(created.headers.get('location')).toBe(at(id));
    expect(created.headers.get('etag')).toBe('"v1"');
    expect(created.as<Credential>()).toMatchObject({
      scope: 'org:acme',
      id,
      kind: 'api-key',
      version: 1,
      tags: { env: 'prod' },
      description: 'for builds',
      expiresAt: null,
      needsReauthorization: false,
    });
    const shown = await owner.get(at(id));
    expect(shown.as<Credential>()).toEqual(created.as<Credential>());
    expect(created.text + shown.text + (await owner.get('/v1/credentials?scope=org:acme')).text).not.toContain(SECRET);
  });

  it('come back through reveal alone, for who may, and each time is recorded first', async () => {
    const { id } = await store();
    const revealed = await secretOf(id);
    expect(revealed.headers.get('cache-control')).toBe('no-store');
    expect(revealed.as<object>()).toMatchObject({ id, kind: 'api-key', version: 1, secret: SECRET, value: {} });
    const admin = await tenant.newPerson('admin');
    expect((await admin.post(at(id, 'org:acme', '/reveal'), {})).status).toBe(403);
    const audit = await owner.get(`/v1/credential-audit?scope=org:acme&id=${id}`);
    const records = audit.as<{ items: { action: string; outcome: string; actor: { id: string } }[] }>().items;
    expect(records.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'read succeeded',
      'create succeeded',
      'create intended',
    ]);
    expect(new Set(records.map(({ actor }) => actor.id))).toEqual(new Set([tenant.owner.accountId]));
    expect(audit.text).not.toContain(SECRET);
  });

  it('stand nowhere in the database or the log in plain', async () => {
    await store();
    const { rows } = await server.services.database.withSystem('test', (tx) =>
      sql<{ text: string }>`select credentials::text as text from credentials`.execute(tx),
    );
    expect(rows.length).toBeGreaterThan(0);
    const stored = rows.map(({ text }) => text).join('\n');
    for (const form of [SECRET, Buffer.from(SECRET).toString('hex'), Buffer.from(SECRET).toString('base64')]) {
      expect(stored).not.toContain(form);
    }
    expect(JSON.stringify(server.log)).not.toContain(SECRET);
  });

  it('are there once: a second one of the same name is refused', async () => {
    const { id } = await store();
    const again = await owner.post('/v1/credentials', body(id));
    expect([again.status, problemOf(again).code]).toEqual([409, 'CREDENTIAL_EXISTS']);
    expect((await owner.post('/v1/credentials', body(id, { scope: 'org:acme/team:eng' }))).status).toBe(201);
  });

  it('are replaced when they are what the caller saw', async () => {
    const { id } = await store();
    const replacement = { kind: 'api-key', material: { key: 'second' } };
    expect((await owner.put(at(id), replacement, { 'if-match': '"v1"' })).status).toBe(200);
    const late = await owner.put(at(id), replacement, { 'if-match': '"v1"' });
    expect([late.status, problemOf(late).code]).toEqual([409, 'CREDENTIAL_VERSION_CONFLICT']);
    expect((await secretOf(id)).as<{ secret: string }>().secret).toBe('second');
    expect((await owner.put(at('none'), replacement)).status).toBe(404);
  });

  it('are rotated, with the old one by its version until its grace ends, and rolled back', async () => {
    const { id } = await store();
    const rotate = (key: string, more: object = {}) =>
      owner.post(at(id, 'org:acme', '/rotate'), { kind: 'api-key', material: { key }, ...more });
    expect((await rotate('second')).as<Credential>().version).toBe(2);
    expect((await secretOf(id, 1)).as<{ secret: string }>().secret).toBe(SECRET);
    expect((await rotate('third', { reason: 'emergency' })).as<Credential>().version).toBe(3);
    expect((await secretOf(id, 1)).status).toBe(404);
    const back = await owner.post(at(id, 'org:acme', '/roll-back'), { toVersion: 1 });
    expect(back.as<Credential>().version).toBe(4);
    expect((await secretOf(id)).as<{ secret: string }>().secret).toBe(SECRET);
    await rotate('fifth');
    expect((await owner.post(at(id, 'org:acme', '/revoke-previous'), {})).status).toBe(200);
    expect((await secretOf(id, 4)).status).toBe(404);
  });

  it('are judged offline', async () => {
    const soon = new Date(Date.now() + DAY_MS).toISOString();
    const { id } = await store({ expiresAt: soon });
    expect((await owner.get(at(id, 'org:acme', '/validation'))).as<object>()).toEqual({
      status: 'valid',
      scope: 'org:acme',
      id,
      expiresAt: soon,
      rotateAfter: null,
      isRotationRecommended: false,
    });
    const { id: old } = await store({ expiresAt: '2020-01-01T00:00:00Z' });
    expect((await owner.get(at(old, 'org:acme', '/validation'))).as<object>()).toMatchObject({ status: 'expired' });
    expect((await owner.get(at('none', 'org:acme', '/validation'))).as<object>()).toMatchObject({
      status: 'not-found',
    });
  });

  it('are deleted once', async () => {
    const { id } = await store();
    expect((await owner.delete(at(id))).status).toBe(204);
    expect((await owner.delete(at(id))).status).toBe(404);
    expect((await owner.get(at(id))).status).toBe(404);
  });

  it('are listed by scope, in pages, with filters', async () => {
    const scope = 'org:paged/team:a';
    for (let index = 0; index < 5; index += 1) await store({ scope, tags: { env: index < 2 ? 'prod' : 'test' } });
    await store({ scope: 'org:paged/team:ab' });
    const first = await owner.get(`/v1/credentials?scope=${scope}&limit=3`);
    const page = first.as<{ items: Credential[]; hasMore: boolean; nextCursor: string }>();
    expect([page.items.length, page.hasMore]).toEqual([3, true]);
    const second = await owner.get(`/v1/credentials?scope=${scope}&limit=3&cursor=${page.nextCursor}`);
    const rest = second.as<{ items: Credential[]; hasMore: boolean; nextCursor: null }>();
    expect([rest.items.length, rest.hasMore, rest.nextCursor]).toEqual([2, false, null]);
    expect(new Set([...page.items, ...rest.items].map(({ id }) => id)).size).toBe(5);
    const tagged = await owner.get(`/v1/credentials?scope=org:paged&tag=env%3Dprod`);
    expect(tagged.as<{ items: Credential[] }>().items).toHaveLength(2);
    expect((await owner.get(`/v1/credentials?scope=${scope}&kind=basic&cursor=${page.nextCursor}`)).status).toBe(422);
  });

  it('show in an overview what needs attention', async () => {
    const scope = 'org:overview';
    const policies = [{ type: 'periodic', intervalMs: 1 }];
    await store({ scope, id: 'fine' });
    await store({ scope, id: 'over', expiresAt: '2020-01-01T00:00:00Z' });
    await store({ scope, id: 'soon', expiresAt: new Date(Date.now() + DAY_MS).toISOString() });
    await store({ scope, id: 'due', policies });
    const ids = (list: readonly Credential[]): readonly string[] => list.map(({ id }) => id);
    const overview = (await owner.get(`/v1/credential-overview?scope=${scope}`)).as<{
      total: number;
      expired: Credential[];
      expiringWithinWeek: Credential[];
      rotationDue: Credential[];
    }>();
    expect(overview.total).toBe(4);
    expect([ids(overview.expired), ids(overview.expiringWithinWeek), ids(overview.rotationDue)]).toEqual([
      ['over'],
      ['soon'],
      ['due'],
    ]);
  });

  it('are stored, judged and deleted many at once, each for itself', async () => {
    const [one, two] = [newId(), newId()];
    const send = (operation: string, items: readonly object[]) =>
      owner.post('/v1/credential-batches', { operation, items });
    const stored = await send('store', [body(one), body(two, { kind: 'basic' }), body(one)]);
    expect(stored.as<object>()).toMatchObject({
      succeeded: 1,
      failed: 2,
      items: [
        { id: one, ok: true, value: { version: 1 } },
        { id: two, ok: false, code: 'CREDENTIAL_INVALID' },
        { id: one, ok: false, code: 'CREDENTIAL_REPEATED' },
      ],
    });
    expect(stored.text).not.toContain(SECRET);
    const places = [one, two].map((id) => ({ scope: 'org:acme', id }));
    expect((await send('validate', places)).as<object>()).toMatchObject({
      items: [{ value: { status: 'valid' } }, { value: { status: 'not-found' } }],
    });
    expect((await send('delete', places)).as<object>()).toMatchObject({
      items: [{ value: { deleted: true } }, { value: { deleted: false } }],
    });
    const wrong = await send('delete', [{ scope: 'org:acme', id: 'x', more: 1 }]);
    expect(Object.keys(problemsOf(wrong))).toEqual(['/items/0/more']);
  });

  it.each([
    ['a scope that is none', { scope: 'acme' }, 'CREDENTIAL_SCOPE_INVALID'],
    ['an id that is none', { id: 'a b' }, 'CREDENTIAL_ID_INVALID'],
    ['a kind that is not known', { kind: 'oauth7' }, 'INPUT_INVALID'],
    ['material of another kind', { material: { token: 'x' } }, 'CREDENTIAL_INVALID'],
    ['material with more in it', { material: { key: 'x', more: 'y' } }, 'CREDENTIAL_INVALID'],
    ['a field that is not known', { tenantId: 'other' }, 'INPUT_INVALID'],
    ['an end that is no time', { expiresAt: 'tomorrow' }, 'INPUT_INVALID'],
    ['a policy that means nothing', { policies: [{ type: 'often' }] }, 'CREDENTIAL_INVALID'],
  ])('are refused with %s', async (_, more, code) => {
    const answer = await owner.post('/v1/credentials', { ...body(newId()), ...more });
    expect([answer.status, problemOf(answer).code], answer.text).toEqual([422, code]);
    expect(answer.text).not.toContain(SECRET);
  });

  it('of another tenant do not exist', async () => {
    const { id } = await store();
    const stranger = (await server.newTenant()).owner;
    const attempts: readonly (readonly [string, string, object | undefined])[] = [
      ['GET', '', undefined],
      ['PUT', '', { kind: 'api-key', material: { key: 'mine' } }],
      ['DELETE', '', undefined],
      ['POST', '/reveal', {}],
      ['POST', '/rotate', { kind: 'api-key', material: { key: 'mine' } }],
      ['POST', '/roll-back', {}],
      ['POST', '/revoke-previous', {}],
    ];
    for (const [method, rest, sent] of attempts) {
      const options = sent === undefined ? {} : { body: sent };
      const theirs = await stranger.send(method, at(id, 'org:acme', rest), options);
      const missing = await stranger.send(method, at('none', 'org:acme', rest), options);
      expect([method, rest, theirs.status]).toEqual([method, rest, 404]);
      expect(problemOf(theirs).detail.replace(id, 'none')).toBe(problemOf(missing).detail);
    }
    expect((await stranger.get('/v1/credentials?scope=org:acme')).as<{ items: object[] }>().items).toEqual([]);
    expect((await secretOf(id)).as<{ secret: string }>().secret).toBe(SECRET);
    expect((await stranger.get(at(id, 'org:acme', '/validation'))).as<object>()).toMatchObject({ status: 'not-found' });
  });
});
