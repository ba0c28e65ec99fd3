import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksIn, placeOf, root, type Block } from './pages.ts';

const run = promisify(execFile);
const LANES = 3;

/** What a program says in comments that it prints: `console.log(name); // Ada`. */
function promisedOutput({ text }: Block): readonly string[] {
  return [...text.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1] ?? '');
}

describe('the TypeScript on the pages', () => {
  // Outside of the repository, as a program of somebody else, with the packages installed.
  const folder = mkdtempSync(join(tmpdir(), 'tenon-examples-'));
  const programs = blocksIn('ts').map((block, index) => ({
    place: placeOf(block),
    block,
    file: join(folder, `example-${index}.ts`),
    ...Promise.withResolvers<string>(),
  }));

  beforeAll(() => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    for (const { block, file } of programs) writeFileSync(file, block.text);
    // Several at a time: most of them spend seconds on making a database.
    const waiting = programs.values();
    const runOn = async (): Promise<void> => {
      for (const { file, promise, resolve, reject } of waiting) {
        promise.catch(() => undefined); // its own test tells
        await run(process.execPath, ['--conditions=@tenon/source', file], { cwd: folder }).then(
          ({ stdout }) => resolve(stdout),
          reject,
        );
      }
    };
    for (let lane = 0; lane < LANES; lane += 1) void runOn();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(programs)('$place runs, and prints what it says', async ({ block, promise }) => {
    const promised = promisedOutput(block);
    expect(promised.length, 'a program that shows nothing proves nothing').toBeGreaterThan(0);
    expect((await promise).trimEnd().split('\n')).toEqual(promised);
  });

  it('has the types that it uses', async () => {
    mkdirSync(join(folder, 'src'));
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.base.json'),
        compilerOptions: {
          composite: false,
          noEmit: true,
          isolatedDeclarations: false,
          rootDir: '/',
          incremental: false,
        },
        include: ['*.ts'],
      }),
    );
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const { stdout } = await run(tsc, ['-p', folder]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});
