import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(`${folder}${file}`, 'utf8');
const examples = globSync('examples/*.ts', { cwd: folder }).toSorted();

describe('the examples', () => {
  it('are there', () => {
    expect(examples.map((file) => basename(file))).toEqual(['one-dependency.ts', 'shared-strategies.ts']);
  });

  it.each(examples)('%s prints what its comments say, and ends', (file) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--conditions=@tenon/source', `${folder}${file}`], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    const promised = [...read(file).matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => line);
    expect({ stderr, status, printed: stdout.trim().split('\n') }).toEqual({
      stderr: '',
      status: 0,
      printed: promised,
    });
  });

  it('are the code of the README, all of it', () => {
    const blocks = [...read('README.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
    expect(blocks).toEqual(examples.map((file) => read(file)));
  });
});
