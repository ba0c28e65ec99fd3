-- Keys are compared byte by byte (collation C): the order is the same on every machine, and faster than any language's.
-- Primary keys begin with the id: like this they also answer whose a row is, which is asked across tenants when somebody
-- names an id that is not theirs. All other indexes begin with the tenant.
--
-- The order of the indexes matters: where statistics say nothing yet, several indexes look equally cheap to the planner, and
-- it takes the one made last. Plans are kept, so a list's index would go on being read for a single row, one tenant's rows
-- at a time, until statistics are there. Hence lists' indexes first, then unique ones, and the primary key last.

create table products (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  id text collate "C" not null,
  sku text collate "C" not null,
  name text not null,
  name_key text collate "C" not null,
  description text not null default '',
  category text collate "C",
  price_minor bigint not null,
  currency text collate "C" not null,
  stock bigint not null,
  status text collate "C" not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  version integer not null default 1,
  constraint products_price check (price_minor >= 0),
  constraint products_stock check (stock >= 0),
  constraint products_status check (status in ('active', 'archived'))
)
-- Orders change stock, version and updated_at, none of which is indexed: with room on the page, no index is touched.
with (fillfactor = 85);
select tenon_protect_tenant_table('products');

create index products_by_creation on products (tenant_id, created_at, id);
create index products_by_name on products (tenant_id, name_key, id);
create index products_by_price on products (tenant_id, price_minor, id);
create index products_by_status on products (tenant_id, status, created_at, id);
create index products_by_category on products (tenant_id, category, created_at, id);
alter table products add constraint products_sku_unique unique (tenant_id, sku);
alter table products add primary key (id, tenant_id);

create table orders (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  id text collate "C" not null,
  external_id text collate "C",
  user_id text collate "C" not null,
  status text collate "C" not null,
  currency text collate "C" not null,
  total_minor bigint not null,
  holds_stock boolean not null,
  import_digest text collate "C",
  placed_at timestamptz(3),
  shipped_at timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  version integer not null default 1,
  constraint orders_user_exists foreign key (tenant_id, user_id) references users (tenant_id, id),
  constraint orders_total check (total_minor >= 0),
  constraint orders_status check (status in ('draft', 'placed', 'paid', 'shipped', 'delivered', 'cancelled')),
  constraint orders_placed check (status = 'cancelled' or (status = 'draft') = (placed_at is null)),
  constraint orders_hold check (not holds_stock or status not in ('draft', 'cancelled'))
);
select tenon_protect_tenant_table('orders');

create index orders_by_creation on orders (tenant_id, created_at, id);
create index orders_by_user on orders (tenant_id, user_id, created_at, id);
create index orders_by_status on orders (tenant_id, status, created_at, id);
create index orders_by_total on orders (tenant_id, total_minor, id);
create index orders_by_placement on orders (tenant_id, placed_at, id);
create unique index orders_external_id_unique on orders (tenant_id, external_id) where external_id is not null;
alter table orders add primary key (id, tenant_id);

create table order_lines (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  order_id text collate "C" not null,
  position integer not null,
  product_id text collate "C" not null,
  sku text collate "C" not null,
  quantity integer not null,
  unit_price_minor bigint not null,
  discount_percent integer not null,
  total_minor bigint not null,
  constraint order_lines_order_exists foreign key (tenant_id, order_id) references orders (tenant_id, id) on delete cascade,
  constraint order_lines_product_exists foreign key (tenant_id, product_id) references products (tenant_id, id),
  constraint order_lines_quantity check (quantity >= 1),
  constraint order_lines_price check (unit_price_minor >= 0),
  constraint order_lines_discount check (discount_percent between 0 and 100),
  constraint order_lines_total check (total_minor >= 0)
);
select tenon_protect_tenant_table('order_lines');

-- For the check that a product which is removed stands in no order.
create index order_lines_by_product on order_lines (tenant_id, product_id);
alter table order_lines add primary key (tenant_id, order_id, position);

-- Requests to create an order, by idempotency key. An order may be removed; its request stays until it is forgotten.
create table order_requests (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  actor_id text collate "C" not null,
  idempotency_key text collate "C" not null,
  fingerprint text collate "C" not null,
  order_id text collate "C" not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, actor_id, idempotency_key)
);
select tenon_protect_tenant_table('order_requests');

-- Old requests are deleted in the order in which they were written, so a summary of each range of pages is enough.
create index order_requests_by_creation on order_requests using brin (created_at);
