// What the registry of resources holds on to, as the heap after a forced collection, before and after. There is no peer.
// Goals: below 1 MB for 1,000 registered resources; 1,000,000 times borrowed and given back: no growth, within 64 KiB of noise.
import { runAs } from '@tenon/core';
import { createResources, defineResource, type Resources, type ResourceToken } from '@tenon/resources';
import { Type } from 'typebox';
import { machine, median, progress, sized, type BenchResult } from './result.ts';
import { collectGarbage } from './support/collect-garbage.ts';

const RESOURCES = 1_000;
const ROUNDS = sized(5, 1);
const CYCLES = sized(1_000_000, 5_000);
const WARM_UP = sized(200_000, 2_000);
const TENANT = 'main';

const inTenant = <Result>(work: () => Result): Result => runAs({ tenant: TENANT }, work);

type Bench = ResourceToken<{ readonly value: { readonly n: number } }>;

/** A resource like those of applications: with settings, a credential and a check, and of almost no weight itself. */
function define(n: number): Bench {
  return defineResource({
    name: `bench-${n}`,
    schema: Type.Object({ host: Type.String(), port: Type.Integer({ default: 5_432 }) }),
    config: { host: 'localhost', port: 5_432 },
    create: () => ({ n }),
    check: () => true,
  });
}

function heapBytes(): number {
  // The second one takes what finalizers of the first have let go.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

interface BytesEach {
  readonly defined: number;
  readonly registered: number;
  readonly managed: number;
}

/** @returns bytes for the token of one, for its registration, and for what manages it with an instance, each on top of the one before */
async function bytesEach(): Promise<BytesEach> {
  const nothing = heapBytes();
  const tokens = Array.from({ length: RESOURCES }, (_, n) => define(n));
  const before = heapBytes();
  const resources = createResources({ quota: { maxResources: RESOURCES } });
  for (const token of tokens) resources.register(token);
  const registered = heapBytes();
  await inTenant(async () => {
    for (const token of tokens) await cycle(resources, token);
  });
  const managed = heapBytes();
  await resources.close();
  return {
    defined: (before - nothing) / RESOURCES,
    registered: (registered - before) / RESOURCES,
    managed: (managed - registered) / RESOURCES,
  };
}

async function cycle(resources: Resources, token: Bench): Promise<void> {
  const borrowed = await resources.acquire(token);
  borrowed.lease.release();
}

/** @returns bytes by which the heap grew over all cycles */
async function growth(): Promise<number> {
  const token = define(0);
  const resources = createResources({ define: [token] });
  const borrow = (cycles: number): Promise<void> =>
    inTenant(async () => {
      for (let done = 0; done < cycles; done += 1) await cycle(resources, token);
    });
  await borrow(WARM_UP);
  const before = heapBytes();
  await borrow(CYCLES);
  const after = heapBytes();
  await resources.close();
  return after - before;
}

/** Runs the bench: about a minute. */
export async function run(): Promise<BenchResult> {
  const each: BytesEach[] = [];
  // What is compiled and cached once is no part of it: the first round does not count.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const one = await bytesEach();
    if (round > 0) each.push(one);
  }
  progress(`${CYCLES} times borrowed and given back`);
  const grown = await growth();
  const registered = median(each.map((one) => one.registered));
  return {
    name: 'resources-memory',
    unit: '',
    ours: {
      'bytes of 1,000 registered': Math.round(registered * 1_000),
      'bytes per token': Math.round(median(each.map((one) => one.defined))),
      'bytes per registered': Math.round(registered),
      'bytes per managed, with an instance': Math.round(median(each.map((one) => one.managed))),
      [`bytes of growth over ${CYCLES.toLocaleString('en-US')} cycles`]: grown,
      'bytes of growth per cycle': Math.round((grown / CYCLES) * 1_000) / 1_000,
    },
    peers: {},
    ratios: { '1,000 registered / 1 MB': Math.round(registered) / 1_000 },
    runs: ROUNDS,
    machine: machine(),
  };
}
