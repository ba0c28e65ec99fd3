import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import vm from 'node:vm';
import { runAs } from '@tenon/core';
import { KeyRing } from '@tenon/crypto';
import { compose, loadSettings, type Services } from '@tenon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from '../tenon-process.ts';
import { blocksIn, blocksOf } from './pages.ts';
import { answersTo, holdPage, runOf, shellPages, type Claims, type RunningPage, type StoppedPage } from './run-page.ts';
import { findFreePort } from './shell-page.ts';

const password = 'a good long password';

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Sends JSON, and gives status and answer. */
async function post(url: string, body: object, token?: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

describe('on a server that has started once', () => {
  const home = newHome();
  let port: number;
  let url: string;
  let credentials: Credentials;

  let tokens: Tokens;
  let stopServer: () => Promise<void>;

  async function startServer(): Promise<void> {
    const env = { TENON_PORT: String(port), TENON_OWNER_PASSWORD: password, TENON_LOG_LEVEL: 'warn' };
    const server = home.start(['serve'], { env });
    const closed = once(server, 'close');
    for await (const line of createInterface({ input: server.stdout as never })) {
      if (line.startsWith('  reference')) break;
    }
    stopServer = async () => {
      server.kill('SIGTERM');
      expect(await closed).toEqual([0, null]);
    };
  }

  const signIn = (email = 'owner@localhost', secret = password) =>
    post(`${url}/auth/login`, { email, password: secret });

  beforeAll(async () => {
    port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    await startServer();
    tokens = (await signIn()).body as Tokens;
    const kept = { scope: 'org:kept', id: 'github', kind: 'api-key', material: { key: 'ghp_kept' } };
    expect((await post(`${url}/v1/credentials`, kept, tokens.accessToken)).status).toBe(201);
    const key = await post(`${url}/v1/api-keys`, { name: 'stays', scopes: ['products:read'] }, tokens.accessToken);
    credentials = {
      sessions: [(await signIn()).body as Tokens, (await signIn()).body as Tokens],
      apiKey: (key.body as { readonly key: string }).key,
    };
  });
  afterAll(async () => {
    await stopServer();
    home.remove();
  });

  describe('while it runs', () => {
    const claims: Record<RunningPage, Claims> = {
      'docs/how-to/invite-people.md': {
        async check(run) {
          expect(answersTo(run, '/auth/invitations/join')).toMatchObject([
            { account: { email: 'grace@example.com' }, membership: { role: 'admin' } },
          ]);
          expect(answersTo(run, '-X PATCH')).toMatchObject([{ role: 'member' }, { status: 'disabled' }]);
          const grace = (await signIn('grace@example.com', 'a sentence of her own')).body as Tokens;
          const again = { token: invitationIn(run.folder) };
          expect((await post(`${url}/auth/invitations/accept`, again, grace.accessToken)).status).toBe(422);
          const products = { headers: { authorization: `Bearer ${grace.accessToken}` } };
          expect((await fetch(`${url}/v1/products`, products)).status).toBe(403);
        },
      },
      'docs/how-to/use-api-keys.md': {
        refused: ['GET /v1/users 403', 'GET /v1/products?limit=1 401'],
        check(run) {
          expect(readFileSync(join(run.folder, 'key.json'), 'utf8')).toMatch(/"key":"tnk_/);
          expect(answersTo(run, '-X DELETE')[0]).toMatchObject({
            items: [
              { name: 'price list', scopes: ['products:read'], lastUsedAt: expect.any(String) },
              { name: 'stays' },
            ],
          });
        },
      },
    };

    it.each(shellPages.running)('%s holds', async (page) => {
      await holdPage(page, claims[page], { port, folder: home.folder, env: { TOKEN: tokens.accessToken } });
    });

    it.each(blocksIn('js'))('$page:$line signs in and refreshes, from pages of this server alone', async ({ text }) => {
      const page = await openPage(text, url);
      expect(await page.signIn('owner@localhost', password)).toMatch(/^eyJ/);
      expect(page.cookies()).toMatch(/^__Host-tenon_refresh=tnr_/);
      const tabs = await Promise.all([page.refresh(), page.refresh(), page.refresh()]);
      expect(tabs).toEqual([
        expect.stringMatching(/^eyJ/),
        expect.stringMatching(/^eyJ/),
        expect.stringMatching(/^eyJ/),
      ]);
      await expect(page.signIn('owner@localhost', 'a wrong password')).rejects.toThrow('wrong');
      const elsewhere = await openPage(text, url, 'https://elsewhere.example');
      await expect(elsewhere.signIn('owner@localhost', password)).rejects.toThrow('TENON_CORS_ORIGINS');
    });

    it('answers with the problem document that docs/reference/http-api.md shows', async () => {
      const [block] = blocksOf('docs/reference/http-api.md').filter(({ language }) => language === 'json');
      const shown = JSON.parse(block?.text ?? '') as object;
      const headers = { authorization: `Bearer ${tokens.accessToken}` };
      const answer = (await (await fetch(`${url}/v1/products?limit=1000`, { headers })).json()) as object;
      expect({ ...answer, requestId: '' }).toEqual({ ...shown, requestId: '' });
    });
  });

  describe('when it is stopped', () => {
    beforeAll(() => stopServer());

    const claims: Record<StoppedPage, Claims & { afterwards?(home: Home): Promise<void> }> = {
      'docs/how-to/import-data.md': {
        check(run) {
          const products = runOf(run, 'import products').output;
          expect(products).toMatch(/^products: 3 rows read, 2 created, 0 updated, 0 unchanged, 1 rejected/m);
          expect(products).toMatch(/^4,.*price.*HV-3/im);
          expect(runOf(run, 'import users').output).toMatch(/^users: 1 rows read, 1 created/m);
          expect(answersTo(run, 'import orders')).toMatchObject([{ kind: 'orders', created: 1, rejected: 0 }]);
        },
      },
      'docs/how-to/keep-credentials.md': {
        check(run) {
          expect(runOf(run, 'credential put').output).toMatch(
            / {2}org:acme\/team:eng {2}· {2}shop-db {2}· {2}version 1$/m,
          );
          expect(runOf(run, 'credential list').output).toMatch(/^org:acme\/team:eng +shop-db +database +1 /m);
          expect(runOf(run, 'credential validate').output).toMatch(/ shop-db +valid$/m);
          const [first, old] = ['password', 'old-password'].map((name) => readFileSync(join(run.folder, name), 'utf8'));
          expect(first).toMatch(/^\S{32}\n$/);
          expect(old).toBe(first);
          expect(runOf(run, 'credential audit').output).toMatch(/ rotate +succeeded +system cli .* shop-db +2$/m);
          for (const { output } of run.blocks) expect(output).not.toContain(first?.trim());
          expect(answersTo(run, '/validation')).toMatchObject([{ items: [{ id: 'github' }] }, {}]);
          expect(answersTo(run, '/reveal')).toMatchObject([{ secret: 'ghp_example_2' }, {}]);
          expect(run.serverOutput).not.toContain('ghp_example');
        },
      },
      'docs/how-to/run-in-production.md': {
        check: (run) => expect(runOf(run, 'npx tenon doctor').output).not.toMatch(/✗/),
      },
      'docs/how-to/sign-in-from-a-browser.md': {
        check: (run) => expect(runOf(run, 'npx tenon doctor').output).not.toMatch(/✗/),
      },
      'docs/how-to/declare-resources.md': {
        check(run) {
          const checked = runOf(run, 'npx tenon resource validate').output;
          expect(checked).toContain('resources.json  3 resources, nothing wrong');
          expect(checked).toMatch(/^orders-db +postgres +pooled +login: orders-db$/m);
        },
      },
      'docs/how-to/change-keys.md': {
        check(run) {
          expect(runOf(run, 'npx tenon keys generate\n').output).toMatch(/^\S+:\S{43}$/m);
          const rotated = /in front of (\S+) in/.exec(runOf(run, 'npx tenon keys rotate').output);
          expect(rotated?.[1]).toMatch(/^[0-9a-f]{8}$/);
          // The second time everything is under the key that the first time has made.
          for (const command of ['npx tenon keys rotate', 'npx tenon keys reseal']) {
            expect(runOf(run, command).output).toMatch(/^signing key \S+ {2}· {2}sealed under \S+$/m);
            expect(runOf(run, command).output).toMatch(/^credentials 1 sealed anew in 1 tenant in /m);
          }
          const [first, second] = ['keys-first', 'keys-second'].map((name) =>
            readFileSync(join(run.folder, name), 'utf8').trim().split(','),
          );
          expect(second).toEqual([first?.[1], first?.[0], first?.[2]]);
        },
        afterwards: (copy) => checkChangedKeys(copy, credentials),
      },
    };

    it.each(shellPages.stopped)('%s holds', async (page) => {
      const copy = home.copy();
      const env = { TENON_DATA_DIR: copy.dataDir, TOKEN: tokens.accessToken };
      await holdPage(page, claims[page], { port, folder: copy.folder, env });
      await claims[page].afterwards?.(copy);
      copy.remove();
    });
  });
});

/** Works with the services of a stopped server, as it would with the keys that lie in its folder now. */
async function withServices<T>(home: Home, work: (services: Services) => Promise<T>): Promise<T> {
  const { settings } = loadSettings({ TENON_DATA_DIR: home.dataDir, TENON_BCRYPT_COST: '10' });
  const composition = await compose(settings);
  try {
    await composition.ready();
    return await work(composition.services);
  } finally {
    await composition.stop();
  }
}

/** What clients of the server had before its keys were changed. */
interface Credentials {
  readonly sessions: readonly [Tokens, Tokens];
  readonly apiKey: string;
}

/** After the page: there is a new key, and what the old one sealed was sealed anew. */
async function checkChangedKeys(home: Home, { sessions: [busy, idle], apiKey }: Credentials): Promise<void> {
  const file = join(home.dataDir, 'keys');
  const owner = { email: 'owner@localhost', password };
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(KeyRing.parse(readFileSync(file, 'utf8').trim()).ids).toHaveLength(2);
  const ring = KeyRing.parse(readFileSync(join(home.folder, 'keys-first'), 'utf8').trim());
  expect(ring.ids).toHaveLength(3);
  writeFileSync(file, ring.format().reveal());
  const next = await withServices(home, ({ auth }) => auth.refresh(busy.refreshToken));

  // Without the old key, a session goes on that was refreshed since; the other one ends.
  writeFileSync(file, ring.format().reveal().split(',')[0] ?? '');
  await withServices(home, async ({ auth, credentials, tenancy }) => {
    await auth.refresh(next.refreshToken);
    const [tenant] = await tenancy.tenants.list({ limit: 1 });
    const kept = () => credentials.retrieve({ scope: 'org:kept', id: 'github' });
    expect((await runAs({ tenant: tenant?.id ?? '' }, kept))?.secret.reveal()).toBe('ghp_kept');
    await expect(auth.refresh(idle.refreshToken)).rejects.toMatchObject({ code: 'AUTH_REFRESH_INVALID' });
    await auth.signIn(owner);
  });

  // With other keys nobody can sign in, until the signing key is sealed anew. What the lost ones sealed is lost.
  const other = KeyRing.generate();
  writeFileSync(file, other.format().reveal());
  await withServices(home, async ({ auth }) => {
    await expect(auth.signIn(owner)).rejects.toMatchObject({ code: 'AUTH_SIGNING_KEY_UNREADABLE' });
  });
  const resealed = await home.tenon(['keys', 'reseal', '--json']);
  expect(resealed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^CREDENTIAL_UNREADABLE: 1 credential /) });
  expect(JSON.parse(resealed.stdout)).toMatchObject({
    sealedUnder: other.ids[0],
    credentials: { unreadable: [{ scope: 'org:kept', id: 'github' }] },
  });
  await withServices(home, async ({ auth }) => {
    await auth.signIn(owner);
    await auth.apiKeys.verify(apiKey);
    await expect(auth.refresh(next.refreshToken)).rejects.toMatchObject({ code: 'AUTH_REFRESH_INVALID' });
  });
}

function invitationIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'invitation.json'), 'utf8')) as { readonly token: string }).token;
}

interface BrowserPage {
  signIn(email: string, password: string): Promise<string>;
  refresh(): Promise<string | undefined>;
  cookies(): string;
}

/** Runs a page's script with the `fetch` of a browser: addresses are relative, cookies are kept, the origin is told. */
async function openPage(script: string, url: string, origin = url): Promise<BrowserPage> {
  let cookies = '';
  const browserFetch = async (path: string, options: RequestInit): Promise<Response> => {
    const headers = new Headers(options.headers);
    headers.set('origin', origin);
    headers.set('sec-fetch-site', origin === url ? 'same-origin' : 'cross-site');
    if (options.credentials === 'include' && cookies !== '') headers.set('cookie', cookies);
    const response = await fetch(`${url}${path}`, { ...options, headers });
    cookies = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookies;
    return response;
  };
  const functions = vm.runInNewContext(`${script}; ({ signIn, refresh })`, {
    fetch: browserFetch,
    Error,
  }) as BrowserPage;
  return { ...functions, cookies: () => cookies };
}
