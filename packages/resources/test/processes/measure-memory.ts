// A process of its own, as a heap in which nothing else happens is the only one that can be measured. It prints one JSON object.
import { runAs } from '@tenon/core';
import { createResources, defineResource, type Resources, type ResourceToken } from '@tenon/resources';
import { Type } from 'typebox';

const RESOURCES = 1_000;
const CYCLES = 200_000;

function define(n: number): ResourceToken {
  return defineResource({
    name: `thing-${n}`,
    schema: Type.Object({ host: Type.String(), port: Type.Integer({ default: 5_432 }) }),
    config: { host: 'localhost', port: 5_432 },
    create: () => ({ n }),
    check: () => true,
    reset: () => true,
  });
}

function heapBytes(): number {
  // The second one takes what finalizers of the first have let go.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function registeredBytes(): number {
  const tokens = Array.from({ length: RESOURCES }, (_, n) => define(n));
  const before = heapBytes();
  const resources = createResources();
  for (const token of tokens) resources.register(token);
  const after = heapBytes();
  if (resources.tokens().length !== RESOURCES) throw new Error('not all of them are registered');
  return after - before;
}

async function grownBytes(): Promise<number> {
  const token = define(0);
  const resources = createResources({ define: [token] });
  const borrow = (cycles: number): Promise<void> =>
    runAs({ tenant: 'acme' }, async () => {
      for (let done = 0; done < cycles; done += 1) await cycle(resources, token);
    });
  await borrow(CYCLES);
  const before = heapBytes();
  await borrow(CYCLES);
  const after = heapBytes();
  await resources.close();
  return after - before;
}

async function cycle(resources: Resources, token: ResourceToken): Promise<void> {
  await using borrowed = await resources.acquire(token);
  if (borrowed.lease.released) throw new Error('it is given back already');
}

// The middle of several: what is compiled and cached once is no part of it, nor what an earlier one leaves behind later.
const registered = Array.from({ length: 5 }, registeredBytes).toSorted((left, right) => left - right)[2];
process.stdout.write(JSON.stringify({ registered, grown: await grownBytes(), cycles: CYCLES }));
