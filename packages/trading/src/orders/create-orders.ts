import { deepFreeze, type InputProblem, type Result } from '@tenon/core';
import { mapPage } from '@tenon/database';
import { inputInvalid } from '../failures.ts';
import { parseRows } from '../import-rows.ts';
import { parseImportedOrder, parseNewOrder, parseOrderPatch, parseOrderReplacement } from '../models/order-model.ts';
import type { Order, OrderPatch } from '../models/order.ts';
import type { ServiceConfig } from '../service-config.ts';
import { changeOrder } from './change-order.ts';
import { createOrder, prepareOrder } from './create-order.ts';
import { importOrders } from './import-orders.ts';
import { withOrderErrors } from './order-failures.ts';
import { orderListing } from './order-listing.ts';
import { forgetRequestsBefore } from './order-requests.ts';
import { freezeOrder, toOrder } from './order-row.ts';
import type { ChangeOrderOptions, Orders } from './orders.ts';
import { readLines, readOrder } from './read-order.ts';
import { removeOrder } from './remove-order.ts';

// Small enough that no other transaction waits long for a batch of deletions.
const FORGET_BATCH = 10_000;

/** Makes the service of orders. */
export function createOrders({ database, newId, now, logger }: ServiceConfig): Orders {
  const change = (id: string, patch: OrderPatch, options: ChangeOrderOptions = {}): Promise<Order> =>
    withOrderErrors(() => database.withTenant((tx) => changeOrder(tx, id, patch, options, now())));

  return {
    list: (request, cursors, scope = {}) =>
      database.withTenant(async (tx) => {
        const { onlyUserId } = scope;
        const page = await orderListing.read(tx, request, cursors, (query) =>
          onlyUserId === undefined ? query : query.where('user_id', '=', onlyUserId),
        );
        const lines = await readLines(
          tx,
          page.items.map(({ id }) => id),
        );
        return mapPage(page, (row) => freezeOrder(toOrder(row, lines.get(row.id) ?? [])));
      }),

    get: (id, scope = {}) => database.withTenant((tx) => readOrder(tx, id, scope)),

    create: async (input, options) => {
      const order = prepareOrder(valid(parseNewOrder(input)), options);
      return withOrderErrors(() => database.withTenant((tx) => createOrder(tx, order, newId(), now())));
    },

    replace: async (id, input, options) =>
      change(id, { externalId: null, ...valid(parseOrderReplacement(input)) }, options),

    update: async (id, patch, options) => change(id, valid(parseOrderPatch(patch)), options),

    remove: (id, options = {}) => database.withTenant((tx) => removeOrder(tx, id, options)),

    importBatch: async (rows) => {
      const { accepted, rejected: malformed } = parseRows(rows, parseImportedOrder);
      const { created, updated, rejected } = await database.withTenant((tx) =>
        importOrders(tx, accepted, newId, now()),
      );
      const unchanged = accepted.length - rejected.length - created - updated;
      const refused = [...malformed, ...rejected].toSorted((left, right) => left.index - right.index);
      logger.info({ created, updated, unchanged, rejected: refused.length }, 'orders imported');
      return deepFreeze({ created, updated, unchanged, rejected: refused });
    },

    forgetRequests: async ({ olderThanMs }) => {
      const before = new Date(now().getTime() - olderThanMs);
      let forgotten = 0;
      for (;;) {
        const count = await database.withSystem('forget-order-requests', (tx) =>
          forgetRequestsBefore(tx, before, FORGET_BATCH),
        );
        forgotten += count;
        if (count < FORGET_BATCH) return forgotten;
      }
    },
  };
}

function valid<Value>(result: Result<Value, readonly InputProblem[]>): Value {
  if (result.ok) return result.value;
  throw inputInvalid('ORDER_INVALID', result.error);
}
