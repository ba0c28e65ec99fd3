-- Two roles that nobody can log in as. Every transaction takes one of them with SET LOCAL ROLE; neither owns a table, and
-- neither may bypass row level security. Roles belong to the whole server, so another database's migration may be
-- creating them at this same moment.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['tenon_tenant', 'tenon_system'] loop
    begin
      if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I nologin nosuperuser nocreatedb nocreaterole noinherit nobypassrls', role_name);
      end if;
    exception when duplicate_object or unique_violation then
      null;
    end;
    if not pg_has_role(current_user, role_name, 'member') then
      execute format('grant %I to current_user', role_name);
    end if;
  end loop;
end $$;

-- The tenant of the running transaction. After a transaction that had one, the setting reads as '' and not as null: both
-- must mean "none", or a tenant named '' would match.
create function tenon_current_tenant() returns text
  language sql stable parallel safe
  return nullif(current_setting('tenon.tenant_id', true), '');

-- Puts a table under tenant isolation: one call per table, right after it is created. tenon_tenant sees and writes the rows of
-- its tenant; tenon_system sees all; everybody else, the owner included, sees none.
create function tenon_protect_tenant_table(table_name regclass) returns void
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', table_name);
  execute format('alter table %s force row level security', table_name);
  execute format(
    'create policy tenant_isolation on %s to tenon_tenant
       using (tenant_id = nullif(current_setting(''tenon.tenant_id'', true), ''''))
       with check (tenant_id = nullif(current_setting(''tenon.tenant_id'', true), ''''))', table_name);
  execute format('create policy system_access on %s to tenon_system using (true) with check (true)', table_name);
  execute format('grant select, insert, update, delete on %s to tenon_tenant, tenon_system', table_name);
end $$;
