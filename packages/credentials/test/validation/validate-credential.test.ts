import {
  rotationRecommended,
  validateCredential,
  type RotationPolicy,
  type StoredSummary,
  type Validation,
} from '@tenon/credentials';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const NOW = Date.UTC(2026, 0, 1);
const place = { scope: 'org:acme', id: 'key' };

interface Ages {
  readonly createdAt?: number;
  readonly expiresAt?: number;
  readonly policies?: readonly RotationPolicy[];
}

/** A record as far as judging looks at it. */
function summaryOf({ createdAt = NOW, expiresAt, policies = [] }: Ages): StoredSummary {
  return {
    key: { tenant: 'main', ...place },
    kind: 'api-key',
    revision: 1,
    current: { version: 1, keyId: 'k', createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) },
    previous: [],
    tags: {},
    policies,
    createdAt,
    modifiedAt: createdAt,
  };
}

const judge = (ages: Ages, nowMs: number, skewMs?: number): Validation =>
  validateCredential(summaryOf(ages), nowMs, { isKindKnown: true, ...(skewMs === undefined ? {} : { skewMs }) });

describe('a credential', () => {
  it('without an end is valid at any time', () => {
    expect(judge({}, NOW)).toEqual({
      status: 'valid',
      ...place,
      expiresAt: undefined,
      rotateAfter: undefined,
      isRotationRecommended: false,
    });
    expect(judge({}, 8.64e15).status).toBe('valid');
  });

  it('is valid until the millisecond before its end, and expired from its end on', () => {
    const expiresAt = NOW + 1_000;
    expect(judge({ expiresAt }, expiresAt - 1)).toMatchObject({ status: 'valid', expiresAt: new Date(expiresAt) });
    expect(judge({ expiresAt }, expiresAt)).toEqual({
      status: 'expired',
      ...place,
      expiredAt: new Date(expiresAt),
      now: new Date(expiresAt),
    });
    expect(judge({ expiresAt }, expiresAt + 1)).toMatchObject({ status: 'expired', now: new Date(expiresAt + 1) });
  });

  it('ends earlier by the skew that is allowed for', () => {
    const expiresAt = NOW + 10_000;
    expect(judge({ expiresAt }, expiresAt - 501, 500).status).toBe('valid');
    expect(judge({ expiresAt }, expiresAt - 500, 500).status).toBe('expired');
    expect(judge({ expiresAt }, expiresAt - 500).status).toBe('valid');
  });

  it('of a kind that is not known is invalid, and says why', () => {
    const validation = validateCredential(summaryOf({}), NOW, { isKindKnown: false });
    expect(validation).toEqual({
      status: 'invalid',
      ...place,
      reason: 'the vault knows no kind of credential called "api-key"',
    });
  });

  it('for which a person has to sign in again is invalid, and says so', () => {
    const refresh = { reauthorize: 'rejected', failures: 1, unknownAt: [], generation: 1 } as const;
    const validation = validateCredential({ ...summaryOf({}), refresh }, NOW, { isKindKnown: true });
    expect(validation).toEqual({ status: 'invalid', ...place, reason: 'a person has to sign in again' });
  });

  it('is judged as expired exactly when its end is reached: none is missed, and none named falsely', () => {
    const around = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -1e9, max: 1e9 }));
    fc.assert(
      fc.property(
        around,
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 0, max: 1e6 }),
        (offset, life, skewMs) => {
          const expiresAt = NOW + life;
          const now = expiresAt + offset;
          expect(judge({ expiresAt }, now).status).toBe(offset >= 0 ? 'expired' : 'valid');
          expect(judge({ expiresAt }, now, skewMs).status).toBe(offset + skewMs >= 0 ? 'expired' : 'valid');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is frozen in every judgement', () => {
    for (const one of [judge({}, NOW), judge({ expiresAt: NOW }, NOW)]) expect(Object.isFrozen(one)).toBe(true);
  });
});

