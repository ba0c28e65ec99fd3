import { defineConfig } from 'vitest/config';

/** What every package's project shares: workspace imports resolve to TypeScript source; one worker for many files. */
export const shared = defineConfig({
  ssr: { resolve: { conditions: ['@tenon/source', 'module', 'node', 'development|production'] } },
  test: {
    pool: 'threads',
    isolate: false,
    environment: 'node',
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
