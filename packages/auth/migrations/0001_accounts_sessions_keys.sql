-- Accounts, sessions and signing keys belong to no tenant: only tenon_system reaches them, and every tenant's own role sees
-- nothing at all.
create function pg_temp.system_only(table_name regclass) returns void
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', table_name);
  execute format('alter table %s force row level security', table_name);
  execute format('create policy system_access on %s to tenon_system using (true) with check (true)', table_name);
  execute format('grant select, insert, update, delete on %s to tenon_system', table_name);
end $$;

create table accounts (
  id text primary key,
  email text not null,
  -- Lower-cased NFC of the address: what makes it unique.
  email_key text collate "C" not null,
  name text not null,
  -- Null: there is no password, and nobody signs in with one.
  password_hash text,
  password_changed_at timestamptz(3),
  status text not null check (status in ('active', 'disabled')),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  version integer not null default 1,
  constraint accounts_email_key unique (email_key)
);
select pg_temp.system_only('accounts');

-- One row a session, and no table of refresh tokens: the token that is good now is the one that carries the counter.
create table sessions (
  id text primary key,
  account_id text not null references accounts (id) on delete cascade,
  -- Not named tenant_id: the row belongs to the account, and remembers the tenant that was chosen.
  tenant text,
  counter integer not null default 0 check (counter >= 0),
  created_at timestamptz(3) not null,
  refreshed_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  absolute_expires_at timestamptz(3) not null,
  ended_at timestamptz(3),
  end_reason text,
  ip text,
  user_agent text,
  check ((ended_at is null) = (end_reason is null))
);
create index sessions_account on sessions (account_id) where ended_at is null;
create index sessions_expiry on sessions (expires_at);
select pg_temp.system_only('sessions');

create table signing_keys (
  kid text primary key,
  -- The public key, as the "x" of its JWK.
  public_x text not null,
  -- PKCS #8, sealed; bound to the kid.
  private_sealed bytea not null,
  created_at timestamptz(3) not null,
  retired_at timestamptz(3)
);
-- At most one key signs: two processes that start together agree on it.
create unique index signing_keys_one_active on signing_keys ((true)) where retired_at is null;
select pg_temp.system_only('signing_keys');

create table api_keys (
  tenant_id text not null default tenon_current_tenant(),
  id text not null,
  name text not null,
  prefix text collate "C" not null,
  -- SHA-256 of the whole key. The key is 256 random bits, so a slow hash would protect nothing more.
  key_hash bytea not null,
  scopes text[] not null,
  created_by text not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3),
  last_used_at timestamptz(3),
  revoked_at timestamptz(3),
  version integer not null default 1,
  primary key (tenant_id, id),
  constraint api_keys_prefix unique (tenant_id, prefix)
);
-- A key says itself whose it is, so it is found across tenants by its prefix.
create index api_keys_lookup on api_keys (prefix);
select tenon_protect_tenant_table('api_keys');
