import { createHash } from 'node:crypto';
import { currentContext } from '@tenon/core';
import { tradingError } from '../errors.ts';
import type { NewOrder } from '../models/order.ts';
import { runSql, type AnyTx } from '../run-sql.ts';

// Waits for another transaction that holds the same key, and then either takes the key or finds it taken.
const REMEMBER = `
  insert into order_requests (actor_id, idempotency_key, fingerprint, order_id, created_at)
  values ($1, $2, $3, $4, $5)
  on conflict (tenant_id, actor_id, idempotency_key) do nothing
  returning order_id`;

const RECALL = `select fingerprint, order_id from order_requests where actor_id = $1 and idempotency_key = $2`;

const FORGET = `
  delete from order_requests where ctid = any (array(select ctid from order_requests where created_at < $1 limit $2))
  returning order_id`;

/** A request that carries an idempotency key. */
export interface OrderRequest {
  readonly actorId: string;
  readonly key: string;
  readonly fingerprint: string;
}

/**
 * Names a request by who makes it, under which key, and with what content.
 *
 * @param input - checked and normalised, so that two spellings of the same order are the same
 * @throws `ORDER_IDEMPOTENCY_KEY_INVALID`
 */
export function toOrderRequest(key: string, userId: string, input: NewOrder): OrderRequest {
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw tradingError(
      'ORDER_IDEMPOTENCY_KEY_INVALID',
      'an idempotency key is 1 to 255 printable ASCII characters, for example a UUID',
    );
  }
  const actor = currentContext()?.actor;
  const lines = input.lines.map((line) => [line.productId, line.quantity, line.discountPercent ?? 0]);
  const content = JSON.stringify([userId, input.externalId ?? null, input.status ?? 'placed', lines]);
  return {
    actorId: actor === undefined ? `user:${userId}` : `${actor.type}:${actor.id}`,
    key,
    fingerprint: createHash('sha256').update(content).digest('base64url'),
  };
}

/**
 * Takes the request's key for an order that is about to be made in this transaction.
 *
 * @returns the id of the order that an earlier request with the key made, or `undefined` when this one is the first
 * @throws `ORDER_IDEMPOTENCY_MISMATCH` when the earlier request had other content
 */
export async function rememberRequest(
  tx: AnyTx,
  { actorId, key, fingerprint }: OrderRequest,
  orderId: string,
  now: Date,
): Promise<string | undefined> {
  const taken = await runSql(tx, REMEMBER, [actorId, key, fingerprint, orderId, now]);
  if (taken.length > 0) return undefined;
  const rows = await runSql<{ readonly fingerprint: string; readonly order_id: string }>(tx, RECALL, [actorId, key]);
  const earlier = rows[0];
  if (earlier === undefined) {
    throw tradingError(
      'ORDER_IDEMPOTENCY_MISMATCH',
      'the idempotency key was forgotten this very moment; use a new one',
    );
  }
  if (earlier.fingerprint === fingerprint) return earlier.order_id;
  throw tradingError(
    'ORDER_IDEMPOTENCY_MISMATCH',
    'this idempotency key came with another order before; use a new key for each new order',
  );
}

/** Deletes at most so many requests from before a moment. Across tenants. @returns how many */
export async function forgetRequestsBefore(tx: AnyTx, before: Date, most: number): Promise<number> {
  return (await runSql(tx, FORGET, [before, most])).length;
}
