create table tenant_settings_history (
  tenant_id text collate "C" not null default tenon_current_tenant() references tenants (tenant_id),
  version integer not null,
  actor_type text,
  actor_id text,
  request_id text,
  before jsonb not null,
  after jsonb not null,
  changed_at timestamptz(3) not null,
  primary key (tenant_id, version)
);
select tenon_protect_tenant_table('tenant_settings_history');
revoke update, delete on tenant_settings_history from tenon_tenant, tenon_system;
create trigger never_changed before update or delete or truncate on tenant_settings_history
  for each statement execute function tenancy_refuse_change();
-- "Always": also in a session that calls itself a replica, where ordinary triggers sleep.
alter table tenant_settings_history enable always trigger never_changed;

create table tenant_quotas (
  tenant_id text collate "C" not null default tenon_current_tenant() references tenants (tenant_id),
  name text collate "C" not null,
  max bigint not null check (max >= 0),
  used bigint not null default 0 check (used >= 0),
  primary key (tenant_id, name)
);
select tenon_protect_tenant_table('tenant_quotas');
-- A tenant uses up its quotas; it does not raise them.
revoke insert, update, delete on tenant_quotas from tenon_tenant;
grant update (used) on tenant_quotas to tenon_tenant;

-- The tenant may be unknown: somebody failed to sign in. Such rows are seen by no tenant.
create table security_events (
  tenant_id text collate "C" default tenon_current_tenant(),
  id text collate "C" not null primary key,
  type text collate "C" not null,
  actor_type text,
  actor_id text collate "C",
  resource text,
  other_tenant_id text collate "C",
  request_id text,
  details jsonb not null default '{}',
  created_at timestamptz(3) not null default now()
);
select tenon_protect_tenant_table('security_events');
revoke update, delete on security_events from tenon_tenant, tenon_system;
create trigger never_changed before update or delete or truncate on security_events
  for each statement execute function tenancy_refuse_change();
alter table security_events enable always trigger never_changed;

create index security_events_by_time on security_events (tenant_id, created_at, id);
create index security_events_by_type on security_events (tenant_id, type, created_at, id);
create index security_events_by_actor on security_events (tenant_id, actor_id, created_at, id);
