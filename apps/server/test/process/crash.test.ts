import { describeDrivers } from '@tenon/database/testing';
import { describe, expect, it, vi } from 'vitest';
import { openPlace } from './support/place.ts';
import { openRawConnection } from './support/raw-connection.ts';
import { startServerProcess } from './support/server-process.ts';

// The fault has nothing to do with the database: on the one that starts faster.
const driver = describeDrivers().at(-1) ?? 'pglite';

describe('a fault that nobody handles', () => {
  it.concurrent.each([
    ['SIGUSR2', 'a rejected promise', 'planted rejection'],
    ['SIGWINCH', 'an exception', 'planted exception'],
  ] as const)(
    '(%s: %s) is logged, running requests are answered, and the process ends with 1',
    async (signal, _, message) => {
      await using place = await openPlace(driver);
      await using server = startServerProcess(place.settings, {
        preload: [new URL('support/plant-faults.ts', import.meta.url)],
      });
      const url = await server.ready();
      const running = await openRawConnection(url);
      const body = JSON.stringify({ email: 'nobody@example.com', password: 'not the password' });
      const head = `POST /auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      running.write(`${head}${body.slice(0, 10)}`);
      const other = await openRawConnection(url);
      expect(await other.send('GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n')).toMatch(/^HTTP\/1\.1 200/);
      server.kill(signal);
      await vi.waitUntil(() => server.output().includes('stopping'), { timeout: 10_000, interval: 5 });
      expect(await running.send(body.slice(10))).toMatch(/^HTTP\/1\.1 401/);
      expect(await server.exit()).toEqual({ code: 1, signal: null });
      expect(server.log()).toContainEqual(
        expect.objectContaining({ level: 'error', err: expect.objectContaining({ message }) }),
      );
    },
  );
});
