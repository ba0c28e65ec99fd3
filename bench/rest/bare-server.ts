// The other side of `bench/rest.ts`: what somebody writes by hand with Fastify and node-postgres. It runs the same statements
// in the same tenant transaction, and nothing else: nobody signs in, nothing is checked, nothing is logged.
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

interface ProductRow {
  readonly id: string;
  readonly price_minor: string;
  readonly currency: string;
  readonly sku: string;
}

const tenant = process.env['BARE_TENANT'] ?? '';
const userIds = (process.env['BARE_USERS'] ?? '').split(',');
let orders = 0;
const pool = new pg.Pool({ connectionString: process.env['BARE_DATABASE_URL'], max: 10 });
const app = Fastify();
const columns =
  'id, sku, name, description, category, price_minor, currency, stock, status, created_at, updated_at, version';

async function inTenant<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local role tenon_tenant; set local tenon.tenant_id = ${pg.escapeLiteral(tenant)}`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

app.get('/v1/products', () =>
  inTenant(async (client) => {
    const { rows } = await client.query(`select ${columns} from products order by created_at desc, id desc limit 21`);
    return { items: rows.slice(0, 20), hasMore: rows.length > 20 };
  }),
);

app.get('/v1/products/:id', (request) =>
  inTenant(async (client) => {
    const { rows } = await client.query(`select ${columns} from products where id = $1`, [
      (request.params as { id: string }).id,
    ]);
    return rows[0] as object;
  }),
);

app.post('/v1/products', (request, reply) =>
  inTenant(async (client) => {
    const body = request.body as Record<string, string | number>;
    const { rows } = await client.query(
      `insert into products (id, sku, name, name_key, description, price_minor, currency, stock, status, created_at, updated_at)
       values ($1, $2, $3, lower($3), '', $4, $5, $6, 'active', now(), now()) returning ${columns}`,
      [randomUUID(), body['sku'], body['name'], body['priceMinor'], body['currency'], body['stock']],
    );
    reply.code(201);
    return rows[0] as object;
  }),
);

app.post('/v1/orders', (request, reply) =>
  inTenant(async (client) => {
    const { lines } = request.body as { lines: readonly { productId: string; quantity: number }[] };
    const ids = lines.map((line) => line.productId);
    const quantities = lines.map((line) => line.quantity);
    const taken = await client.query<ProductRow>(
      `with wanted as (select * from unnest($1::text[], $2::bigint[]) as w (id, quantity)),
       locked as (select p.id from products p join wanted w using (id) order by p.id for update of p)
       update products p set stock = p.stock - w.quantity, version = p.version + 1, updated_at = now()
       from wanted w where p.id = w.id and p.id in (select id from locked) and p.stock >= w.quantity
       returning p.id, p.sku, p.price_minor, p.currency`,
      [ids, quantities],
    );
    if (taken.rows.length !== lines.length) throw new Error('not enough in stock');
    const orderId = randomUUID();
    orders += 1;
    const byId = new Map(taken.rows.map((row) => [row.id, row]));
    const priced = lines.map((line) => ({ ...line, price: Number(byId.get(line.productId)?.price_minor ?? 0) }));
    const total = priced.reduce((sum, line) => sum + line.price * line.quantity, 0);
    const order = await client.query(
      `insert into orders (id, user_id, status, currency, total_minor, holds_stock, placed_at, created_at, updated_at)
       values ($1, $2, 'placed', $3, $4, true, now(), now(), now()) returning *`,
      [orderId, userIds[orders % userIds.length], taken.rows[0]?.currency, total],
    );
    await client.query(
      `insert into order_lines (order_id, position, product_id, sku, quantity, unit_price_minor, discount_percent, total_minor)
       select $1, position, product_id, sku, quantity, price, 0, price * quantity
       from unnest($2::int[], $3::text[], $4::text[], $5::int[], $6::bigint[]) as l (position, product_id, sku, quantity, price)`,
      [
        orderId,
        lines.map((_, index) => index),
        ids,
        ids.map((id) => byId.get(id)?.sku),
        quantities,
        priced.map((line) => line.price),
      ],
    );
    reply.code(201);
    return { ...(order.rows[0] as object), lines: priced };
  }),
);

process.send?.({ listening: await app.listen({ port: 0, host: '127.0.0.1' }) });
process.once('SIGTERM', () => void app.close().then(() => pool.end()));
