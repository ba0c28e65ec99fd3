import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'scripts'],
    // Vitest would leave one of two cores idle.
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
