/**
 * The pool alone: sizes, who waits and for how long, which instance is used next, checks, and changes while it runs.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/pool-configuration.ts
 */
import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { createPool, type Lease, type PoolOptions, type PoolStrategy } from '@tenon/resources';

interface Connection {
  readonly id: number;
  isOpen: boolean;
}
const clock = createTestClock(); // so that minutes pass at once
const codeOf = (error: unknown): unknown => (isCodedError(error) ? error.code : error);

function openPool(options: Partial<PoolOptions<Connection>> = {}) {
  let made = 0;
  return createPool<Connection>({
    name: 'orders-db',
    create: () => ({ id: (made += 1), isOpen: true }),
    destroy: (connection) => void (connection.isOpen = false),
    clock,
    random: () => 0.5,
    ...options,
  });
}

// Backpressure: at most two, and one who waits. Full and late are two different answers.
{
  await using pool = openPool({ max: 2, maxWaiters: 1, acquireTimeoutMs: 1_000 });
  using first = await pool.acquire();
  using second = await pool.acquire();
  const waiting = pool.acquire();
  await pool.acquire().catch((error: unknown) => console.log('a fourth:', codeOf(error)));
  waiting.catch((error: unknown) => console.log('the third:', codeOf(error)));
  await clock.advance(1_000);
  console.log('still out:', first.value.id, second.value.id);
}

// Which idle instance is next, of three that came back in the order 3, 1, 2. Number 1 is slow, and number 2 fails.
for (const strategy of ['lifo', 'fifo', 'lru', 'weighted', 'adaptive'] satisfies PoolStrategy[]) {
  await using pool = openPool({ max: 3, strategy });
  const giveBack = (lease: Lease<Connection>): number => {
    const { id } = lease.value;
    lease.release({ responseMs: id === 1 ? 2_000 : 20, failed: id === 2 });
    return id;
  };
  const [first, second, third] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  for (const lease of [third, first, second]) giveBack(lease);
  const turns: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) turns.push(giveBack(await pool.acquire()));
  console.log(strategy.padEnd(9), turns.join(' '));
}

// How long they live, and what is asked before they are lent.
{
  await using pool = openPool({
    min: 1,
    max: 4,
    idleTimeoutMs: 60_000,
    maxUses: 100,
    aliveBypassMs: 0,
    validate: ({ isOpen }) => isOpen,
    onEvent: (event) => {
      if (event.type === 'destroyed') console.log('ended:', event.reason);
    },
  });
  await pool.warmUp({ count: 3 });
  console.log('warm:', pool.statistics().idle);
  await clock.advance(70_000);
  console.log('after a minute:', pool.statistics().idle);

  const lease = await pool.acquire();
  lease.value.isOpen = false; // the other side hung up
  await lease[Symbol.asyncDispose]();
  await pool.use((connection) => console.log('a new one:', connection.id));

  // While it runs: other bounds, and a new generation. Who has one finishes with it.
  pool.resize({ min: 0, max: 2 });
  const held = await pool.acquire();
  pool.invalidate('the address has changed');
  console.log('still works:', held.value.isOpen);
  await held[Symbol.asyncDispose]();
  const { max, created, destroyed } = pool.statistics();
  console.log({ max, created, destroyed });
}
