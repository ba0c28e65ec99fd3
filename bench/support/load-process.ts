// The process that makes the load of `load.ts`. It writes HTTP by hand on plain sockets, because on two cores a client library
// takes more of the machine than the server that is measured.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { LoadOptions, LoadReport, LoadRequest } from './load.ts';

const { request, options } = JSON.parse(await text(process.stdin)) as { request: LoadRequest; options: LoadOptions };
const target = new URL(request.url.replaceAll('{', '%7B').replaceAll('}', '%7D'));
const path = decodeURIComponent(target.pathname) + target.search;
const headerSets = (request.headers ?? [{}]).map((headers) =>
  Object.entries({ host: target.host, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join(''),
);

let sequence = options.start ?? 0;
let failures = 0;
const latencies: number[] = [];
const startedAt = performance.now();
const endsAt = startedAt + options.seconds * 1000;

function nextRequest(headers: string): string {
  sequence += 1;
  const choice = request.choices?.[sequence % request.choices.length] ?? '';
  const fill = (template: string): string =>
    template.replaceAll('{n}', String(sequence)).replaceAll('{choice}', choice);
  if (request.body === undefined) return `${request.method} ${fill(path)} HTTP/1.1\r\n${headers}\r\n`;
  const body = fill(request.body);
  return `${request.method} ${fill(path)} HTTP/1.1\r\n${headers}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function more(): boolean {
  return performance.now() < endsAt && latencies.length + failures < (options.requests ?? Infinity);
}

function runConnection(index: number): Promise<void> {
  const headers = headerSets[index % headerSets.length] ?? '';
  return new Promise((resolve) => {
    const socket = connect(Number(target.port), target.hostname);
    socket.setNoDelay(true);
    let sentAt = 0;
    let received = '';
    const send = (): void => {
      sentAt = performance.now();
      socket.write(nextRequest(headers));
    };
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      if (received.startsWith('HTTP/1.1 2')) latencies.push(performance.now() - sentAt);
      else failures += 1;
      received = '';
      if (more()) send();
      else socket.end();
    });
    socket.on('error', () => {
      failures += 1;
    });
    socket.on('close', () => resolve());
  });
}

await Promise.all(Array.from({ length: options.connections }, (_, index) => runConnection(index)));
const seconds = (performance.now() - startedAt) / 1000;
const sorted = Float64Array.from(latencies).toSorted();
const percentile = (share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const report: LoadReport = {
  requestsPerSecond: latencies.length / seconds,
  requests: latencies.length,
  p50: percentile(0.5),
  p95: percentile(0.95),
  p99: percentile(0.99),
  failures,
};
process.stdout.write(JSON.stringify(report));
