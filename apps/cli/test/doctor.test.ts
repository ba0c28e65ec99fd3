import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describeDrivers, openTestDatabase } from '@tenon/database/testing';
import { allMigrations } from '@tenon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHome, type Home } from './tenon-process.ts';

describe('tenon doctor', () => {
  let home: Home;
  // Without a database, which takes its time to open.
  const empty = newHome();
  beforeAll(async () => {
    home = newHome();
    expect((await home.tenon(['migrate'])).code).toBe(0);
  });
  afterAll(() => {
    home.remove();
    empty.remove();
  });

  it('finds nothing wrong where nothing is, before the first start and after it', async () => {
    const before = await empty.tenon(['doctor']);
    expect(before).toMatchObject({ code: 0, stderr: '' });
    expect(before.stdout).toMatch(/^! keys +none yet; the first start makes them$/m);
    expect(before.stdout).toMatch(/^! database +embedded PostgreSQL, not made yet/m);
    const after = await home.tenon(['doctor']);
    expect(after).toMatchObject({ code: 0, stderr: '' });
    expect(after.stdout).toMatch(/^✓ settings +every one is valid$/m);
    expect(after.stdout).toMatch(/^✓ data folder \.tenon \(mode 700\)$/m);
    expect(after.stdout).toMatch(/^✓ keys +1 key in \.tenon\/keys \(mode 600, written today\)$/m);
    expect(after.stdout).toMatch(/^✓ database +PostgreSQL 1\d\.\d+ embedded, \d+ migrations$/m);
    expect(after.stdout).toMatch(/^! Redis +not set/m);
    expect(after.stdout).toMatch(/^✓ port +any free one$/m);
  });

  it('writes its findings as JSON', async () => {
    const { stdout } = await empty.tenon(['doctor', '--json']);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { name: string; state: string }[] };
    expect(ok).toBe(true);
    expect(findings.map(({ name }) => name)).toEqual(['settings', 'data folder', 'keys', 'database', 'Redis', 'port']);
  });

  const failing = async (env: Readonly<Record<string, string>>, at: Home = empty): Promise<string> => {
    const { code, stdout, stderr } = await at.tenon(['doctor'], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DOCTOR_FOUND_PROBLEMS: /);
    return stdout;
  };

  it('names wrong settings', async () => {
    expect(await failing({ TENON_BODY_LIMIT_BYTES: 'big' })).toMatch(
      /^✗ settings [^]*TENON_BODY_LIMIT_BYTES: must be a whole number[^]*→ "tenon settings"/,
    );
    const { code, stdout } = await empty.tenon(['doctor'], { env: { TENON_PORTS: '1' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^! settings +TENON_PORTS: .*did you mean TENON_PORT/m);
  });

  it('finds a port that something else uses', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      expect(await failing({ TENON_PORT: String(port) })).toMatch(
        new RegExp(`^✗ port +127\\.0\\.0\\.1:${port} cannot be used \\(EADDRINUSE\\)\n.*→ stop what uses it`, 'm'),
      );
    } finally {
      server.close();
    }
  });

  it('finds keys that others can read, and keys that are none', async () => {
    const other = home.copy();
    const file = join(other.dataDir, 'keys');
    chmodSync(file, 0o644);
    chmodSync(other.dataDir, 0o755);
    const open = await failing({}, other);
    expect(open).toMatch(/^✗ keys +.*mode 644.*: other users can read it\n.*→ chmod 600 \.tenon\/keys$/m);
    expect(open).toMatch(/^! data folder .*open to other users .*\n.*→ chmod 700 \.tenon$/m);
    writeFileSync(file, 'nonsense');
    expect(await failing({}, other)).toMatch(/^✗ keys +the keys in .* cannot be used/m);
    other.remove();
  });

  it('finds a data folder that is none', async () => {
    const other = newHome();
    writeFileSync(other.dataDir, '');
    expect(await failing({}, other)).toMatch(/^✗ data folder ".*\.tenon" is not a folder\n.*→ set TENON_DATA_DIR/m);
    other.remove();
  });

  it('counts migrations that are missing, and applies none', async () => {
    const driver = describeDrivers().at(-1);
    const other = newHome();
    const server = driver === 'postgres' ? await openTestDatabase(driver, []) : undefined;
    // An empty folder becomes an embedded database with no migration in it.
    if (server === undefined) mkdirSync(join(other.dataDir, 'database'), { recursive: true, mode: 0o700 });
    const env: Readonly<Record<string, string>> = server?.url === undefined ? {} : { TENON_DATABASE_URL: server.url };
    for (let run = 0; run < 2; run += 1) {
      const { code, stdout } = await other.tenon(['doctor'], { env });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^! database +PostgreSQL .*, \d+ migrations, [1-9]\d* pending\n.*→ .*"tenon migrate"/m);
    }
    await server?.drop();
    other.remove();
  });

  it('finds a database and a Redis that do not answer', async () => {
    const env = {
      TENON_DATABASE_URL: 'postgres://nobody:hidden@127.0.0.1:9/nothing',
      TENON_REDIS_URL: 'redis://127.0.0.1:9',
    };
    const output = await failing(env);
    expect(output).toMatch(/^✗ database +.*\n.*→ check that PostgreSQL runs/m);
    expect(output).toMatch(/^✗ Redis +.*\n.*→ check that Redis runs/m);
    expect(output).not.toContain('hidden');
  });

  it.skipIf(!describeDrivers().includes('postgres'))('finds a PostgreSQL server in order', async () => {
    const test = await openTestDatabase('postgres', allMigrations());
    try {
      const { code, stdout } = await empty.tenon(['doctor'], { env: { TENON_DATABASE_URL: test.url as string } });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^✓ database +PostgreSQL \d+\.\d+, \d+ migrations$/m);
    } finally {
      await test.drop();
    }
  });
});
