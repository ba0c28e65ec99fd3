// The server of `bench/memory.ts`: as `npm start` runs it, but it answers a message with what it holds after a forced collection.
import { loadSettings, startServer } from '@tenon/server';

const { settings } = loadSettings(process.env);
const server = await startServer({ settings });
await server.ready;
process.send?.({ listening: server.url });
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const sockets = process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
  process.send?.({ heapBytes: heapUsed, residentBytes: rss, sockets });
});
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
