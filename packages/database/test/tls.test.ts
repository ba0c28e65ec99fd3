import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type TlsOptions } from '@tenon/database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';
import type { PrivateServer, Start } from '../../../scripts/services/service.ts';
import { need, startPrivatePostgres, tell, writeServerFile } from './private-postgres.ts';

let start: Start;
let folder: string;
let certificate = '';
let missing: string | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-tls-'));
  const key = join(folder, 'key.pem');
  const file = join(folder, 'certificate.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', key, '-out', file];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...files,
    ...subject,
  ]);
  if (made.status !== 0) {
    missing = 'openssl cannot make a certificate here';
    return;
  }
  certificate = readFileSync(file, 'utf8');
  start = await startPrivatePostgres();
  if (!start.available) return;
  const { server } = start;
  const certificateFile = writeServerFile(server, 'tenon.crt', certificate);
  const keyFile = writeServerFile(server, 'tenon.key', readFileSync(key, 'utf8'));
  await tell(
    server,
    `alter system set ssl_cert_file = '${certificateFile}'`,
    `alter system set ssl_key_file = '${keyFile}'`,
    'alter system set ssl = on',
    'select pg_reload_conf()',
  );
  // The role, which isEncrypted runs as, comes with the first migration.
  const database = await openDatabase({ url: server.url });
  await database.migrate([]);
  await database.close();
  await vi.waitFor(() => isEncrypted(server.url, { mode: 'require' }));
});
afterAll(async () => {
  if (start?.available) await start.server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function needTls(context: TestContext): PrivateServer {
  if (missing !== undefined) return context.skip(missing);
  return need(start, context);
}

function address(server: PrivateServer, host: string, parameters = ''): string {
  const url = new URL(server.url);
  url.hostname = host;
  return `${url.href}${parameters}`;
}

/** Whether the connection that the options make is encrypted. */
async function isEncrypted(url: string, tls?: TlsOptions): Promise<boolean | undefined> {
  const database = await openDatabase({ url, connectDeadlineMs: 0, ...(tls === undefined ? {} : { tls }) });
  try {
    const { rows } = await database.withSystem('test', async (tx) => {
      await sql`reset role`.execute(tx); // only the login role may look at its connection
      return sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(tx);
    });
    return rows[0]?.ssl;
  } finally {
    await database.close();
  }
}

describe('the connection to a server with TLS', () => {
  it('is plain text with the mode disable', async (context) => {
    expect(await isEncrypted(address(needTls(context), 'localhost'), { mode: 'disable' })).toBe(false);
  });

  it('is encrypted with the mode require, whatever the certificate', async (context) => {
    expect(await isEncrypted(address(needTls(context), '127.0.0.1'), { mode: 'require' })).toBe(true);
  });

  it('is encrypted with the mode verify-full when authority and name are right', async (context) => {
    const tls = { mode: 'verify-full', ca: certificate } as const;
    expect(await isEncrypted(address(needTls(context), 'localhost'), tls)).toBe(true);
  });

  it('is refused with the mode verify-full when the authority is not trusted', async (context) => {
    await expect(isEncrypted(address(needTls(context), 'localhost'), { mode: 'verify-full' })).rejects.toMatchObject({
      code: 'DATABASE_TLS_FAILED',
      retryable: false,
    });
  });

  it('is refused with the mode verify-full when the certificate is for another name', async (context) => {
    const tls = { mode: 'verify-full', ca: certificate } as const;
    await expect(isEncrypted(address(needTls(context), '127.0.0.1'), tls)).rejects.toMatchObject({
      code: 'DATABASE_TLS_FAILED',
    });
  });

  it('follows the sslmode of the URL when no option is given', async (context) => {
    const server = needTls(context);
    expect(await isEncrypted(address(server, 'localhost', '?sslmode=require'))).toBe(true);
    expect(await isEncrypted(address(server, 'localhost', '?sslmode=disable'))).toBe(false);
    await expect(isEncrypted(address(server, 'localhost', '?sslmode=verify-full'))).rejects.toMatchObject({
      code: 'DATABASE_TLS_FAILED',
    });
  });

  it('is plain text to this machine when nothing is said', async (context) => {
    expect(await isEncrypted(address(needTls(context), '127.0.0.1'))).toBe(false);
  });

  it('is verified to any other host when nothing is said, also one that hides in a parameter', async (context) => {
    const server = needTls(context);
    // An address of this machine that is not written as a loopback one: it stands for a server elsewhere.
    const elsewhere = '::ffff:127.0.0.1';
    for (const url of [address(server, `[${elsewhere}]`), address(server, 'localhost', `?host=${elsewhere}`)]) {
      await expect(isEncrypted(url)).rejects.toMatchObject({ code: 'DATABASE_TLS_FAILED' });
      expect(await isEncrypted(url, { mode: 'disable' })).toBe(false);
    }
  });

  it.for(['?ssl=0', '?ssl=false', '?sslmode=disable', '?sslmode=no-verify', '?uselibpqcompat=true&sslmode=prefer'])(
    'keeps the option in force against the parameter %s of the URL',
    async (parameters, context) => {
      const url = address(needTls(context), 'localhost', parameters);
      expect(await isEncrypted(url, { mode: 'require' })).toBe(true);
      await expect(isEncrypted(url, { mode: 'verify-full' })).rejects.toMatchObject({ code: 'DATABASE_TLS_FAILED' });
    },
  );
});

describe('the connection to a server without TLS', () => {
  it('is refused when TLS is required, and not tried again', async (context) => {
    const server = needTls(context);
    await tell(server, 'alter system set ssl = off', 'select pg_reload_conf()');
    await expect
      .poll(() => isEncrypted(address(server, 'localhost'), { mode: 'require' }).catch((error: unknown) => error))
      .toMatchObject({ code: 'DATABASE_TLS_FAILED', retryable: false });
    expect(await isEncrypted(address(server, 'localhost'), { mode: 'disable' })).toBe(false);
  });
});
