/**
 * What needs what: made in order, injected, drawn, and never in a circle.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/dependency-graph.ts
 */
import { isCodedError } from '@tenon/core';
import { createDependencyGraph, createResources, defineResource, toMermaid } from '@tenon/resources';

const made = (name: string) => console.log('  made', name);
const database = defineResource({
  name: 'database',
  create: () => {
    made('database');
    return { find: (id: string) => `order ${id}` };
  },
});
const cache = defineResource({
  name: 'cache',
  create: () => {
    made('cache');
    return new Map<string, string>();
  },
});
const orders = defineResource({
  name: 'orders',
  dependencies: { db: database, seen: cache },
  // What is needed comes with its types, and is this instance's for as long as it lives.
  create: ({ dependencies: { db, seen } }) => {
    made('orders');
    return {
      find(id: string) {
        if (!seen.value.has(id)) seen.value.set(id, db.value.find(id));
        return seen.value.get(id);
      },
    };
  },
});
const api = defineResource({
  name: 'api',
  dependencies: { orders },
  create: ({ dependencies }) => {
    made('api');
    return { get: (path: string) => dependencies.orders.value.find(path.slice(1)) };
  },
});

await using resources = createResources({ define: [database, cache, orders, api] });
console.log(resources.toMermaid());

console.log('one acquire makes all that it needs:');
console.log(await resources.use(api, ({ value }) => value.get('/7')));

// A registration may put another one in the place of what is needed. A circle is refused, and nothing has changed.
try {
  resources.register(cache, { scope: { tenant: 'acme' }, dependencies: { behind: api } });
} catch (error) {
  console.log(isCodedError(error) && error.code, isCodedError(error) && error.details['path']);
}

// The graph alone, for what is no resource.
const graph = createDependencyGraph();
graph.connect('server', 'database');
graph.connect('server', 'queue');
graph.connect('worker', 'queue');
console.log('start:', graph.order().join(', '));
console.log('without the queue:', graph.affectedBy('queue').join(', '));
console.log(
  toMermaid(graph, (node) => node.toUpperCase())
    .split('\n')
    .slice(1, 3)
    .join(' '),
);
