import { readFileSync } from 'node:fs';
import type { NewUser } from '@tenon/tenancy';
import { serverError } from '../errors.ts';
import type { Services } from '../services.ts';

/** How much sample data there is. */
export interface SampleData {
  readonly users: number;
  readonly products: number;
  readonly orders: number;
}

function read(name: keyof SampleData): readonly unknown[] {
  return JSON.parse(readFileSync(new URL(`../../sample/${name}.json`, import.meta.url), 'utf8')) as readonly unknown[];
}

/** Fills the context's tenant with people, products and orders of an invented delicatessen, through the same imports as real data. */
export async function loadSampleData({ tenancy, trading }: Services): Promise<SampleData> {
  const users = read('users');
  const products = read('products');
  const orders = read('orders');
  await tenancy.users.importBatch(users as readonly NewUser[]);
  const reports = [await trading.products.importBatch(products), await trading.orders.importBatch(orders)];
  const rejected = reports.flatMap((report) => report.rejected);
  if (rejected.length > 0) throw serverError('INTERNAL', `${rejected.length} rows of the sample data were rejected`);
  return { users: users.length, products: products.length, orders: orders.length };
}
