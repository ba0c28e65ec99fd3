import type { CodedError } from '@tenon/core';
import { tradingError, type TradingErrorCode } from '../errors.ts';
import { brokenConstraint } from '../failures.ts';

/** No order of this id in the tenant and the scope. */
export function orderNotFound(id: string): CodedError<TradingErrorCode> {
  return tradingError('ORDER_NOT_FOUND', `there is no order "${id}"`, { details: { id } });
}

/** The order has another version than the caller expected. */
export function orderVersionConflict(id: string, expected: number, actual: number): CodedError<TradingErrorCode> {
  return tradingError(
    'ORDER_VERSION_CONFLICT',
    `order "${id}" has been changed since it was read; read it again and repeat the change`,
    { details: { id, expected, actual } },
  );
}

/** Runs work and says in the words of orders which rule of the tables it broke. */
export async function withOrderErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const constraint = brokenConstraint(error);
    if (constraint === 'orders_external_id_unique') {
      throw tradingError('ORDER_EXTERNAL_ID_TAKEN', 'another order has this external id; choose another', {
        cause: error,
      });
    }
    if (constraint === 'orders_user_exists') {
      throw tradingError('ORDER_USER_UNKNOWN', 'the person who orders does not exist in this tenant', { cause: error });
    }
    if (constraint === 'order_lines_product_exists') {
      throw tradingError(
        'ORDER_PRODUCT_UNAVAILABLE',
        'one of the products was removed at this moment; take it out of the order',
        { cause: error },
      );
    }
    throw error;
  }
}
