import { codeOf, createTestClock, type TestClock } from '@tenon/core/testing';
import {
  apiKey,
  credentials,
  type CredentialRotator,
  type CredentialStorage,
  type CredentialVault,
  type RotationPolicy,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { beforeEach, describe, expect, it } from 'vitest';

const place = { scope: 'org:acme', id: 'github' };
const DAY_MS = 86_400_000;

describe('rotation', () => {
  const keys = KeyRing.generate();
  let clock: TestClock;
  let storage: CredentialStorage;
  let vault: CredentialVault;
  let rotations: string[];
  let fail: 'rotate' | 'verify' | undefined;

  const rotator: CredentialRotator = {
    kind: 'api-key',
    async rotate({ id, version, material }) {
      rotations.push(`${id} ${String(material['key'])}`);
      if (fail === 'rotate') throw new Error('the issuer is down');
      return apiKey(`${id}-${version + 1}`);
    },
    async verify() {
      if (fail === 'verify') throw new Error('the new key does not work');
    },
  };
  const build = (): CredentialVault =>
    credentials().storage(storage).keys(keys).tenant('main').clock(clock).rotator(rotator).build();
  const secretOf = async (version?: number): Promise<string | undefined> =>
    (await vault.retrieve(place, version === undefined ? {} : { version }))?.secret.reveal();

  beforeEach(async () => {
    clock = createTestClock();
    storage = memoryStorage();
    rotations = [];
    fail = undefined;
    vault = build();
    await vault.store(place, apiKey('first'));
  });

  describe('by hand', () => {
    it('hands out the new one, and the old one by its version until the grace is over', async () => {
      const info = await vault.rotate(place, apiKey('second'), { graceMs: 1_000 });
      expect(info).toMatchObject({
        version: 2,
        rotatedAt: new Date(clock.now()),
        previous: [{ version: 1, graceUntil: new Date(clock.now() + 1_000) }],
      });
      expect([await secretOf(), await secretOf(2), await secretOf(1)]).toEqual(['second', 'second', 'first']);
      await clock.advance(999);
      expect(await secretOf(1)).toBe('first');
      await clock.advance(1);
      expect(await secretOf(1)).toBeUndefined();
      expect(await secretOf()).toBe('second');
    });

    it('gives a day of grace, or what a policy says', async () => {
      expect((await vault.rotate(place, apiKey('2'))).previous[0]?.graceUntil).toEqual(new Date(clock.now() + DAY_MS));
      await vault.store(place, apiKey('3'), { policies: [{ type: 'manual', graceMs: 7 }] });
      expect((await vault.rotate(place, apiKey('4'))).previous[0]?.graceUntil).toEqual(new Date(clock.now() + 7));
    });

    it('ends every earlier version at once in an emergency', async () => {
      await vault.rotate(place, apiKey('second'));
      await vault.rotate(place, apiKey('third'), { reason: 'emergency', graceMs: DAY_MS });
      expect([await secretOf(1), await secretOf(2), await secretOf()]).toEqual([undefined, undefined, 'third']);
    });

    it('keeps the old one when the new one is tried out and does not work', async () => {
      const verify = () => Promise.reject(new Error('401'));
      await expect(vault.rotate(place, apiKey('second'), { verify })).rejects.toThrow('401');
      expect((await vault.inspect(place))?.version).toBe(1);
    });

    it('is refused when somebody else has rotated it meanwhile', async () => {
      await vault.rotate(place, apiKey('second'), { expectedVersion: 1 });
      expect(await codeOf(vault.rotate(place, apiKey('mine'), { expectedVersion: 1 }))).toBe(
        'CREDENTIAL_VERSION_CONFLICT',
      );
      expect(await secretOf()).toBe('second');
    });

    it('has one winner among those who expect the same version', async () => {
      const all = Array.from({ length: 50 }, (_, index) =>
        codeOf(vault.rotate(place, apiKey(`try ${index}`), { expectedVersion: 1 })),
      );
      const codes = await Promise.all(all);
      expect(codes.filter((code) => code === 'none')).toHaveLength(1);
      expect(new Set(codes)).toEqual(new Set(['none', 'CREDENTIAL_VERSION_CONFLICT']));
      expect((await vault.inspect(place))?.version).toBe(2);
    });

    it('loses none of many that expect nothing', async () => {
      await Promise.all(Array.from({ length: 8 }, (_, index) => vault.rotate(place, apiKey(`${index}`))));
      expect((await vault.inspect(place))?.version).toBe(9);
    });

    it('keeps five earlier versions', async () => {
      for (let version = 2; version <= 9; version += 1) await vault.rotate(place, apiKey(`${version}`));
      expect((await vault.inspect(place))?.previous.map(({ version }) => version)).toEqual([8, 7, 6, 5, 4]);
    });

    it('goes back to an earlier version under a new number', async () => {
      await vault.rotate(place, apiKey('second'));
      await vault.rotate(place, apiKey('third'));
      expect(await vault.rollBack(place)).toMatchObject({ version: 4 });
      expect(await secretOf()).toBe('second');
      expect(await vault.rollBack(place, { toVersion: 1 })).toMatchObject({ version: 5 });
      expect(await secretOf()).toBe('first');
      expect(await secretOf(4)).toBeUndefined();
      expect(await codeOf(vault.rollBack(place, { toVersion: 99 }))).toBe('CREDENTIAL_VERSION_CONFLICT');
    });

    it('ends what is left of a grace when it is told to', async () => {
      await vault.rotate(place, apiKey('second'));
      await vault.revokePrevious(place);
      expect([await secretOf(1), await secretOf()]).toEqual([undefined, 'second']);
    });

    it('is impossible for what is not there or not in view', async () => {
      const missing = { ...place, id: 'none' };
      for (const work of [vault.rotate(missing, apiKey('x')), vault.revokePrevious(missing), vault.rollBack(missing)]) {
        expect(await codeOf(work)).toBe('CREDENTIAL_NOT_FOUND');
      }
      const other = vault.within('org:other');
      for (const work of [other.rotate(place, apiKey('x')), other.revokePrevious(place), other.rollBack(place)]) {
        expect(await codeOf(work)).toBe('CREDENTIAL_SCOPE_VIOLATION');
      }
      expect(await codeOf(vault.rotate(place, apiKey('x'), { graceMs: -1 }))).toBe('CREDENTIAL_INVALID');
    });
  });

  describe('by a rotator', () => {
    it('makes new material out of the old', async () => {
      expect(await vault.rotateNow(place)).toMatchObject({ version: 2 });
      expect([await secretOf(), rotations]).toEqual(['github-2', ['github first']]);
      expect(await vault.rotateNow(place, { reason: 'emergency' })).toMatchObject({ version: 3 });
      expect(await secretOf(2)).toBeUndefined();
    });

    it.each(['rotate', 'verify'] as const)(
      'leaves the old one in use when it fails at %s, and can be tried again',
      async (at) => {
        fail = at;
        expect(await codeOf(vault.rotateNow(place))).toBe('CREDENTIAL_ROTATION_FAILED');
        expect([await secretOf(), (await vault.inspect(place))?.version]).toEqual(['first', 1]);
        fail = undefined;
        expect((await vault.rotateNow(place)).version).toBe(2);
      },
    );

    it('is done by one process at a time', async () => {
      const other = build();
      const codes = await Promise.all([codeOf(vault.rotateNow(place)), codeOf(other.rotateNow(place))]);
      expect(codes.toSorted()).toEqual(['CREDENTIAL_REFRESH_BUSY', 'none']);
      expect(rotations).toHaveLength(1);
    });

    it('needs one for the kind', async () => {
      const without = credentials().storage(storage).keys(keys).tenant('main').build();
      expect(await codeOf(without.rotateNow(place))).toBe('CREDENTIAL_ROTATION_IMPOSSIBLE');
    });

    it('rotates what is due, once, and says what somebody has to do by hand', async () => {
      const policies: readonly RotationPolicy[] = [{ type: 'periodic', intervalMs: DAY_MS }];
      await vault.store({ scope: 'org:acme', id: 'a' }, apiKey('a'), { policies });
      await vault.store({ scope: 'org:acme/team:eng', id: 'b' }, apiKey('b'), { policies });
      await vault.store({ scope: 'org:acme', id: 'never' }, apiKey('n'), { policies: [{ type: 'manual' }] });
      expect(await vault.rotateDue()).toEqual({ rotated: 0, failed: [], manual: [] });
      await clock.advance(DAY_MS);
      const reports = await Promise.all([vault.rotateDue(), build().rotateDue()]);
      expect(reports.reduce((sum, { rotated }) => sum + rotated, 0)).toBe(2);
      expect(rotations.toSorted()).toEqual(['a a', 'b b']);
      expect(await vault.rotateDue()).toMatchObject({ rotated: 0 });
      fail = 'rotate';
      await clock.advance(DAY_MS);
      expect((await vault.rotateDue()).failed.map(({ id, code }) => `${id} ${code}`).toSorted()).toEqual([
        'a CREDENTIAL_ROTATION_FAILED',
        'b CREDENTIAL_ROTATION_FAILED',
      ]);
    });
  });

  describe('policies', () => {
    const rotateAfter = async (
      policies: readonly RotationPolicy[],
      lifetimeMs?: number,
    ): Promise<number | undefined> => {
      const ends = lifetimeMs === undefined ? {} : { expiresAt: new Date(clock.now() + lifetimeMs) };
      const info = await vault.store(place, apiKey('x'), { policies, ...ends });
      return info.rotateAfter === undefined ? undefined : info.rotateAfter.getTime() - clock.now();
    };

    it('ask for a rotation after an interval', async () => {
      expect(await rotateAfter([{ type: 'periodic', intervalMs: 1_000 }])).toBe(1_000);
    });

    it('with jitter move it by up to a tenth either way, the same at each look', async () => {
      const policies: readonly RotationPolicy[] = [{ type: 'periodic', intervalMs: 100_000, jitter: true }];
      const moments = new Set<number>();
      for (let round = 0; round < 50; round += 1) moments.add((await rotateAfter(policies)) ?? 0);
      expect(Math.min(...moments)).toBeGreaterThanOrEqual(90_000);
      expect(Math.max(...moments)).toBeLessThan(110_000);
      expect(moments.size).toBeGreaterThan(40);
      const seen = await vault.inspect(place);
      expect((await vault.inspect(place))?.rotateAfter).toEqual(seen?.rotateAfter);
    });

    it('ask before the expiry, by share of the lifetime or by what is left, whichever is first', async () => {
      expect(await rotateAfter([{ type: 'before-expiry', thresholdShare: 0.8 }], 1_000)).toBe(800);
      expect(await rotateAfter([{ type: 'before-expiry', minimumMs: 300 }], 1_000)).toBe(700);
      expect(await rotateAfter([{ type: 'before-expiry', thresholdShare: 0.8, minimumMs: 300 }], 1_000)).toBe(700);
      expect(await rotateAfter([{ type: 'before-expiry', thresholdShare: 0.8 }])).toBeUndefined();
    });

    it('ask at the moments of a cron expression in UTC, or once', async () => {
      clock.setNow(Date.UTC(2026, 0, 1, 12));
      expect(await rotateAfter([{ type: 'scheduled', cron: '0 3 * * 1' }])).toBe(Date.UTC(2026, 0, 5, 3) - clock.now());
      expect(await rotateAfter([{ type: 'scheduled', at: clock.now() + 5 }])).toBe(5);
      expect(await rotateAfter([{ type: 'scheduled', at: clock.now() - 5 }])).toBeUndefined();
    });

    it('never ask by themselves when they are manual', async () => {
      expect(await rotateAfter([{ type: 'manual' }])).toBeUndefined();
    });

    it('combined: the first one that triggers counts', async () => {
      const policies: readonly RotationPolicy[] = [
        { type: 'periodic', intervalMs: 900 },
        { type: 'before-expiry', thresholdShare: 0.5 },
        { type: 'manual' },
      ];
      expect(await rotateAfter(policies, 1_000)).toBe(500);
      expect(await rotateAfter(policies, 10_000)).toBe(900);
      expect(await vault.validate(place)).toMatchObject({ status: 'valid', isRotationRecommended: false });
      await clock.advance(900);
      expect(await vault.validate(place)).toMatchObject({ status: 'valid', isRotationRecommended: true });
    });

    it.each([
      [{ type: 'periodic', intervalMs: 0 }],
      [{ type: 'periodic' }],
      [{ type: 'before-expiry' }],
      [{ type: 'before-expiry', thresholdShare: 0 }],
      [{ type: 'before-expiry', thresholdShare: 1.1 }],
      [{ type: 'scheduled' }],
      [{ type: 'scheduled', cron: '* * * *' }],
      [{ type: 'scheduled', cron: '61 * * * *' }],
      [{ type: 'scheduled', cron: '0 3 * * 1', at: 5 }],
      [{ type: 'manual', graceMs: -1 }],
      [{ type: 'often' }],
    ])('that mean nothing are refused: %j', async (policy) => {
      const work = vault.store(place, apiKey('x'), { policies: [policy as RotationPolicy] });
      await expect(work).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
      expect(await secretOf()).toBe('first');
    });
  });
});
