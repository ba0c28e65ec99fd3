import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf, type Client } from '../support/client.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/test-server.ts';

interface Session {
  readonly id: string;
  readonly current: boolean;
}

describe.each(describeDrivers())('sessions on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  const isIn = async (client: Client): Promise<boolean> => (await client.get('/auth/me')).status === 200;
  const canRefresh = async ({ refreshToken }: { refreshToken: string }): Promise<boolean> =>
    (await server.anybody.post('/auth/refresh', { refreshToken })).status === 200;

  it('end by signing out, with their access tokens', async () => {
    const { owner } = await server.newTenant();
    const other = await server.signIn(owner);
    expect(await isIn(owner)).toBe(true);
    const answer = await server.anybody.post('/auth/logout', { refreshToken: owner.refreshToken });
    expect(answer.status).toBe(204);
    expect(answer.text).toBe('');
    expect(await isIn(owner)).toBe(false);
    expect(await canRefresh(owner)).toBe(false);
    expect(await isIn(other)).toBe(true);
  });

  it('end by an old refresh token too', async () => {
    const { owner } = await server.newTenant();
    expect(await canRefresh(owner)).toBe(true);
    await server.anybody.post('/auth/logout', { refreshToken: owner.refreshToken });
    expect(await isIn(owner)).toBe(false);
  });

  it('may be signed out of twice, or with a token that never was one', async () => {
    const { owner } = await server.newTenant();
    for (const refreshToken of [owner.refreshToken, owner.refreshToken, 'tnr_nonsense']) {
      expect((await server.anybody.post('/auth/logout', { refreshToken })).status).toBe(204);
    }
  });

  it('end everywhere at once', async () => {
    const { owner } = await server.newTenant();
    const stranger = (await server.newTenant()).owner;
    const others = [await server.signIn(owner), await server.signIn(owner)];
    expect((await owner.post('/auth/logout-all')).status).toBe(204);
    for (const session of [owner, ...others]) {
      expect(await isIn(session)).toBe(false);
      expect(await canRefresh(session)).toBe(false);
    }
    expect(await isIn(stranger)).toBe(true);
  });

  it('are listed, with the one that asks marked', async () => {
    const { owner } = await server.newTenant();
    const other = await server.signIn(owner);
    const items = (await owner.get('/auth/sessions')).as<{ items: Session[] }>().items;
    expect(items.map(({ id }) => id).toSorted()).toEqual([owner.sessionId, other.sessionId].toSorted());
    expect(items.find(({ current }) => current)?.id).toBe(owner.sessionId);
    expect(items[0]).toMatchObject({ ip: null, userAgent: null, lastSeenAt: expect.stringMatching(/Z$/) });
    await server.anybody.post('/auth/logout', { refreshToken: other.refreshToken });
    expect((await owner.get('/auth/sessions')).as<{ items: Session[] }>().items).toHaveLength(1);
  });

  it('can be ended one by one by their owner', async () => {
    const { owner } = await server.newTenant();
    const lost = await server.signIn(owner);
    expect((await owner.delete(`/auth/sessions/${lost.sessionId}`)).status).toBe(204);
    expect(await isIn(lost)).toBe(false);
    expect(await canRefresh(lost)).toBe(false);
    expect(await isIn(owner)).toBe(true);
    expect((await owner.delete(`/auth/sessions/${lost.sessionId}`)).status).toBe(404);
  });

  it('of somebody else look like none', async () => {
    const [mine, theirs] = [(await server.newTenant()).owner, (await server.newTenant()).owner];
    const foreign = await mine.delete(`/auth/sessions/${theirs.sessionId}`);
    const missing = await mine.delete('/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057');
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect(problemOf(foreign).detail).toBe(problemOf(missing).detail);
    expect(await isIn(theirs)).toBe(true);
  });

  it('are for people: an API key has none', async () => {
    const key = await (await server.newTenant()).newApiKey(['tenant:read', 'orders:manage']);
    for (const [method, path] of [
      ['GET', '/auth/me'],
      ['GET', '/auth/sessions'],
      ['POST', '/auth/logout-all'],
    ] as const) {
      const answer = await key.send(method, path);
      expect(answer.status, path).toBe(403);
      expect(problemOf(answer).code, path).toBe('PERMISSION_DENIED');
    }
  });
});

describe.each(describeDrivers())('changing the password on %s', (driver) => {
  let server: TestServer;
  const newPassword = 'a heron is not a stork';

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  it('ends every session but the one that asks, and the old password', async () => {
    const { owner } = await server.newTenant();
    const other = await server.signIn(owner);
    const answer = await owner.post('/auth/password', { currentPassword: PASSWORD, newPassword });
    expect(answer.status).toBe(204);
    expect((await owner.get('/auth/me')).status).toBe(200);
    expect((await other.get('/auth/me')).status).toBe(401);
    const login = (password: string) => server.anybody.post('/auth/login', { email: owner.email, password });
    expect((await login(PASSWORD)).status).toBe(401);
    expect((await login(newPassword)).status).toBe(200);
  });

  it('needs the current one', async () => {
    const { owner } = await server.newTenant();
    const answer = await owner.post('/auth/password', { currentPassword: 'not my password', newPassword });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer))).toEqual(['/currentPassword']);
    expect((await server.anybody.post('/auth/login', { email: owner.email, password: PASSWORD })).status).toBe(200);
  });

  it.each([
    ['too short', 'heron 1'],
    ['longer than is hashed', 'ü'.repeat(37)],
    ['a common one', 'password1234'],
  ])('refuses one that is %s', async (_, weak) => {
    const { owner } = await server.newTenant();
    const answer = await owner.post('/auth/password', { currentPassword: PASSWORD, newPassword: weak });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer))).toEqual(['/newPassword']);
    expect(answer.text).not.toContain(weak);
    expect((await owner.get('/auth/me')).status).toBe(200);
  });
});
