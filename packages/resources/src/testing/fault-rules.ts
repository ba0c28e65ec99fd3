import assert from 'node:assert/strict';
import { isCodedError } from '@tenon/core';
import { isUsable } from '../health/health-status.ts';
import { refused } from './borrowing-rules.ts';
import { assertShowsNone, failureOf, type ContractTools, type ResourceRule } from './contract-check.ts';

/** Servers that go, logins that are refused or withdrawn, and what may be seen of it. */
export const faultRules: readonly ResourceRule[] = [
  {
    name: 'without its server, work and acquires fail within their time, with coded errors',
    needs: ['stopServer'],
    async check({ resources, token, work, stopServer, until }) {
      await using face = await resources.acquire(token);
      await work(face);
      await stopServer?.();
      await until('the work of a borrower fails', () => fails(work(face)));
      await until('whoever borrows fails', () => fails(resources.use(token, work)));
    },
  },
  {
    name: 'its check finds an instance without its server unusable',
    needs: ['stopServer'],
    async check({ resources, token, work, stopServer, instances, until }) {
      if (!token.definition.hasCheck) return;
      await using face = await resources.acquire(token);
      await work(face);
      await stopServer?.();
      await until('a check says so', async () => {
        const signal = AbortSignal.timeout(5_000);
        const seen = await token.definition.check(instances.made[0], { signal }).catch(() => undefined);
        return seen === undefined || !isUsable(seen);
      });
    },
  },
  {
    name: 'isBroken tells at a glance that the server is gone for good',
    needs: ['stopServer'],
    async check({ resources, token, work, stopServer, instances, until }) {
      const face = await resources.acquire(token);
      await work(face);
      const [instance] = instances.made;
      assert.equal(token.definition.isBroken(instance), false, 'an instance that works is said to be broken');
      await stopServer?.();
      await until('the instance is broken', async () => {
        await fails(work(face));
        return token.definition.isBroken(instance);
      });
      await face[Symbol.asyncDispose]();
    },
  },
  {
    name: 'when the server is back, whoever borrows works again',
    needs: ['stopServer', 'startServer'],
    async check({ resources, token, work, stopServer, startServer, until }) {
      await resources.use(token, work);
      await stopServer?.();
      await until('work fails', () => fails(resources.use(token, work)));
      await startServer?.();
      await until('work goes well', async () => !(await fails(resources.use(token, work))));
    },
  },
  {
    name: 'a login that is refused is no reason to try again',
    needs: ['refusedToken'],
    async check({ resources, refusedToken }) {
      if (refusedToken === undefined) return;
      resources.register(refusedToken);
      const failure = await failureOf(resources.acquire(refusedToken));
      assert.equal(failure.code, 'RESOURCE_INITIALIZATION_FAILED');
      assert.ok(isCodedError(failure.cause, 'RESOURCE_ACCESS_DENIED'), 'its cause is not RESOURCE_ACCESS_DENIED');
      assert.equal(failure.cause.retryable, false);
    },
  },
  {
    name: 'after its credential was revoked nothing works any more, at once: RESOURCE_REVOKED',
    needs: ['slots'],
    async check({ resources, token, work, instances, until }) {
      const face = await resources.acquire(token);
      await work(face);
      const [slot] = Object.values(token.definition.credentials);
      assert.ok(slot !== undefined);
      const revoking = resources.credentialChanged({ id: slot.id, change: 'revoked' });
      const failure = await failureOf(refused(() => work(face)));
      assert.equal(failure.code, 'RESOURCE_REVOKED');
      await revoking;
      face.lease.release();
      await until('every instance is ended', () => instances.ended.length === instances.made.length);
    },
  },
  {
    name: 'no secret is seen in errors, events, logs and views',
    needs: ['secrets'],
    async check(tools) {
      const { resources, token, refusedToken, work, stopServer, secrets = [], shown } = tools;
      await resources.use(token, work);
      shown.push(resources.list(), resources.toMermaid(), resources.health());
      if (refusedToken !== undefined) {
        resources.register(refusedToken);
        shown.push(await failureOf(resources.acquire(refusedToken)));
      }
      if (stopServer !== undefined) await collectFailures(tools, stopServer);
      assertShowsNone(secrets, shown);
    },
  },
];

async function collectFailures(
  { resources, token, work, shown, until }: ContractTools,
  stopServer: () => Promise<void>,
): Promise<void> {
  await using face = await resources.acquire(token);
  await stopServer();
  await until('its work fails', async () => {
    const thrown = await work(face).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (thrown !== undefined) shown.push(thrown);
    return thrown !== undefined;
  });
  shown.push(await resources.check(token), resources.list());
}

/** Whether it fails. @throws `AssertionError` when it fails with anything but a coded error */
async function fails(work: Promise<unknown>): Promise<boolean> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown === undefined) return false;
  assert.ok(isCodedError(thrown), 'a failure is no coded error');
  return true;
}
