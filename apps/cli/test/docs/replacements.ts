import { root, type Block } from './pages.ts';

/** What the reader of a page has, and the test must provide. */
export interface World {
  /** Where the server of the page listens, or will. */
  readonly port: number;
  /** Where pages that name PostgreSQL and Redis find them. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  /** Suffix of roles and databases that a page makes on a PostgreSQL server that others use too. */
  readonly suffix?: string;
}

interface Replacement {
  /** Default: every page. */
  readonly page?: string;
  readonly shown: string;
  readonly run: (world: World) => string;
  readonly why: string;
}

const onPostgres = 'docs/how-to/run-on-postgresql.md';
const idempotent = (statement: string): string =>
  `do $$ begin ${statement} exception when duplicate_object then null; end $$;`;

/**
 * The only places where something else runs than what a page shows. Nothing is left out: each is replaced by what its reader
 * would have there.
 */
export const replacements: readonly Replacement[] = [
  { shown: 'localhost:3000', run: ({ port }) => `localhost:${port}`, why: 'port 3000 may be in use here' },
  {
    page: 'README.md',
    shown: 'git clone <this repository> tenon',
    run: () => `ln -s '${root}' tenon`,
    why: 'this checkout is the clone; another one would install everything once more',
  },
  {
    page: 'README.md',
    shown: 'THE PASSWORD SHOWN',
    run: () => `'"$PASSWORD"'`,
    why: 'it is made up at the first start, and read from what that prints',
  },
  {
    page: onPostgres,
    shown: 'postgres://tenon:PASSWORD@db.example.com:5432/tenon?sslmode=verify-full',
    run: ({ databaseUrl }) => `${databaseUrl}?sslmode=disable`,
    why: 'the server for tests is this machine, without TLS',
  },
  {
    page: onPostgres,
    shown: 'rediss://:PASSWORD@redis.example.com:6379/0',
    run: ({ redisUrl }) => redisUrl ?? '',
    why: 'the server for tests is this machine, without TLS',
  },
  ...['create role tenon_tenant nologin noinherit;', 'create role tenon_system nologin noinherit;'].map((shown) => ({
    page: onPostgres,
    shown,
    run: () => idempotent(shown),
    why: 'roles belong to the whole server, where other tests have made these two already',
  })),
  ...['create role tenon login', 'to tenon;', 'create database tenon owner tenon;'].map((shown) => ({
    page: onPostgres,
    shown,
    run: ({ suffix }: World) => shown.replaceAll(/\btenon\b/g, `tenon_docs_${suffix}`),
    why: 'names of its own on a server that others use',
  })),
];

/** What runs where a block is shown. */
export function runnable(block: Block, world: World): string {
  return replacements
    .filter(({ page = block.page }) => page === block.page)
    .reduce((text, { shown, run }) => text.replaceAll(shown, () => run(world)), block.text);
}
