import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const program = join(import.meta.dirname, '..', 'processes', 'measure-memory.ts');

describe('the memory of a registry', () => {
  it(
    'is less than 1 MB for 1,000 registered resources, and does not grow with borrowing',
    { timeout: 60_000 },
    async () => {
      const { stdout } = await run(process.execPath, ['--expose-gc', '--conditions=@tenon/source', program]);
      const { registered, grown, cycles } = JSON.parse(stdout) as Record<'registered' | 'grown' | 'cycles', number>;
      expect(registered).toBeGreaterThan(100_000);
      expect(registered).toBeLessThan(1_000_000);
      // Less than a byte for each: nothing is kept of any.
      expect(grown).toBeLessThan(cycles);
    },
  );
});
