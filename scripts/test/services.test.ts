import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { postgres, startPostgres } from '../services/postgres.ts';
import { redisCluster, startRedisCluster } from '../services/redis-cluster.ts';
import { redis, startRedis } from '../services/redis.ts';

describe.each([
  ['PostgreSQL', postgres, startPostgres],
  ['Redis', redis, startRedis],
  ['Redis Cluster', redisCluster, startRedisCluster],
] as const)('%s of one’s own', (_, service, start) => {
  it('answers, can be killed and restarted under its address, and is gone when stopped', async (context) => {
    const started = await start({ fsync: true });
    if (!started.available) return context.skip(started.reason);
    const { server } = started;
    onTestFinished(() => server.stop());
    const firstPid = server.pid;
    expect(await service.probe(server.url)).toBeUndefined();

    await server.kill9();
    expect(await service.probe(server.url)).toMatch(/ECONNREFUSED/);

    await server.restart();
    expect(server.pid).not.toBe(firstPid);
    expect(await service.probe(server.url)).toBeUndefined();

    await server.stop();
    await server.stop();
    expect(await service.probe(server.url)).toMatch(/ECONNREFUSED/);
    await expect(server.restart()).rejects.toThrow('was stopped');
    return undefined;
  });

  it('is not seen in a server that speaks something else, nor in a bad address', async () => {
    const stranger = createServer((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    stranger.listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    onTestFinished(() => void stranger.close());
    const { port } = stranger.address() as AddressInfo;
    const [scheme] = service.addresses[0]?.split('//') ?? [];
    expect(await service.probe(`${scheme}//127.0.0.1:${port}`)).toBeTypeOf('string');
    expect(await service.probe('no address')).toBe('its address is no URL');
  });
});
