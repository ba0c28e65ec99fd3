import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { credentials, oauth2, type CredentialVault } from '@tenon/credentials';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../processes/refreshing-process.ts', import.meta.url));
const COUNT = 24;

/** A provider whose refresh tokens are good once. Every third one hangs, some fail, some are answered late. */
interface Provider {
  readonly url: string;
  /** How often each refresh token was used. */
  readonly uses: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

async function startProvider(): Promise<Provider> {
  const uses = new Map<string, number>();
  const granted = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    void (async () => {
      const token = await text(request);
      const family = Number(/^refresh-(\d+)/.exec(token)?.[1] ?? -1);
      const attempt = (granted.get(token) ?? 0) + 1;
      granted.set(token, attempt);
      // It could not do it, and says so: the token was not used.
      if (family % 6 === 1 && attempt === 1) return response.writeHead(503).end();
      if (family % 6 === 2) return response.writeHead(400).end();
      uses.set(token, (uses.get(token) ?? 0) + 1);
      if (family % 6 === 3) return undefined; // done, and nobody hears of it
      if (family % 6 === 4) await wait(2_500); // later than the caller waits
      return response.end(`access-${family} refresh-${family}-next`);
    })().catch(() => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    uses,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe.skipIf(!describeDrivers().includes('postgres'))(
  'two processes that refresh the same credentials on PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    const keys = KeyRing.generate();
    let test: TestDatabase;
    let provider: Provider;
    let vault: CredentialVault;
    const running: ChildProcess[] = [];

    beforeEach(async () => {
      test = await openTestDatabase('postgres', [credentialMigrations()]);
      provider = await startProvider();
      vault = credentials().storage(postgresStorage(test.database)).keys(keys).tenant('main').build();
      for (let index = 0; index < COUNT; index += 1) {
        const tokens = oauth2({ accessToken: `old-${index}`, refreshToken: `refresh-${index}` });
        await vault.store({ scope: 'org:acme', id: `token-${index}` }, tokens);
      }
    });
    afterEach(async () => {
      for (const child of running.splice(0)) child.kill('SIGKILL');
      await provider.close();
      await vault.close();
      await test.drop();
    });

    const start = (): { readonly child: ChildProcess; readonly outcomes: Promise<readonly string[]> } => {
      const child = spawn(process.execPath, ['--conditions=@tenon/source', program], {
        env: {
          ...process.env,
          DATABASE_URL: test.url,
          KEYS: keys.format().reveal(),
          PROVIDER: provider.url,
          COUNT: String(COUNT),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      running.push(child);
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      return { child, outcomes: once(child, 'close').then(() => lines) };
    };
    const usedTwice = (): readonly string[] =>
      [...provider.uses].filter(([, times]) => times > 1).map(([token]) => token);
    const accessToken = async (index: number): Promise<string | undefined> =>
      (await vault.retrieve({ scope: 'org:acme', id: `token-${index}` }))?.secret.reveal();

    it('never use a refresh token twice, whatever the provider does, and what was granted is stored', async () => {
      const [one, two] = [start(), start()];
      await Promise.all([one.outcomes, two.outcomes]);
      expect(usedTwice()).toEqual([]);
      for (let index = 0; index < COUNT; index += 1) {
        const expected = index % 6 === 2 || index % 6 === 3 || index % 6 === 1 ? `old-${index}` : `access-${index}`;
        const shown = await accessToken(index);
        // What was refused at first may have been granted to the second who asked.
        expect(index % 6 === 1 ? [`old-${index}`, `access-${index}`] : [expected]).toContain(shown);
      }
      const rejected = await vault.inspect({ scope: 'org:acme', id: 'token-2' });
      expect(rejected?.needsReauthorization).toBe(true);
    }, 60_000);

    it('never use a refresh token twice when one of them is killed in the middle', async () => {
      const one = start();
      await expect.poll(() => provider.uses.size, { timeout: 20_000, interval: 5 }).toBeGreaterThan(2);
      one.child.kill('SIGKILL');
      await one.outcomes;
      const two = start();
      await two.outcomes;
      expect(usedTwice()).toEqual([]);
      for (let index = 0; index < COUNT; index += 1) {
        expect([`old-${index}`, `access-${index}`]).toContain(await accessToken(index));
      }
    }, 60_000);
  },
);
