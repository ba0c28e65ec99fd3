import { codeOf, createTestClock } from '@tenon/core/testing';
import { apiKey, credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const START = Date.UTC(2026, 0, 1);
const LOOK_MS = 1_000_000;
// Around the moment at which somebody looks: a millisecond before, at it, after it, and far from it.
const ends = fc.array(
  fc.oneof(
    fc.integer({ min: -2, max: 2 }).map((ms) => LOOK_MS + ms),
    fc.integer({ min: 1, max: 2 * LOOK_MS }),
    fc.constant(undefined),
  ),
  { minLength: 1, maxLength: 30 },
);
const ring = KeyRing.generate();

it('of any credentials, exactly those are found to have expired whose end has come', async () => {
  await fc.assert(
    fc.asyncProperty(ends, async (all) => {
      const clock = createTestClock(START);
      const vault = credentials().storage(memoryStorage()).keys(ring).tenant('main').clock(clock).build();
      const references = all.map((_, at) => ({ scope: 'org:acme', id: `key-${at}` }));
      await vault.storeMany(
        all.map((endMs, at) => ({
          reference: references[at] ?? { id: '' },
          material: apiKey('x'),
          ...(endMs === undefined ? {} : { options: { expiresAt: new Date(START + endMs) } }),
        })),
      );
      await clock.advance(LOOK_MS);
      const expected = all.map((endMs) => (endMs !== undefined && endMs <= LOOK_MS ? 'expired' : 'valid'));
      const judged = (await vault.validateMany(references)).orThrow();
      expect(judged.map(({ status }) => status)).toEqual(expected);
      // What is used is judged in the same way as what is looked at.
      for (const [at, reference] of references.entries()) {
        expect(await codeOf(vault.retrieve(reference))).toBe(expected[at] === 'valid' ? 'none' : 'CREDENTIAL_EXPIRED');
        expect(await vault.validate(reference)).toEqual(judged[at]);
      }
    }),
    { numRuns: 100 },
  );
});
