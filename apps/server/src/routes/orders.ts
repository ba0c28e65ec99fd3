import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  NewOrder,
  Order,
  orderListing,
  OrderPatch,
  OrderReplacement,
  type ChangeOrderOptions,
  type OrderScope,
} from '@tenon/trading';
import { Type } from 'typebox';
import { serverError } from '../errors.ts';
import type { Principal } from '../http/access.ts';
import type { Services } from '../services.ts';
import { collectionRoutes } from './collection-routes.ts';

const CreateHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ maxLength: 255, description: 'repeat the request with the same key, and the order is made once' }),
  ),
});

/** `/v1/orders`. Members see and change their own orders only; whoever may manage orders sees all of the tenant's. */
export function orderRoutes(app: FastifyInstance, { trading, cursors }: Services): void {
  const { orders } = trading;
  collectionRoutes<Order>(
    app,
    {
      name: 'orders',
      singular: 'order',
      description: 'Orders',
      schemas: { entity: Order, create: NewOrder, replace: OrderReplacement, patch: OrderPatch },
      listing: orderListing,
      scopes: { read: 'orders:read', write: 'orders:write' },
      createHeaders: CreateHeaders,
      notFoundCode: 'ORDER_NOT_FOUND',
      ownerOf: (id) => trading.ownerOf('orders', id),
      list: (request, principal) => orders.list(request, cursors, visibleTo(principal)),
      get: (id, principal) => orders.get(id, visibleTo(principal)),
      create: async (body, principal, request) => {
        const { order, created } = await orders.create(body as NewOrder, {
          userId: personOf(principal),
          allowDiscounts: principal.scopes.has('orders:manage'),
          ...idempotencyKeyOf(request),
        });
        return { entity: order, created };
      },
      replace: (id, body, version, principal) =>
        orders.replace(id, body as OrderReplacement, changeBy(principal, version)),
      update: (id, body, version, principal) => orders.update(id, body as OrderPatch, changeBy(principal, version)),
      remove: (id, version, principal) => orders.remove(id, changeBy(principal, version)),
    },
    cursors,
  );
}

function visibleTo(principal: Principal): OrderScope {
  if (principal.scopes.has('orders:manage') || principal.scopes.has('orders:read-all')) return {};
  return { onlyUserId: personOf(principal) };
}

function changeBy(principal: Principal, version: number | undefined): ChangeOrderOptions {
  const staff = principal.scopes.has('orders:manage');
  return {
    ...(staff ? {} : { onlyUserId: personOf(principal) }),
    ...(version === undefined ? {} : { expectedVersion: version }),
    allowDiscounts: staff,
  };
}

function personOf(principal: Principal): string {
  if (principal.userId !== undefined) return principal.userId;
  throw serverError(
    'PERMISSION_DENIED',
    'an order belongs to a person: an API key needs the permission "orders:manage" to see orders, and cannot place them',
    { details: { scope: 'orders:manage' } },
  );
}

function idempotencyKeyOf(request: FastifyRequest): { readonly idempotencyKey?: string } {
  const key = request.headers['idempotency-key'];
  return typeof key === 'string' ? { idempotencyKey: key } : {};
}
