-- What only ever grows: no row can be changed or taken away, not even by the owner of the table or a superuser, short of
-- altering the table itself. One trigger per table, for each statement: TRUNCATE knows no rows.
create function tenancy_refuse_change() returns trigger
  language plpgsql as $$
begin
  raise exception 'rows of % are never changed or removed', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create table tenants (
  tenant_id text collate "C" not null primary key check (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  name text not null check (name <> ''),
  status text collate "C" not null default 'active' check (status in ('active', 'suspended')),
  -- Only what the tenant has set itself; defaults live in the program.
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  settings_version integer not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  version integer not null default 1
);
select tenon_protect_tenant_table('tenants');
-- A tenant renames itself and changes its settings; coming, going and being suspended is not its own business.
revoke insert, update, delete on tenants from tenon_tenant;
grant update (name, settings, settings_version, updated_at, version) on tenants to tenon_tenant;

create table users (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  id text collate "C" not null,
  account_id text collate "C",
  email text not null,
  email_key text collate "C" not null,
  name text not null check (name <> ''),
  name_key text collate "C" not null generated always as (lower(name)) stored,
  role text collate "C" not null default 'member' check (role in ('owner', 'admin', 'member', 'viewer')),
  status text collate "C" not null default 'active' check (status in ('active', 'invited', 'disabled')),
  company text collate "C",
  title text,
  city text,
  country text collate "C",
  phone text,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  version integer not null default 1,
  -- Besides the obvious: adding a person takes a shared lock on the tenant's row, which setting a quota relies on.
  constraint users_tenant_exists foreign key (tenant_id) references tenants (tenant_id),
  constraint users_email_unique unique (tenant_id, email_key)
);
select tenon_protect_tenant_table('users');

-- The account leads, because signing in looks for its memberships before any tenant is known.
create unique index users_account_unique on users (account_id, tenant_id);
create index users_by_name on users (tenant_id, name_key, id);
create index users_by_creation on users (tenant_id, created_at, id);
create index users_by_role on users (tenant_id, role, created_at, id);
create index users_by_status on users (tenant_id, status, created_at, id);
create index users_by_company on users (tenant_id, company, created_at, id);
create index users_by_country on users (tenant_id, country, created_at, id);
-- Last of all: among indexes that look equally good, as all do on a table without statistics, the planner takes the newest, and
-- the plans of foreign keys are kept for as long as a connection lives.
alter table users add primary key (tenant_id, id);

create table invitations (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  id text collate "C" not null,
  user_id text collate "C" not null,
  -- SHA-256 of the token; the token itself is random and stored nowhere.
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  accepted_at timestamptz(3),
  accepted_by text collate "C",
  primary key (tenant_id, id),
  constraint invitations_user_exists foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);
select tenon_protect_tenant_table('invitations');
create index invitations_by_user on invitations (tenant_id, user_id);
