import { defineConfig } from 'vitest/config';
import { coverageThresholds } from './scripts/coverage-thresholds.ts';

export default defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'scripts'],
    // Vitest would leave one of two cores idle.
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'node_modules/.cache/tenon/coverage',
      thresholds: coverageThresholds,
    },
  },
});
