import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { coverageThresholds } from '../coverage-thresholds.ts';
import { repositoryRoot } from '../workspace.ts';

describe('the coverage thresholds', () => {
  it.each(Object.keys(coverageThresholds))('%s names files that exist, or it would demand nothing', (pattern) => {
    expect(globSync(pattern, { cwd: repositoryRoot }).length).toBeGreaterThan(0);
  });
});
