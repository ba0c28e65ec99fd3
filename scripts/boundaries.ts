/** Ring 0 in its order: a foundation package may import only those before it. */
export const foundationOrder = ['core', 'crypto', 'database', 'kv', 'resilience', 'egress'] as const;

/** The packages that solve one problem of a product each. They know ring 0 and no sibling. */
export const domainPackages = ['tenancy', 'auth', 'credentials', 'resources', 'trading'] as const;

const foundation = foundationOrder;
const everyPackage = [...foundation, ...domainPackages] as const;

/**
 * The allowed arrows: who may import whom, by folder name. `bench` and `scripts` are the root's own folders.
 * A new arrow between siblings of ring 1 is a design decision: put it here, and its reason into ARCHITECTURE.md.
 */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  crypto: ['core'],
  database: ['core', 'crypto'],
  kv: ['core', 'crypto', 'database'],
  resilience: ['core'],
  egress: ['core', 'resilience'],
  tenancy: foundation,
  auth: foundation,
  credentials: foundation,
  resources: foundation,
  trading: foundation,
  server: everyPackage,
  cli: [...everyPackage, 'server'],
  bench: [...everyPackage, 'server', 'cli'],
  scripts: [...everyPackage, 'server', 'cli'],
};

/** Arrows for tests alone, with their reason: a package's `src` may not use them, and it declares them for development. */
export const testArrows: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  trading: { tenancy: 'orders refer to people, so a database for tests needs the tables of tenancy' },
};

/**
 * Files outside every package that benches and the code beside a package's `src` (its tests, its vitest.config.ts) may import
 * by a relative path, and why.
 */
export const sharedFiles: Readonly<Record<string, string>> = {
  'vitest.shared.ts': 'what every test project has in common',
  'scripts/services/find-services.ts': 'benches use the PostgreSQL that tests use, or start it',
  'scripts/services/service.ts': 'types of the servers that fault tests start',
  'scripts/services/postgres.ts': 'fault tests kill and restart a PostgreSQL of their own',
  'scripts/services/redis-cluster.ts': 'fault tests kill nodes of a Redis Cluster of their own',
  'scripts/services/mariadb.ts': 'fault tests kill and restart a MariaDB of their own',
  'scripts/services/redis.ts': 'fault tests kill and restart a Redis of their own',
};