describe('a rotation', () => {
  const isRecommended = (ages: Ages, nowMs: number): boolean | undefined => {
    const validation = judge(ages, nowMs);
    return validation.status === 'valid' ? validation.isRotationRecommended : undefined;
  };

  it('is recommended once less than a quarter of the lifetime is left', () => {
    const expiresAt = NOW + 4_000;
    expect(isRecommended({ expiresAt }, NOW)).toBe(false);
    expect(isRecommended({ expiresAt }, NOW + 3_000)).toBe(false);
    expect(isRecommended({ expiresAt }, NOW + 3_001)).toBe(true);
    expect(isRecommended({ expiresAt }, NOW + 3_999)).toBe(true);
  });

  it('is recommended from the moment that a policy asks for it', () => {
    const policies = [{ type: 'periodic', intervalMs: 1_000 }] as const;
    expect(isRecommended({ policies }, NOW + 999)).toBe(false);
    expect(isRecommended({ policies }, NOW + 1_000)).toBe(true);
    expect(judge({ policies }, NOW)).toMatchObject({ rotateAfter: new Date(NOW + 1_000) });
  });

  it('is recommended by the first of several policies, and by the quarter when that comes before', () => {
    const policies = [
      { type: 'periodic', intervalMs: 9_000 },
      { type: 'periodic', intervalMs: 5_000 },
      { type: 'manual' },
    ] as const;
    const expiresAt = NOW + 4_000;
    expect(isRecommended({ policies }, NOW + 4_999)).toBe(false);
    expect(isRecommended({ policies }, NOW + 5_000)).toBe(true);
    expect(isRecommended({ policies, expiresAt }, NOW + 3_001)).toBe(true);
  });

  it('that is due does not make a credential expire', () => {
    const policies = [{ type: 'periodic', intervalMs: 1_000 }] as const;
    expect(judge({ policies, expiresAt: NOW + 1e9 }, NOW + 1e8)).toMatchObject({
      status: 'valid',
      isRotationRecommended: true,
    });
  });

  it('is not spoken of once the credential has expired', () => {
    expect(judge({ expiresAt: NOW + 10 }, NOW + 10)).not.toHaveProperty('isRotationRecommended');
  });
});

describe('rotationRecommended', () => {
  const valid = judge({ expiresAt: NOW + 10_000 }, NOW);

  it('is true when less than a quarter of the maximal age is left, exactly', () => {
    expect(rotationRecommended(valid, 4_000, NOW + 9_000)).toBe(false);
    expect(rotationRecommended(valid, 4_000, NOW + 9_001)).toBe(true);
    expect(rotationRecommended(valid, 4_000, NOW + 8_999)).toBe(false);
    expect(rotationRecommended(valid, 40_001, NOW)).toBe(true);
    expect(rotationRecommended(valid, 40_000, NOW)).toBe(false);
  });

  it('is true when the end is past already', () => {
    expect(rotationRecommended(valid, 4_000, NOW + 10_000)).toBe(true);
    expect(rotationRecommended(valid, 1, NOW + 99_999)).toBe(true);
  });

  it('is false without an end, and for what is not valid', () => {
    expect(rotationRecommended(judge({}, NOW), 1e12, NOW)).toBe(false);
    expect(rotationRecommended(judge({ expiresAt: NOW }, NOW), 1e12, NOW)).toBe(false);
    expect(rotationRecommended({ status: 'not-found', ...place }, 1e12, NOW)).toBe(false);
    expect(rotationRecommended({ status: 'invalid', ...place, reason: 'x' }, 1e12, NOW)).toBe(false);
  });

  it('is true exactly below a quarter', () => {
    const ms = fc.integer({ min: 0, max: 1e6 });
    fc.assert(
      fc.property(ms, ms, (leftMs, quarterMs) => {
        const nowMs = NOW + 10_000 - leftMs;
        expect(rotationRecommended(valid, quarterMs * 4, nowMs)).toBe(leftMs < quarterMs);
      }),
    );
  });
});
