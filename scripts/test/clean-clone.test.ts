import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../workspace.ts';

/** What `git clone` would give: the files that git knows or would take, and nothing that is installed or built. */
function cloneTo(folder: string): void {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const { status, stdout } = spawnSync('git', args, { cwd: repositoryRoot, encoding: 'utf8', maxBuffer: 2 ** 24 });
  expect(status).toBe(0);
  for (const file of stdout.split('\0').filter(Boolean)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    // A file that was removed is still listed until its removal is committed.
    if (existsSync(join(repositoryRoot, file))) cpSync(join(repositoryRoot, file), join(folder, file));
  }
}

// The pinned Node and the installed tools of this checkout must not help: a newcomer has the machine's own Node alone.
const newcomersPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

interface Started {
  readonly process: ChildProcess;
  readonly url: string;
  /** Everything printed so far. */
  printed(): string;
}

async function npmStart(folder: string): Promise<Started> {
  const { TENON_TEST_POSTGRES_URL: _, TENON_TEST_REDIS_URL: __, NODE_OPTIONS: ___, ...environment } = process.env;
  const child = spawn('npm', ['start'], {
    cwd: folder,
    env: { ...environment, PATH: newcomersPath, TENON_PORT: '0', TENON_BCRYPT_COST: '10' },
    // A group of its own, so that npm, the bootstrap and the server can be ended together.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
        const found = /Tenon is serving (\S+)/.exec(printed)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    child.once('exit', (code) => reject(new Error(`npm start ended with code ${code}:\n${printed}`)));
  });
  return { process: child, url, printed: () => printed };
}

async function stop({ process: child }: Started): Promise<void> {
  process.kill(-(child.pid ?? 0), 'SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

describe('a clean clone', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-clone-'));
    cloneTo(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('serves after "npm start" and says how to sign in; the second time it installs nothing', async () => {
    const first = await npmStart(folder);
    try {
      expect(first.printed()).toContain('Installing dependencies');
      const password = /password shown this once: (\S+)/;
      await expect.poll(() => first.printed()).toMatch(password);
      const signedIn = await fetch(`${first.url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'owner@localhost', password: password.exec(first.printed())?.[1] }),
      });
      const { accessToken } = (await signedIn.json()) as { readonly accessToken: string };
      const orders = await fetch(`${first.url}/v1/orders`, { headers: { authorization: `Bearer ${accessToken}` } });
      expect(await orders.json()).toMatchObject({ items: { length: 20 } });
    } finally {
      await stop(first);
    }
    const second = await npmStart(folder);
    try {
      expect(second.printed()).not.toContain('Installing');
      expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    } finally {
      await stop(second);
    }
  }, 300_000);
});
