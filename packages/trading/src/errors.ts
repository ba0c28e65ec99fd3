import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/trading` raises. */
export const tradingErrorCodes = [
  'ORDER_CURRENCY_MIXED',
  'ORDER_DISCOUNT_NOT_ALLOWED',
  'ORDER_EXTERNAL_ID_TAKEN',
  'ORDER_IDEMPOTENCY_KEY_INVALID',
  'ORDER_IDEMPOTENCY_MISMATCH',
  // An order, or a change of one, breaks rules of its form; details list every problem.
  'ORDER_INVALID',
  'ORDER_MOVE_ILLEGAL',
  'ORDER_MOVE_NOT_ALLOWED',
  'ORDER_NOT_DRAFT',
  'ORDER_NOT_FOUND',
  'ORDER_NOT_REMOVABLE',
  'ORDER_PRODUCT_UNAVAILABLE',
  'ORDER_STOCK_SHORT',
  'ORDER_TOTAL_TOO_LARGE',
  'ORDER_USER_UNKNOWN',
  'ORDER_VERSION_CONFLICT',
  // A product, or a change of one, breaks rules of its form; details list every problem.
  'PRODUCT_INVALID',
  'PRODUCT_IN_USE',
  'PRODUCT_NOT_FOUND',
  'PRODUCT_SKU_TAKEN',
  'PRODUCT_VERSION_CONFLICT',
] as const;

/** A code that `@tenon/trading` raises. */
export type TradingErrorCode = (typeof tradingErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function tradingError(
  code: TradingErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<TradingErrorCode> {
  return new CodedError(code, message, options);
}
