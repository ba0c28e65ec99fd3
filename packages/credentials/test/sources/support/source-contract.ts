import { runAs } from '@tenon/core';
import { codeOf, createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { apiKey, credentials, keyText, type CredentialKey, type CredentialSource } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { printOut } from './print-out.ts';

/** A source, and what it reads from. Secrets of a rig are API keys. */
export interface SourceRig {
  readonly source: CredentialSource;
  put(key: CredentialKey, secret: string): void | Promise<void>;
  remove(key: CredentialKey): void | Promise<void>;
  deny(key: CredentialKey): void;
  /** The next read, and all after it until it is mended, finds a source that is down. */
  break(): void;
  mend(): void;
  /** The next read gets no answer. Resolves when it has arrived. */
  hang(): Promise<void>;
  /** What the source signs in with. */
  readonly own: readonly string[];
  stop(): Promise<void>;
}

const idle = new AbortController().signal;
const key: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };

/** Keys that a mapping with a slip in it would take for each other. */
const alike: readonly CredentialKey[] = [
  key,
  { ...key, tenant: 'Acme' },
  { ...key, tenant: 'acme-org' },
  { ...key, scope: 'org:acme' },
  { ...key, scope: 'org:ACME/team:eng' },
  { ...key, scope: 'org:acme/team:eng/service:github' },
  { ...key, scope: 'org:acme-team/eng:x' },
  { ...key, scope: 'org:acme_team/eng:x' },
  { ...key, id: 'GitHub' },
  { ...key, id: 'git_hub' },
  { ...key, id: 'git-hub' },
  { ...key, id: '__proto__' },
  { ...key, id: 'metadata' },
];

const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
/** Any key there can be, and often some that are much alike. */
export const anyKey: fc.Arbitrary<CredentialKey> = fc.record({
  tenant: fc.oneof(word, fc.constantFrom('a', 'A', 'a-b', 'a_b')),
  scope: fc
    .array(fc.tuple(fc.oneof(word, fc.constantFrom('a', 'b')), fc.oneof(word, fc.constantFrom('a', 'b'))), {
      minLength: 1,
      maxLength: 4,
    })
    .map((segments) => segments.map(([level, name]) => `${level}:${name}`).join('/')),
  id: fc.oneof(word, fc.constantFrom('a', 'A', 'b', 'a-b', 'a_b')),
});

/** What every source has to keep to. */
export function sourceContract(name: string, open: (clock: TestClock) => Promise<SourceRig>): void {
  describe(`a source in ${name}`, () => {
    let clock: TestClock;
    let rig: SourceRig;

    beforeEach(async () => {
      clock = createTestClock();
      rig = await open(clock);
    });
    afterEach(() => rig.stop());

    const read = async (wanted: CredentialKey): Promise<string | undefined> => {
      const vault = credentials()
        .storage(memoryStorage())
        .keys(KeyRing.generate())
        .source(rig.source)
        .clock(clock)
        .build();
      const found = await runAs({ tenant: wanted.tenant }, () =>
        vault.retrieve({ scope: wanted.scope, id: wanted.id }),
      );
      return found?.secret.reveal();
    };
    const get = (wanted = key, signal = idle) => rig.source.get(wanted, { signal });

    it('has nothing where there is nothing', async () => {
      expect(await get()).toBeUndefined();
    });

    it('gives what is there, and what replaced it under another version', async () => {
      await rig.put(key, 'first');
      expect(await read(key)).toBe('first');
      const first = await get();
      await rig.put(key, 'second');
      expect(await read(key)).toBe('second');
      const second = await get();
      expect(first?.version).toBeTypeOf('string');
      expect(second?.version).not.toBe(first?.version);
    });

    it('has nothing any more once it was removed', async () => {
      await rig.put(key, 'first');
      await rig.remove(key);
      expect(await get()).toBeUndefined();
    });

    it('tells keys apart that are much alike', async () => {
      for (const [at, one] of alike.entries()) await rig.put(one, `secret-${at}`);
      for (const [at, one] of alike.entries()) expect(await read(one), keyText(one)).toBe(`secret-${at}`);
    });

    it('never gives one key what lies under another', async () => {
      await fc.assert(
        fc.asyncProperty(anyKey, anyKey, async (one, other) => {
          fc.pre(keyText(one) !== keyText(other));
          await rig.put(one, 'of-one');
          expect((await get(one)) === undefined).toBe(false);
          expect(await get(other)).toBeUndefined();
          await rig.remove(one);
        }),
        { numRuns: 60 },
      );
    });

    it('does not take a refusal for there being none', async () => {
      await rig.put(key, 'first');
      rig.deny(key);
      const failure = await failureOf(get());
      expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_DENIED', retryable: false });
      rig.deny({ ...key, id: 'nothing-there' });
      expect(await codeOf(get({ ...key, id: 'nothing-there' }))).toBe('CREDENTIAL_STORAGE_DENIED');
    });

    it('does not take a source that is down for there being none, and goes on once it is up', async () => {
      await rig.put(key, 'first');
      rig.break();
      expect(await failureOf(get())).toMatchObject({ code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true });
      rig.mend();
      expect(await read(key)).toBe('first');
    });

    it('ends when its caller gives up, also before it begins', async () => {
      const arrived = rig.hang();
      const controller = new AbortController();
      const reading = get(key, controller.signal);
      await arrived;
      controller.abort(new Error('gone'));
      await expect(reading).rejects.toThrow('gone');
      await expect(get(key, controller.signal)).rejects.toThrow('gone');
    });

    it('answers many at the same time, each its own', async () => {
      const keys = Array.from({ length: 40 }, (_, at) => ({ ...key, id: `id-${at}` }));
      for (const one of keys) await rig.put(one, `secret of ${one.id}`);
      const found = await Promise.all(keys.map(read));
      expect(found).toEqual(keys.map(({ id }) => `secret of ${id}`));
    });

    it('is closed once and for all, and any number of times', async () => {
      await rig.put(key, 'first');
      await get();
      await rig.source.close();
      await rig.source.close();
      expect(await codeOf(get())).toBe('CREDENTIALS_CLOSED');
    });

    it('ends what is under way when it is closed', async () => {
      const arrived = rig.hang();
      const reading = get();
      reading.catch(() => undefined);
      await arrived;
      await rig.source.close();
      expect(await codeOf(reading)).toBe('CREDENTIALS_CLOSED');
    });

    it('shows nothing of what it reads or signs in with', async () => {
      await rig.put(key, 'canary-secret');
      const found = await get();
      rig.deny(key);
      const denied = await failureOf(get());
      rig.break();
      const down = await failureOf(get());
      const shown = printOut(rig.source, found, denied, down);
      for (const secret of [...rig.own, 'canary-secret']) expect(shown).not.toContain(secret);
    });

    it('is a credential of the vault like any other', async () => {
      await rig.put(key, 'first');
      const vault = credentials()
        .storage(memoryStorage())
        .keys(KeyRing.generate())
        .source(rig.source)
        .tenant('acme')
        .clock(clock)
        .build();
      const { tenant: _, ...reference } = key;
      const found = await vault.retrieve(reference, { kind: apiKey });
      const { version } = (await get()) ?? {};
      expect(found).toMatchObject({
        ...reference,
        kind: 'api-key',
        version: 1,
        origin: { source: rig.source.name, version },
      });
    });
  });
}
