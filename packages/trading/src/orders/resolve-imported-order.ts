import { createHash } from 'node:crypto';
import { err, ok, type InputProblem, type Result } from '@tenon/core';
import { toEmailKey } from '../models/email-key.ts';
import { toMoment } from '../models/field-schemas.ts';
import { exactLineTotal } from '../models/money.ts';
import { statusOfDates } from '../models/order-model.ts';
import type { OrderStatus } from '../models/order-status.ts';
import type { ImportedOrder, OrderLine } from '../models/order.ts';
import type { ImportReferences } from './import-references.ts';

/** An imported order with its person and products found. */
export interface ResolvedOrder {
  readonly externalId: string;
  readonly userId: string;
  readonly status: OrderStatus;
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  readonly totalMinor: number;
  readonly placedAt: string;
  readonly shippedAt: string | null;
  /** Of all the above: the same digest is the same order. */
  readonly digest: string;
}

/** Turns what another system says into rows of this one, or says everything that stands in the way. */
export function resolveImportedOrder(
  input: ImportedOrder,
  references: ImportReferences,
): Result<ResolvedOrder, readonly InputProblem[]> {
  const problems: InputProblem[] = [];
  const problem = (path: string, code: string, message: string): void => void problems.push({ path, code, message });

  const userId = references.users.get(toEmailKey(input.userEmail));
  if (userId === undefined)
    problem('/userEmail', 'unknown_user', 'nobody of this tenant has this email; import people first');
  if (references.orders.get(input.externalId)?.digest === null) {
    problem('/externalId', 'not_imported', 'is an order that was made here, which an import must not overwrite');
  }
  const currencies = new Set<string>();
  let total = 0n;
  const lines = input.lines.map((line, index): OrderLine => {
    const product = references.products.get(line.sku);
    if (product === undefined) {
      problem(
        `/lines/${index}/sku`,
        'unknown_product',
        'no product of this tenant has this sku; import products first',
      );
    } else currencies.add(product.currency);
    const priced = { ...line, discountPercent: line.discountPercent ?? 0 };
    const lineTotal = exactLineTotal(priced);
    total += lineTotal;
    return { productId: product?.id ?? '', ...priced, totalMinor: Number(lineTotal) };
  });
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) {
    problem('/lines', 'out_of_range', `must not come to more than ${Number.MAX_SAFE_INTEGER} minor units in all`);
  }
  if (input.currency === undefined && currencies.size > 1) {
    problem('/currency', 'required', "is required, because the products' own currencies differ");
  }
  if (problems.length > 0) return err(problems);

  const shippedAt = input.shippedAt === undefined || input.shippedAt === null ? null : toMoment(input.shippedAt);
  const order = {
    externalId: input.externalId,
    userId: userId as string,
    status: input.status ?? statusOfDates(shippedAt),
    currency: input.currency ?? [...currencies].join(),
    lines,
    totalMinor: Number(total),
    placedAt: toMoment(input.placedAt),
    shippedAt,
  };
  return ok({ ...order, digest: digestOf(order) });
}

// 128 bits: it tells rows apart that differ by chance, and guards nothing.
function digestOf(order: Omit<ResolvedOrder, 'digest'>): string {
  const lines = order.lines.map((line) => [
    line.productId,
    line.sku,
    line.quantity,
    line.unitPriceMinor,
    line.discountPercent,
  ]);
  const content = [order.userId, order.status, order.currency, order.placedAt, order.shippedAt, lines];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22);
}
