import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { printedBy } from './printed-by.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

describe('the examples', () => {
  it.each(Object.keys(printedBy))('%s runs as a program of its own, and prints what it shows', async (name) => {
    const { stdout, stderr } = await run(process.execPath, ['--conditions=@tenon/source', `${folder}${name}`]);
    expect({ stdout, stderr }).toEqual({ stdout: printedBy[name], stderr: '' });
  });

  it('are all run', () => {
    expect(readdirSync(folder).toSorted()).toEqual(Object.keys(printedBy).toSorted());
  });
});
