import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const program = fileURLToPath(new URL('look-at-heap.ts', import.meta.url));

it('leaves no material in the heap that nobody uses any more, while the cache holds the credential', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-heap-'));
  try {
    const [inUse, after] = [join(folder, 'in-use.heapsnapshot'), join(folder, 'after.heapsnapshot')];
    const { stdout } = await run(process.execPath, ['--conditions=@tenon/source', program, inUse, after]);
    const { bytes, ...told } = JSON.parse(stdout) as { readonly bytes: readonly number[] };
    expect(told).toEqual({ version: 1, hits: 1, entries: 1 });
    const secret = Buffer.from(bytes).toString('hex');
    // It would be found: it was there while it was in use.
    expect(readFileSync(inUse).includes(secret)).toBe(true);
    expect(readFileSync(after).includes(secret)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
