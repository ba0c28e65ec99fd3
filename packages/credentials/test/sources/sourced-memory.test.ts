import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('support/keep-sourced.ts', import.meta.url));

it('what a source gave is kept in memory, and nothing of it in plain: a snapshot of the heap does not hold it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@tenon/source', program]);
  // Found while somebody holds it: this way of looking finds what is there.
  expect(JSON.parse(stdout)).toEqual({ kind: 'api-key', whileHeld: true, afterwards: false, isSame: true, asked: 1 });
});
