import { andThen, err, mapResult, ok, unwrap, type Result } from '@tenon/core';
import { describe, expect, it } from 'vitest';

const half = (value: number): Result<number, 'odd'> => (value % 2 === 0 ? ok(value / 2) : err('odd'));

describe('a result', () => {
  it('is a frozen success or a frozen failure', () => {
    expect(ok(5)).toEqual({ ok: true, value: 5 });
    expect(err('odd')).toEqual({ ok: false, error: 'odd' });
    expect(Object.isFrozen(ok(5)) && Object.isFrozen(err('odd'))).toBe(true);
  });

  it('is changed by mapping only when it is a success', () => {
    expect(mapResult(half(8), String)).toEqual(ok('4'));
    const failure = half(7);
    expect(mapResult(failure, () => expect.unreachable())).toBe(failure);
  });

  it('goes on to the next step until one fails', () => {
    expect(andThen(half(8), half)).toEqual(ok(2));
    expect(andThen(half(6), half)).toEqual(err('odd'));
    const failure = half(7);
    expect(andThen(failure, () => expect.unreachable())).toBe(failure);
  });
});

describe('unwrapping', () => {
  it('gives the value of a success', () => {
    expect(unwrap(ok(undefined))).toBeUndefined();
    expect(unwrap(half(8))).toBe(4);
  });

  it('throws the reason of a failure itself when it is an error', () => {
    const reason = new RangeError('too far');
    expect(() => unwrap(err(reason))).toThrow(reason);
  });

  it('throws an error around any other reason', () => {
    expect(() => unwrap(err('odd'))).toThrow(expect.objectContaining({ cause: 'odd' }) as Error);
  });
});
