/**
 * A dependency that fails: one pipeline around its resource tries again, gives up on a server that is down, and has something else to
 * offer.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/resilience.ts
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { standardPipeline } from '@tenon/resilience';
import { createResources } from '@tenon/resources';
import { http } from '@tenon/resources/drivers/http';

// A shop whose server fails as often as it is told to.
let failures = 0;
let requests = 0;
const server = createServer((_, response) => {
  requests += 1;
  response.statusCode = failures > 0 ? 503 : 200;
  failures -= 1;
  response.end('4.20 EUR');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

// The resource has guards of its own, for each origin. Here they are one attempt, so that those of the pipeline are seen.
const shop = http('shop', {
  baseUrl: `http://127.0.0.1:${port}`,
  policy: { allowPrivate: ['127.0.0.0/8'] },
  retry: { attempts: 1 },
  circuitBreaker: { failures: 1_000 },
});
await using resources = createResources({ define: [shop] });

// One for each dependency, kept. Borrowing is part of the work: a full pool and a quarantine are failures like others.
const price = standardPipeline<string>({
  name: 'shop',
  idempotent: true,
  attemptTimeoutMs: 2_000,
  retry: { attempts: 3, backoff: () => 1 },
  circuitBreaker: { failures: 4, openMs: 60_000 },
  fallback: { to: () => 'the price of yesterday' },
  onEvent: ({ type }) => console.log('  event:', type),
});
const ask = async (): Promise<void> => {
  const before = requests;
  const answer = await price.run(async ({ signal }) => {
    await using api = await resources.acquire(shop, undefined, { signal });
    const response = await api.get('/price', { signal });
    return await response.expectOk().text();
  });
  console.log(`${answer}, after ${requests - before} requests`);
};

console.log('it works:');
await ask();

console.log('it fails twice:');
failures = 2;
await ask();

console.log('it is down:');
failures = 1_000;
await ask();

console.log('it is left alone:');
await ask();
await ask();
console.log('circuit:', price.circuitBreaker.state);

await resources.close();
server.close();
