-- How far the import of a file came, so that one that was killed goes on where it stopped. The fingerprint is a hash of the
-- whole content: a file that was changed is another file. Of several processes that import the same file, only the one that
-- came last (run_id) may record progress.
create table imports (
  tenant_id text collate "C" not null default tenon_current_tenant(),
  kind text collate "C" not null,
  fingerprint text collate "C" not null,
  run_id text collate "C" not null,
  file text not null,
  byte_offset bigint not null,
  line_number bigint not null,
  row_count bigint not null,
  created_count bigint not null,
  updated_count bigint not null,
  unchanged_count bigint not null,
  rejected_count bigint not null,
  rejects_file text not null,
  rejects_bytes bigint not null,
  started_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  finished_at timestamptz(3),
  primary key (tenant_id, kind, fingerprint)
);
select tenon_protect_tenant_table('imports');
