-- What was done with credentials, by whom, and what came of it; never what they hold. It only grows: rows are never changed, and go only
-- when they are older than 30 days, through credential_audit_purge().
create table credential_audit (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  id text collate "C" not null,
  operation_id text collate "C" not null,
  at timestamptz(3) not null,
  action text collate "C" not null,
  outcome text collate "C" not null,
  actor_type text collate "C",
  actor_id text collate "C",
  scope text collate "C",
  credential_id text collate "C",
  version integer,
  request_id text collate "C",
  details jsonb not null default '{}'
);
select tenon_protect_tenant_table('credential_audit');
revoke update, delete on credential_audit from tenon_tenant, tenon_system;

-- Whom it binds: everybody, the owner of the table and superusers too, short of altering the table itself.
create function credential_audit_refuse_change() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'DELETE' and old.at < now() - interval '30 days' then
    return old;
  end if;
  raise exception 'rows of % are never changed, and not removed before they are 30 days old', tg_table_name
    using errcode = 'insufficient_privilege';
end $$;
create trigger never_changed before update or truncate on credential_audit
  for each statement execute function credential_audit_refuse_change();
create trigger never_removed_early before delete on credential_audit
  for each row execute function credential_audit_refuse_change();
-- "Always": also in a session that calls itself a replica, where ordinary triggers sleep.
alter table credential_audit enable always trigger never_changed;
alter table credential_audit enable always trigger never_removed_early;

create index credential_audit_by_time on credential_audit (tenant_id, at, id);
create index credential_audit_by_credential on credential_audit (tenant_id, credential_id, scope, at, id);
create index credential_audit_by_actor on credential_audit (tenant_id, actor_id, at, id);
create index credential_audit_by_action on credential_audit (tenant_id, action, at, id);
-- For what is old, of all tenants. Rows come in the order of their time, so a few pages of it will do.
create index credential_audit_by_age on credential_audit using brin (at);
alter table credential_audit add primary key (tenant_id, id);

-- The one way out. It runs as the owner of the table, whom row level security may show nothing otherwise.
create policy old_enough_to_see on credential_audit for select to current_user using (at < now() - interval '30 days');
create policy old_enough_to_go on credential_audit for delete to current_user using (at < now() - interval '30 days');
do $do$
begin
  -- The path is pinned, so that nobody's own table or operator comes in the way of what runs with the owner's rights.
  execute format($create$
    create function credential_audit_purge(older_than timestamptz, max_rows integer) returns integer
      language plpgsql security definer set search_path = pg_catalog, %I, pg_temp as $body$
    declare
      removed integer;
    begin
      if older_than > now() - interval '30 days' then
        raise exception 'the audit of credentials is kept for 30 days at least' using errcode = 'insufficient_privilege';
      end if;
      delete from credential_audit where ctid = any (array(
        select ctid from credential_audit where at < older_than limit max_rows));
      get diagnostics removed = row_count;
      return removed;
    end $body$
  $create$, current_schema());
end $do$;
revoke execute on function credential_audit_purge(timestamptz, integer) from public;
grant execute on function credential_audit_purge(timestamptz, integer) to tenon_system;
