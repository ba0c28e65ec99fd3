import { defineConfig } from 'vitest/config';
import { coverageThresholds } from './scripts/coverage-thresholds.ts';

export default defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'scripts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'node_modules/.cache/tenon/coverage',
      thresholds: coverageThresholds,
    },
  },
});
