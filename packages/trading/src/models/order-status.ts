/** Every status of an order. */
export const orderStatuses = ['draft', 'placed', 'paid', 'shipped', 'delivered', 'cancelled'] as const;

/** A status of an order. */
export type OrderStatus = (typeof orderStatuses)[number];

/**
 * The moves that exist: `draft -> placed -> paid -> shipped -> delivered`, and from `draft`, `placed` and `paid` to
 * `cancelled`. Placing takes stock; cancelling gives it back. Nothing leaves `delivered` or `cancelled`.
 */
export const orderMoves: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = freezeAll({
  draft: ['placed', 'cancelled'],
  placed: ['paid', 'cancelled'],
  paid: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
});

/** Tells whether an order may go from one status to another in one move. Staying is not a move. */
export function isOrderMove(from: OrderStatus, to: OrderStatus): boolean {
  return orderMoves[from].includes(to);
}

function freezeAll(moves: Record<OrderStatus, readonly OrderStatus[]>): typeof moves {
  for (const targets of Object.values(moves)) Object.freeze(targets);
  return Object.freeze(moves);
}
