/**
 * The end: no new borrowers, time for those who are there, what needs others goes first, and a report of what could not wait.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/graceful-shutdown.ts
 */
import { isCodedError } from '@tenon/core';
import { createResources, defineResource } from '@tenon/resources';

const database = defineResource({
  name: 'database',
  create: () => ({ write: (text: string) => console.log('  wrote', text) }),
  destroy: (_, { reason }) => console.log('  database ended:', reason),
});
const orders = defineResource({
  name: 'orders',
  dependencies: { db: database },
  create: ({ dependencies }) => ({ place: (id: string) => dependencies.db.value.write(id) }),
  destroy: (_, { reason }) => console.log('  orders ended:', reason),
});
const reports = defineResource({
  name: 'reports',
  create: () => ({ pages: 0 }),
  destroy: (_, { reason }) => console.log('  reports ended:', reason),
});

const resources = createResources({ define: [database, orders, reports], drainTimeoutMs: 30_000 });
// Started, so that the first request waits for nothing. Were one of them impossible, those before it would be ended again.
await resources.start();
console.log(
  'started',
  resources
    .list()
    .map(({ name, state }) => `${name} ${state}`)
    .join(', '),
);

// One request is under way, and a job that will not stop in time.
const request = await resources.acquire(orders);
const job = await resources.acquire(reports);
const working = setInterval(() => (job.lease.signal.aborted ? undefined : (job.value.pages += 1)), 5);
job.lease.signal.addEventListener('abort', () => console.log('  the job is told to stop'));

// In a program: process.once('SIGTERM', ...), with a time below that after which it is killed.
const closing = resources.close({ timeoutMs: 50 });
try {
  await resources.acquire(orders);
} catch (error) {
  console.log('a new request:', isCodedError(error) && error.code);
}
request.value.place('order-7');
request.lease.release();

const report = await closing;
for (const { resource, returned, destroyed, forced, left } of report.resources) {
  console.log(resource.padEnd(8), { returned, destroyed, forced, left });
}
console.log('taken from borrowers:', report.forced, '- maybe still alive:', report.left);
clearInterval(working);
console.log('closed once more:', (await resources.close()) === report);
