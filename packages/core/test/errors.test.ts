import { readFileSync } from 'node:fs';
import { coreErrorCodes } from '@tenon/core';
import { describe, expect, it } from 'vitest';

describe('the error codes', () => {
  it('all stand in the README, and no others', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const documented = [...readme.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
    expect(documented).toEqual([...coreErrorCodes]);
  });
});
