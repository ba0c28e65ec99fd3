import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { describeCredentialStorage } from '@tenon/credentials/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithModel } from './storage-model.ts';

let folder: string;
let folders = 0;
const newFolder = (): string => join(folder, `store-${(folders += 1)}`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-credentials-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeCredentialStorage('the file storage', () => ({ storage: fileStorage({ directory: newFolder() }) }), {
  describe,
  it,
});

describe('the file storage', () => {
  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(() => fileStorage({ directory: newFolder() }), 30)).resolves.toBeUndefined();
  });
});
