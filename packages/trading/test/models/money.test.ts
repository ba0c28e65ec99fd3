import { codeOf } from '@tenon/core/testing';
import fc from 'fast-check';
import { lineTotalMinor, orderTotalMinor } from '@tenon/trading';
import { describe, expect, test } from 'vitest';

const line = (quantity: number, unitPriceMinor: number, discountPercent: number) => ({
  quantity,
  unitPriceMinor,
  discountPercent,
});

describe('the total of a line', () => {
  test.each([
    [line(1, 1, 0), 1],
    [line(1, 1, 50), 1], // 0.5 rounds up
    [line(1, 1, 51), 0], // 0.49 rounds down
    [line(3, 5, 10), 14], // 13.5 rounds up
    [line(1, 99, 1), 98], // 98.01
    [line(12, 1400, 0), 16_800],
    [line(7, 333, 15), 1981], // 1981.35
    [line(1_000_000, 0, 0), 0],
    [line(1, 1_000, 100), 0],
  ])('%o is %i', (priced, total) => {
    expect(lineTotalMinor(priced)).toBe(total);
  });

  test('is quantity times price less the discount, rounded half up, for any line that a number can hold', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 0, max: 999_999_999_999 }),
        fc.integer({ min: 0, max: 100 }),
        (quantity, unitPriceMinor, discountPercent) => {
          const hundredths = BigInt(quantity) * BigInt(unitPriceMinor) * BigInt(100 - discountPercent);
          const exact = hundredths / 100n + (hundredths % 100n >= 50n ? 1n : 0n);
          fc.pre(exact <= BigInt(Number.MAX_SAFE_INTEGER));
          expect(BigInt(lineTotalMinor({ quantity, unitPriceMinor, discountPercent }))).toBe(exact);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('beyond the largest exact number is refused, never rounded', async () => {
    expect(await codeOf(async () => lineTotalMinor(line(1_000_000, 999_999_999_999, 0)))).toBe('ORDER_TOTAL_TOO_LARGE');
    expect(lineTotalMinor(line(1, Number.MAX_SAFE_INTEGER, 0))).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the total of an order', () => {
  test('is the sum of its lines', () => {
    expect(orderTotalMinor([])).toBe(0);
    expect(orderTotalMinor([{ totalMinor: 1 }, { totalMinor: 2 }, { totalMinor: 39 }])).toBe(42);
  });

  test('reaches the largest exact number and not one beyond', async () => {
    const half = { totalMinor: (Number.MAX_SAFE_INTEGER - 1) / 2 };
    expect(orderTotalMinor([half, half, { totalMinor: 1 }])).toBe(Number.MAX_SAFE_INTEGER);
    expect(await codeOf(async () => orderTotalMinor([half, half, { totalMinor: 2 }]))).toBe('ORDER_TOTAL_TOO_LARGE');
  });
});
