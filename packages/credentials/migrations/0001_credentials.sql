-- Sealed credentials: everything but the material in plain, the material in envelopes alone. Moments are milliseconds since the epoch
-- (to_timestamp(expires_at_ms / 1000) reads one), as double precision, which holds every number that JavaScript has.
create table credentials (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  scope text collate "C" not null check (length(scope) between 1 and 512),
  id text collate "C" not null check (length(id) between 1 and 255),
  kind text collate "C" not null,
  -- What compare-and-set goes by: one more with every write.
  revision bigint not null check (revision > 0),
  version bigint not null check (version > 0),
  key_id text collate "C" not null,
  envelope bytea not null,
  version_created_at_ms double precision not null,
  expires_at_ms double precision,
  grace_until_ms double precision,
  -- Earlier versions, the newest first: what stands beside their envelopes, and apart from it the envelopes in base64, so that lists
  -- never read them.
  previous jsonb not null check (jsonb_typeof(previous) = 'array'),
  previous_envelopes jsonb not null check (jsonb_typeof(previous_envelopes) = 'array'),
  -- The ids of the keys that seal any version, each once, sorted, with commas between. Text, because under row level security only
  -- comparisons of text can use an index, not those of arrays.
  sealing_key_ids text collate "C" not null,
  tags jsonb not null check (jsonb_typeof(tags) = 'object'),
  description text,
  policies jsonb not null check (jsonb_typeof(policies) = 'array'),
  created_at_ms double precision not null,
  modified_at_ms double precision not null,
  rotated_at_ms double precision,
  refresh jsonb check (jsonb_typeof(refresh) = 'object')
);
select tenon_protect_tenant_table('credentials');

-- What is sealed cannot be compressed.
alter table credentials alter column envelope set storage external;
alter table credentials alter column previous_envelopes set storage external;

create index credentials_by_expiry on credentials (tenant_id, expires_at_ms) where expires_at_ms is not null;
create index credentials_by_sealing_keys on credentials (tenant_id, sealing_key_ids);
-- Last of all: among indexes that look equally good, as all do on a table without statistics, the planner takes the newest.
alter table credentials add primary key (tenant_id, scope, id);
