-- Not rows of a tenant: callers put the tenant into the key. Only system transactions reach the table.
create table kv_entries (
  key text collate "C" primary key,
  value bytea not null,
  expires_at timestamptz
);

create index kv_entries_expiry on kv_entries (expires_at) where expires_at is not null;

alter table kv_entries enable row level security;
alter table kv_entries force row level security;
create policy system_access on kv_entries to tenon_system using (true) with check (true);
grant select, insert, update, delete on kv_entries to tenon_system;
