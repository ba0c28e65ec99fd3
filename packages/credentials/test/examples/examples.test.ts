import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';
import { printedBy } from './printed-by.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

describe('the examples', () => {
  it.each(Object.keys(printedBy))('%s runs as a program of its own, and prints what it shows', async (name) => {
    const { stdout, stderr } = await run(process.execPath, ['--conditions=@tenon/source', `${folder}${name}`]);
    expect({ stdout, stderr }).toEqual({ stdout: printedBy[name], stderr: '' });
  });

  it('use every step of the builder and every operation of a vault', () => {
    const text = readdirSync(folder)
      .map((name) => readFileSync(`${folder}${name}`, 'utf8'))
      .join('\n');
    const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).build();
    const names = [...Object.keys(credentials()), ...Object.keys(vault)];
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !text.includes(`.${name}(`))).toEqual([]);
  });

  it('are all run', () => {
    expect(readdirSync(folder).toSorted()).toEqual(Object.keys(printedBy).toSorted());
  });
});
