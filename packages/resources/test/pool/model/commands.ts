import fc from 'fast-check';
import type { OpenCall } from './scripted-hooks.ts';
import { turn, type World } from './world.ts';

type Model = Record<string, never>;
type Step = fc.AsyncCommand<Model, World>;

function step(name: string, run: (world: World) => unknown): Step {
  return {
    check: () => true,
    toString: () => name,
    async run(_model, world) {
      await run(world);
      await turn();
      world.check();
    },
  };
}

const index = fc.nat(9);
const pick = <Item>(items: readonly Item[], at: number): Item | undefined => items[at % Math.max(1, items.length)];

const answers = ['succeed', 'fail', 'refuse'] as const satisfies readonly (keyof OpenCall)[];

/** Everything that can happen to a pool. Ends are rare, so that most runs come to see much before. */
export const poolCommands: fc.Arbitrary<Step>[] = [
  fc.constantFrom(0, 20, 1_000, 1_000).map((ms) => step(`acquire(${ms})`, (world) => world.ask(ms))),
  fc.constantFrom(0, 20, 1_000, 1_000).map((ms) => step(`acquire(${ms})`, (world) => world.ask(ms))),
  fc.constant(
    step('tryAcquire', (world) => {
      const lease = world.pool.tryAcquire();
      if (lease !== undefined) world.hold(lease);
    }),
  ),
  index.map((at) => step(`abort(${at})`, (world) => pick(world.asked, at)?.controller.abort())),
  fc.tuple(index, fc.boolean(), fc.boolean()).map(([at, taints, twice]) =>
    step(`release(${at}, ${taints}, ${twice})`, (world) => {
      const lease = pick(world.held, at);
      if (lease === undefined) return;
      if (taints) lease.taint();
      lease.release({ failed: taints });
      if (twice) lease.release();
      else world.held.splice(world.held.indexOf(lease), 1);
    }),
  ),
  index.map((at) => step(`release(${at})`, (world) => pick(world.held, at)?.release())),
  fc
    .tuple(index, fc.constantFrom(...answers, 'succeed' as const))
    .map(([at, answer]) => step(`${answer}(${at})`, (world) => pick(world.hooks.open, at)?.[answer]())),
  fc.constant(
    step('succeed all', (world) => {
      for (const call of world.hooks.open.slice()) call.succeed();
    }),
  ),
  index.map((at) =>
    step(`break(${at})`, (world) => {
      const thing = pick(world.hooks.things, at);
      if (thing !== undefined) thing.isBroken = true;
      world.hooks.failsNextCreate = true;
    }),
  ),
  fc.constantFrom(5, 30, 120).map((ms) => step(`advance(${ms})`, (world) => world.clock.advance(ms))),
  fc
    .tuple(fc.nat(2), fc.integer({ min: 1, max: 4 }))
    .map(([min, max]) =>
      step(`resize(${min}, ${max})`, (world) => world.pool.resize({ min: Math.min(min, max), max })),
    ),
  fc.constant(step('invalidate', (world) => world.pool.invalidate())),
  fc.nat(3).map((count) =>
    step(`warmUp(${count})`, (world) => {
      world.background.push(world.pool.warmUp({ count }).catch(() => undefined));
    }),
  ),
  fc.constantFrom('revoke', 'drain', 'close', 'leave', 'nothing', 'nothing', 'nothing', 'nothing').map((end) =>
    step(end, (world) => {
      if (end === 'revoke') {
        world.isRevoked = true;
        world.pool.revoke();
      }
      if (end === 'drain') world.background.push(world.pool.drain({ timeoutMs: 40 }));
      if (end === 'close') world.background.push(world.pool.close({ timeoutMs: 40 }));
      if (end === 'leave') world.background.push(world.pool.close({ timeoutMs: 40, mode: 'leave' }));
    }),
  ),
];
