import { deepFreeze } from '@tenon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

describe('deepFreeze', () => {
  it('freezes any JSON all the way down, and changes nothing of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = structuredClone(value);
        expect(deepFreeze(value)).toBe(value);
        expect(isFrozen(value)).toBe(true);
        expect(value).toEqual(copy);
      }),
    );
  });

  it('makes a write fail', () => {
    const order = deepFreeze({ lines: [{ quantity: 1 }] });
    expect(() => {
      (order.lines[0] as { quantity: number }).quantity = 2;
    }).toThrow(TypeError);
    expect(() => order.lines.push({ quantity: 3 })).toThrow(TypeError);
  });
});
