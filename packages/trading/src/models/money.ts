import { tradingError } from '../errors.ts';

/** What a line's total depends on. */
export interface PricedQuantity {
  /** Whole number, 1 or more. */
  readonly quantity: number;
  /** Price of one, in minor units of the currency (cents), 0 or more. */
  readonly unitPriceMinor: number;
  /** Whole percent taken off, 0 to 100. */
  readonly discountPercent: number;
}

/**
 * The total of a line in minor units: quantity times price less the discount, rounded half up, in whole numbers throughout.
 *
 * @throws `ORDER_TOTAL_TOO_LARGE` when the total is beyond what a number holds exactly
 */
export function lineTotalMinor(line: PricedQuantity): number {
  const hundredths = line.quantity * line.unitPriceMinor * (100 - line.discountPercent);
  if (hundredths + 50 <= Number.MAX_SAFE_INTEGER) return Math.floor((hundredths + 50) / 100);
  return safeTotal(exactLineTotal(line));
}

/** The total of a line, however large. */
export function exactLineTotal(line: PricedQuantity): bigint {
  return (BigInt(line.quantity) * BigInt(line.unitPriceMinor) * BigInt(100 - line.discountPercent) + 50n) / 100n;
}

/**
 * The total of an order in minor units: the sum of its lines' totals.
 *
 * @throws `ORDER_TOTAL_TOO_LARGE` when the sum is beyond what a number holds exactly
 */
export function orderTotalMinor(lines: readonly { readonly totalMinor: number }[]): number {
  return safeTotal(lines.reduce((sum, line) => sum + BigInt(line.totalMinor), 0n));
}

function safeTotal(total: bigint): number {
  if (total <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(total);
  throw tradingError(
    'ORDER_TOTAL_TOO_LARGE',
    `an order's total must not pass ${Number.MAX_SAFE_INTEGER} minor units; split the order`,
  );
}
