import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { blocksOf } from './pages.ts';
import { runnable } from './replacements.ts';
import { answersTo, holdPage, runOf, type Claims, type StartingPage } from './run-page.ts';
import { findFreePort, type PageRun } from './shell-page.ts';

const postgresUrl = process.env['TENON_TEST_POSTGRES_URL'];
const redisUrl = process.env['TENON_TEST_REDIS_URL'];

/** What differs from start to start. */
function withoutChance(greeting: string): string {
  return greeting
    .replaceAll(/:\d{4,5}\b/g, ':PORT')
    .replaceAll(/(?<=in )\S+(?=\/$)/gm, 'FOLDER')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/once: [0-9a-f-]{24}$/gm, 'once: PASSWORD');
}

/** The page shows what the server prints. */
function expectGreeting(page: string, { serverOutput }: PageRun): void {
  const shown = blocksOf(page).find(({ language }) => language === 'text')?.text ?? '';
  const printed = serverOutput.slice(serverOutput.indexOf('Tenon is serving'));
  const lines = printed.split('\n').slice(0, 4).join('\n');
  expect(withoutChance(`${lines}\n`)).toBe(withoutChance(shown));
}

const claims: Record<StartingPage, Claims> = {
  'README.md': {
    check(run) {
      expectGreeting('README.md', run);
      const [list] = answersTo(run, 'price[lte]=500') as [{ items: { priceMinor: number; name: string }[] }];
      expect(list.items).toHaveLength(3);
      expect(list.items.every(({ priceMinor }) => priceMinor <= 500)).toBe(true);
      expect(list.items.map(({ name }) => name)).toEqual(list.items.map(({ name }) => name).toSorted());
    },
  },
  'docs/tutorial/first-hour.md': {
    refused: ['GET /v1/products?colour=red&limit=1000 422', 'POST /v1/orders 409'],
    check(run) {
      expectGreeting('docs/tutorial/first-hour.md', run);
      expect(answersTo(run, '/auth/me')).toMatchObject([{ account: { email: 'owner@localhost' }, role: 'owner' }]);
      expect(answersTo(run, 'status=shipped')).toMatchObject([
        { items: [{}, {}, {}], hasMore: true, nextCursor: expect.any(String) },
        { items: [{ name: 'Jürgen Müller' }] },
        { total: { relation: 'exact' } },
      ]);
      const [{ errors }] = answersTo(run, 'colour=red') as [{ errors: { path: string }[] }];
      expect(errors.map(({ path }) => path).toSorted()).toEqual(['/colour', '/limit']);
      const [order, product] = answersTo(run, 'PRODUCT=$(') as [{ id: string }, { stock: number }];
      expect(product.stock).toBe(1);
      const again = runOf(run, 'curl -si');
      expect(again.output).toMatch(/^idempotency-replayed: true\r?$/m);
      expect(answersTo(run, 'curl -si')).toMatchObject([{ id: order.id }]);
    },
  },
  'docs/how-to/run-on-postgresql.md': {
    check(run) {
      const { output } = runOf(run, 'npx tenon doctor');
      expect(output).toMatch(/^. database +PostgreSQL 1[5-9]/m);
      expect(output).toMatch(/^. Redis +answers/m);
      expect(output).toMatch(/^applied database\/0001/m);
      expect(run.serverOutput).toMatch(/^Tenon is serving .* PostgreSQL of TENON_DATABASE_URL$/m);
    },
  },
};

describe('what a newcomer does first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-docs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['README.md', 'docs/tutorial/first-hour.md'] as const)('works as %s says', async (page) => {
    const work = mkdtempSync(join(folder, 'page-'));
    const env = { TENON_DATA_DIR: join(work, 'data') };
    await holdPage(page, claims[page], { port: await findFreePort(), folder: work, env });
  });
});

describe.skipIf(postgresUrl === undefined || redisUrl === undefined)('a database server', () => {
  const page = 'docs/how-to/run-on-postgresql.md';
  const suffix = randomBytes(4).toString('hex');
  const name = `tenon_docs_${suffix}`;
  const administrator = new pg.Client({ connectionString: postgresUrl });
  const folder = mkdtempSync(join(tmpdir(), 'tenon-docs-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await administrator.query(`drop database if exists ${name} with (force)`);
    await administrator.query(`drop role if exists ${name}`);
    await administrator.end();
  });

  it(`works as ${page} says, for a user who may make no roles`, async () => {
    const world = { port: await findFreePort(), suffix };
    await administrator.connect();
    for (const block of blocksOf(page).filter(({ language }) => language === 'sql')) {
      // One by one: a database cannot be made together with anything else.
      for (const statement of runnable(block, world).split(/(?<=;)\n/)) await administrator.query(statement);
    }
    const url = new URL(postgresUrl ?? '');
    url.username = name;
    url.password = 'PASSWORD';
    url.pathname = `/${name}`;
    await holdPage(page, claims[page], {
      ...world,
      databaseUrl: url.href,
      redisUrl: redisUrl ?? '',
      folder,
      env: { TENON_DATA_DIR: join(folder, 'data') },
    });
  });
});
