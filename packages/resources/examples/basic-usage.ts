/**
 * Define a resource, borrow it, give it back, look at it, and end everything.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/basic-usage.ts
 */
import { isCodedError } from '@tenon/core';
import { createResources, defineResource } from '@tenon/resources';
import { memoryCache } from '@tenon/resources/drivers/memory-cache';
import { Type } from 'typebox';

let printed = 0;

// What it is, how it is made and ended. The token that comes back knows its types.
const printer = defineResource({
  name: 'printer',
  schema: Type.Object({ paper: Type.String({ default: 'A4' }) }),
  pool: { max: 2 },
  create: ({ config }) => ({ print: (text: string) => `${text} on ${config.paper}, page ${(printed += 1)}` }),
  destroy: (_, { reason }) => console.log('ended:   ', reason),
});
// A driver makes such a token for you.
const words = memoryCache<number>('words', { maxEntries: 100 });

const resources = createResources({ define: [printer, words] });

// `await using` gives it back at the end of the block, whatever happens in between.
{
  await using borrowed = await resources.acquire(printer);
  console.log('printed: ', borrowed.value.print('hello'));
}

// The same for one piece of work; a failure of it is remembered against the instance.
console.log('printed: ', await resources.use(printer, ({ value }) => value.print('world')));

// Who uses what was given back is told so.
const cache = await resources.acquire(words);
cache.set('hello', 1);
console.log('cached:  ', cache.get('hello'), await cache.getOrLoad('world', async () => 2));
cache.lease.release();
try {
  cache.get('hello');
} catch (error) {
  console.log('refused: ', isCodedError(error) && error.code);
}

for (const { name, state, pool } of resources.list()) {
  console.log('listed:  ', name, state, `${pool.size} instance, ${pool.acquisitions} acquired`);
}

const report = await resources.close();
console.log('closed:  ', report.resources.map(({ resource, destroyed }) => `${resource} ${destroyed}`).join(', '));
