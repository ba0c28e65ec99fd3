import { codeOf } from '@tenon/core/testing';
import fc from 'fast-check';
import { describeDrivers } from '@tenon/database/testing';
import { isOrderMove, orderStatuses, parseOrder, type Order, type OrderStatus, type Product } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';
import { problemsOf } from '../support/problems.ts';

type Quantities = readonly [first: number, second: number];

const STOCK: Quantities = [6, 4];
const quantities = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }));
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), status: fc.constantFrom('draft', 'placed'), quantities }),
  fc.record({ kind: fc.constant('move' as const), order: fc.nat(3), to: fc.constantFrom(...orderStatuses) }),
  fc.record({ kind: fc.constant('lines' as const), order: fc.nat(3), quantities }),
  fc.record({ kind: fc.constant('remove' as const), order: fc.nat(3) }),
);
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

interface ModelOrder {
  id: string;
  status: OrderStatus;
  quantities: Quantities;
}

/** What orders and stock must be after each step, and what each step must answer. */
class Model {
  readonly orders: ModelOrder[] = [];

  /** Pieces in orders that were placed and live on. */
  held(index: 0 | 1): number {
    const living = this.orders.filter(({ status }) => status !== 'draft' && status !== 'cancelled');
    return living.reduce((sum, order) => sum + order.quantities[index], 0);
  }

  chosen(index: number): ModelOrder | undefined {
    return this.orders[index % Math.max(1, this.orders.length)];
  }

  /** The code that the step fails with; `none` when it succeeds, which the model then has done too. */
  take(step: Step): string {
    if (step.kind === 'create') {
      if (step.status === 'placed' && !this.#fits(step.quantities)) return 'ORDER_STOCK_SHORT';
      this.orders.push({ id: '', status: step.status, quantities: step.quantities });
      return 'none';
    }
    const order = this.chosen(step.order);
    if (order === undefined) return 'ORDER_NOT_FOUND';
    if (step.kind === 'move') {
      if (!isOrderMove(order.status, step.to)) return 'ORDER_MOVE_ILLEGAL';
      if (step.to === 'placed' && !this.#fits(order.quantities)) return 'ORDER_STOCK_SHORT';
      order.status = step.to;
    } else if (step.kind === 'lines') {
      if (order.status !== 'draft') return 'ORDER_NOT_DRAFT';
      order.quantities = step.quantities;
    } else {
      if (order.status !== 'draft' && order.status !== 'cancelled') return 'ORDER_NOT_REMOVABLE';
      this.orders.splice(this.orders.indexOf(order), 1);
    }
    return 'none';
  }

  #fits(wanted: Quantities): boolean {
    return this.held(0) + wanted[0] <= STOCK[0] && this.held(1) + wanted[1] <= STOCK[1];
  }
}

describe.each(describeDrivers())('any sequence of changes of orders on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;

  beforeAll(async () => {
    open = await openTrading(driver);
    tenant = await open.newTenant();
  });
  afterAll(() => open.drop());

  const linesOf = (goods: readonly Product[], wanted: Quantities) =>
    goods
      .map(({ id }, index) => ({ productId: id, quantity: wanted[index] ?? 0 }))
      .filter(({ quantity }) => quantity > 0);

  /** Does the step for real. @returns the id of an order that it made */
  const perform = async (step: Step, id: string, goods: readonly Product[]): Promise<string | undefined> => {
    const { orders } = open.trading;
    if (step.kind === 'create') {
      const lines = linesOf(goods, step.quantities);
      return (await orders.create({ status: step.status, lines }, { userId: tenant.userId })).order.id;
    }
    if (step.kind === 'move') await orders.update(id, { status: step.to });
    else if (step.kind === 'lines') await orders.update(id, { lines: linesOf(goods, step.quantities) });
    else await orders.remove(id);
    return undefined;
  };

  test('makes only legal moves, and stock is what it was less what the living placed orders hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 14 }), (steps) =>
        tenant.run(async () => {
          const goods: Product[] = [];
          for (const stock of STOCK) goods.push(await createProduct(open.trading, { stock }));
          const model = new Model();
          for (const step of steps) {
            const id = 'order' in step ? model.chosen(step.order)?.id : undefined;
            let made: string | undefined;
            const code = await codeOf(async () => {
              made = await perform(step, id ?? '', goods);
            });
            expect([step, code]).toEqual([step, model.take(step)]);
            const latest = model.orders.at(-1);
            if (made !== undefined && latest !== undefined) latest.id = made;
          }
          for (const [index, { id }] of goods.entries()) {
            const stock = (await open.trading.products.get(id))?.stock ?? 0;
            expect(stock + model.held(index as 0 | 1)).toBe(STOCK[index]);
          }
          for (const { id, status, quantities: wanted } of model.orders) {
            const stored = (await open.trading.orders.get(id)) as Order;
            expect(problemsOf(parseOrder(stored))).toEqual([]);
            const lines = stored.lines.map(({ productId, quantity }) => ({ productId, quantity }));
            expect([stored.status, lines]).toEqual([status, linesOf(goods, wanted)]);
          }
        }),
      ),
      { numRuns: 100 },
    );
  }, 120_000);
});
