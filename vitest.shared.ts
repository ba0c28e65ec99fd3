import { defineConfig } from 'vitest/config';

/**
 * What every package's project shares: workspace imports resolve to TypeScript source; one worker for many files. An embedded
 * PostgreSQL takes seconds to start on a busy machine, hence the timeouts.
 */
export const shared = defineConfig({
  ssr: { resolve: { conditions: ['@tenon/source', 'module', 'node', 'development|production'] } },
  test: {
    pool: 'threads',
    isolate: false,
    // By default Vitest leaves a core free. A project does not take this over from the root.
    maxWorkers: 2,
    environment: 'node',
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

/** For the apps, whose tests also start the program as processes of their own and kill them. */
export const sharedByApps = defineConfig({
  ...shared,
  test: { ...shared.test, testTimeout: 120_000, hookTimeout: 120_000 },
});
