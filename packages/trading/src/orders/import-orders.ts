import type { RejectedRow } from '../import-report.ts';
import { inRounds, type ImportRow } from '../import-rows.ts';
import type { ImportedOrder } from '../models/order.ts';
import type { AnyTx } from '../run-sql.ts';
import { findReferences } from './import-references.ts';
import { resolveImportedOrder, type ResolvedOrder } from './resolve-imported-order.ts';
import { writeImportedOrders, type OrderCounts } from './write-imported-orders.ts';

/** What {@link importOrders} did. */
export interface ImportedOrders extends OrderCounts {
  readonly rejected: readonly RejectedRow[];
}

/** Takes over orders that are well-formed, in rounds in which no external id stands twice. */
export async function importOrders(
  tx: AnyTx,
  rows: readonly ImportRow<ImportedOrder>[],
  newId: () => string,
  now: Date,
): Promise<ImportedOrders> {
  const rejected: RejectedRow[] = [];
  let created = 0;
  let updated = 0;
  for (const round of inRounds(rows, ({ value }) => value.externalId)) {
    const references = await findReferences(
      tx,
      round.map(({ value }) => value),
    );
    const changed: ResolvedOrder[] = [];
    for (const { index, value } of round) {
      const order = resolveImportedOrder(value, references);
      if (!order.ok) rejected.push({ index, problems: order.error });
      else if (references.orders.get(value.externalId)?.digest !== order.value.digest) changed.push(order.value);
    }
    if (changed.length === 0) continue;
    const counts = await writeImportedOrders(tx, changed, newId, now);
    created += counts.created;
    updated += counts.updated;
  }
  return { created, updated, rejected };
}
