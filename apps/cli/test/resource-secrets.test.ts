import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './tenon-process.ts';

const PASSWORD = 'p@ss/canary:0123456789';
const technologies = ['postgres', 'mysql', 'redis'] as const;

describe('the secret of a resource on a command line', () => {
  let home: Home;
  let environment: Record<string, string>;

  beforeAll(async () => {
    home = newHome();
    const file = join(home.folder, 'resources.json');
    environment = { TENON_RESOURCES_FILE: file, TENON_LOG_LEVEL: 'debug' };
    const place = (technology: string): { host: string; port: number } => {
      const url = new URL(process.env[`TENON_TEST_${technology.toUpperCase()}_URL`] ?? 'x://127.0.0.1:1');
      return { host: url.hostname, port: Number(url.port) };
    };
    const settings = {
      postgres: { ...place('postgres'), database: 'postgres' },
      mysql: { ...place('mysql'), database: 'mysql' },
      redis: { url: `redis://${place('redis').host}:${place('redis').port}`, maxReconnects: 0 },
    };
    const resources = Object.fromEntries(
      technologies.map((technology) => [
        technology,
        {
          technology,
          settings: settings[technology],
          credentials: { login: { scope: 'org:acme', id: `${technology}-login` } },
        },
      ]),
    );
    writeFileSync(file, JSON.stringify({ resources }));
    const owner = ['--owner-email', 'a@example.com'];
    expect((await home.tenon(['tenant', 'create', '--name', 'Acme', '--id', 'acme', ...owner])).code).toBe(0);
    for (const technology of technologies) {
      const put = ['credential', 'put', `${technology}-login`, '--scope', 'org:acme', '--kind', 'basic'];
      const stored = await home.tenon([...put, '--field', 'username=nobody_canary', '--secret-stdin'], {
        input: PASSWORD,
      });
      expect(stored.code, stored.stderr).toBe(0);
    }
  });
  afterAll(() => home.remove());

  it('is not printed when it is refused, also where the log tells everything', async () => {
    const codes: (number | null)[] = [];
    const commands = [
      ['health'],
      ['health', '--json'],
      ['inspect', 'postgres'],
      ['inspect', 'redis', '--json'],
      ['list'],
    ];
    for (const args of commands) {
      const finished = await home.tenon(['resource', ...args], { env: environment });
      const printed = finished.stdout + finished.stderr;
      expect(printed).toContain(args.includes('redis') ? 'redis' : 'postgres');
      for (const form of [PASSWORD, 'canary:0123', encodeURIComponent(PASSWORD)]) expect(printed).not.toContain(form);
      codes.push(finished.code);
    }
    expect(codes.slice(0, 2)).toEqual([1, 1]);
  }, 60_000);
});
