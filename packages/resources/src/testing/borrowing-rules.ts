import assert from 'node:assert/strict';
import { isUsable } from '../health/health-status.ts';
import { CONTRACT_TENANT, failureOf, inTenant, type ResourceRule } from './contract-check.ts';

const CALLERS = 20;

/** Making, lending and ending. */
export const borrowingRules: readonly ResourceRule[] = [
  {
    name: 'nothing is made before somebody borrows',
    async check({ resources, instances }) {
      assert.equal(instances.made.length, 0);
      await resources.close();
      assert.equal(instances.made.length, 0);
    },
  },
  {
    name: 'what was made is ended exactly once when the resources close, and not before',
    async check({ resources, token, work, instances }) {
      await Promise.all(
        Array.from({ length: CALLERS }, async () => {
          await using face = await resources.acquire(token);
          await work(face);
        }),
      );
      assert.ok(instances.made.length > 0);
      assert.equal(instances.ended.length, 0, 'an instance that works was not kept');
      await resources.close();
      await resources.close();
      assert.equal(instances.ended.length, instances.made.length);
      assert.equal(new Set(instances.ended).size, instances.made.length, 'an instance was ended twice');
    },
  },
  {
    name: 'an instance that came back is lent again',
    async check({ resources, token, work, instances }) {
      for (let turn = 0; turn < 5; turn += 1) {
        await using face = await resources.acquire(token);
        await work(face);
      }
      assert.equal(instances.made.length, 1);
    },
  },
  {
    name: 'each borrower has a face of its own, and one that leaves takes nothing from the others',
    async check({ resources, token, work }) {
      const first = await resources.acquire(token);
      const second = await resources.acquire(token);
      assert.notEqual(first, second);
      await first[Symbol.asyncDispose]();
      await work(second);
      await second[Symbol.asyncDispose]();
    },
  },
  {
    name: 'after the release nothing works any more: LEASE_RELEASED',
    async check({ resources, token, work }) {
      const face = await resources.acquire(token);
      await work(face);
      face.lease.release();
      const { code } = await failureOf(refused(() => work(face)));
      assert.equal(code, 'LEASE_RELEASED');
    },
  },
  {
    name: 'two tenants never share an instance',
    async check({ resources, token, work, instances }) {
      await using mine = await resources.acquire(token);
      await inTenant('contract-b', async () => {
        await using theirs = await resources.acquire(token);
        await work(theirs);
      });
      await work(mine);
      assert.equal(instances.made.length, token.definition.isolation === 'none' ? 1 : 2);
      assert.ok(resources.list().every(({ scope }) => scope.includes(CONTRACT_TENANT) || scope === 'global'));
    },
  },
  {
    name: 'an acquire that is aborted ends, and what was made for it does not stay for ever',
    async check({ resources, token, instances, until }) {
      const aborted = await failureOf(resources.acquire(token, undefined, { signal: AbortSignal.abort() }));
      assert.equal(aborted.code, 'RESOURCE_CANCELLED');
      const stop = new AbortController();
      const acquiring = resources.acquire(token, undefined, { signal: stop.signal });
      stop.abort();
      await acquiring.then(
        (face) => face.lease.release(),
        () => undefined,
      );
      await resources.close();
      await until('every instance is ended', () => instances.ended.length === instances.made.length);
    },
  },
  {
    name: 'an instance whose borrower says that it is unfit is not lent again',
    async check({ resources, token, work, instances, until }) {
      const face = await resources.acquire(token);
      face.lease.taint();
      await face[Symbol.asyncDispose]();
      await until('the unfit one is ended', () => instances.ended.length === 1);
      await using next = await resources.acquire(token);
      await work(next);
      assert.equal(instances.made.length, 2);
    },
  },
  {
    name: 'its check finds a working instance usable',
    async check({ resources, token, work }) {
      if (!token.definition.hasCheck) return;
      await resources.use(token, work);
      const [seen] = await resources.check(token);
      assert.ok(seen !== undefined && isUsable(seen.health), 'a check of what works says that it does not');
    },
  },
];

/** What throws at once is a failure as well. */
export async function refused(work: () => Promise<unknown>): Promise<unknown> {
  return work();
}
