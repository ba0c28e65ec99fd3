import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { fixture, newHome } from './tenon-process.ts';

describe('tenon serve', () => {
  const home = newHome();
  afterAll(() => home.remove());

  it('greets once with address and sign-in, keeps other commands off its database, and drains at SIGTERM', async () => {
    const server = home.start(['serve'], { env: { TENON_LOG_LEVEL: 'warn', TENON_OWNER_EMAIL: 'boss@example.com' } });
    const closed = new Promise<number | null>((resolve) => server.on('close', resolve));
    const lines: string[] = [];
    for await (const line of createInterface({ input: server.stdout as never })) {
      lines.push(line);
      if (line.startsWith('  sample')) break;
    }
    const url =
      /^Tenon is serving (http:\/\/127\.0\.0\.1:\d+) +embedded PostgreSQL in \.tenon\/$/.exec(lines[0] ?? '')?.[1] ??
      '';
    expect(lines[1]).toBe(`  reference   ${url}/docs`);
    const password = /^ {2}sign in {5}boss@example\.com {2}· {2}password shown this once: ([0-9a-f-]{24})$/.exec(
      lines[2] ?? '',
    )?.[1];
    const signIn = await fetch(`${url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'boss@example.com', password }),
    });
    expect(signIn.status).toBe(200);

    const locked = await home.tenon(['import', 'products', fixture('products.csv')]);
    expect(locked.code).toBe(1);
    expect(locked.stderr).toMatch(
      new RegExp(
        `^DATABASE_DIRECTORY_LOCKED: .*process ${server.pid}[^]*Stop the server, run this again[^]*or use PostgreSQL \\(TENON_DATABASE_URL\\)`,
      ),
    );
    const env = { TENON_PORT: new URL(url).port };
    const doctor = await home.tenon(['doctor'], { env });
    expect(doctor.code).toBe(0);
    expect(doctor.stdout).toMatch(new RegExp(`^! database +embedded PostgreSQL, open in process ${server.pid}$`, 'm'));
    expect(doctor.stdout).toMatch(/^✓ port +.* is in use by a Tenon server that answers$/m);
    const second = await home.tenon(['serve'], { env: { ...env, TENON_DATA_DIR: 'other' } });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^PORT_IN_USE: .*set TENON_PORT/);

    server.kill('SIGTERM');
    expect(await closed).toBe(0);
    const imported = await home.tenon(['import', 'products', fixture('products.csv')]);
    expect(imported).toMatchObject({ code: 0, stderr: '' });
  });
});
