/**
 * Traces: a span for each acquire and each request, beneath those of your own, and a `traceparent` that goes along to the other side.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/tracing.ts
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTelemetry, isCodedError } from '@tenon/core';
import { createResources, defineResource } from '@tenon/resources';
import { http } from '@tenon/resources/drivers/http';
import { printSpans } from './tracing/print-spans.ts';

printSpans(); // where a program installs the SDK of OpenTelemetry

const seen: unknown[] = [];
const server = createServer((request, response) => {
  seen.push(request.headers['traceparent']);
  response.end('tea');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const shop = http('shop', { baseUrl: `http://127.0.0.1:${port}`, policy: { allowPrivate: ['127.0.0.0/8'] } });
const broken = defineResource({
  name: 'broken',
  create: () => {
    throw new Error('the text of an error is in no span: it may hold a password');
  },
});
await using resources = createResources({ define: [shop, broken] });

const telemetry = createTelemetry('my-shop');
await telemetry.span('place-order', { product: 'tea' }, async () => {
  await using api = await resources.acquire(shop);
  await api.get('/products/tea?token=a-query-is-in-no-span');
});
console.log('the other side was told', seen.join());

await telemetry.span('place-order', { product: 'tea' }, async () => {
  await resources.acquire(broken).catch((error: unknown) => console.log('caught', isCodedError(error) && error.code));
});

await resources.close();
server.close();
