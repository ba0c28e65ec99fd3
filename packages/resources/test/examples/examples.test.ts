import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createPool, createResources } from '@tenon/resources';
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
    expect(globSync('*.ts', { cwd: folder }).toSorted()).toEqual(Object.keys(printedBy).toSorted());
  });

  it('and the guides use every operation of resources and pools', async () => {
    const guides = fileURLToPath(new URL('../../../../docs/how-to/', import.meta.url));
    const files = [
      ...globSync('**/*.ts', { cwd: folder }).map((name) => `${folder}${name}`),
      ...globSync('*resource*.md', { cwd: guides }).map((name) => `${guides}${name}`),
    ];
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    const resources = createResources();
    const pool = createPool({ name: 'any', create: () => 1, destroy: () => undefined });
    const names = [resources, pool].flatMap((one) => Object.getOwnPropertyNames(Object.getPrototypeOf(one) as object));
    const operations = [...new Set(names)].filter((name) => name !== 'constructor' && name !== 'name');
    expect(operations.length).toBeGreaterThan(25);
    expect(operations.filter((name) => !text.includes(`.${name}(`))).toEqual([]);
    await Promise.all([resources.close(), pool.close()]);
  });
});
