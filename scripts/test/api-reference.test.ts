import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryPointsOf, publishedPackages, writeApiReference } from '../api-reference.ts';

describe('the reference of everything that packages export', () => {
  let folder: string;
  let warnings: readonly string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-api-reference-'));
    warnings = await writeApiReference(publishedPackages(), folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('can be made, and no link in a doc comment leads nowhere', () => {
    expect(warnings).toEqual([]);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('credentials');
  });

  it('has a page for what a package exports, with its parameters, failures and example', () => {
    const page = readFileSync(join(folder, 'credentials/src/functions/credentials.md'), 'utf8');
    for (const part of ['## Returns', '## Example', 'postgresStorage']) expect(page).toContain(part);
    expect(readFileSync(join(folder, 'crypto/src/functions/open.md'), 'utf8')).toContain('## Throws');
  });

  it('covers every subpath of every package', () => {
    for (const folderOf of publishedPackages()) {
      const missing = entryPointsOf(folderOf).filter((source) => !existsSync(source));
      expect(missing, folderOf).toEqual([]);
    }
  });
});
