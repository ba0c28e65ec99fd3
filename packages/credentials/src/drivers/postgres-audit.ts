import { runAs, type Actor, type JsonValue } from '@tenon/core';
import type { Database, Tx } from '@tenon/database';
import { sql } from 'kysely';
import { auditLimit } from '../audit/audit-limit.ts';
import type { AuditAction, AuditOutcome, AuditQuery, AuditRecord, CredentialAudit } from '../audit/audit-record.ts';
import { credentialError } from '../errors.ts';

/** The audit in PostgreSQL. */
export interface PostgresAudit extends CredentialAudit {
  /**
   * Removes old records of all tenants, some thousands in a transaction. This is the one way in which a record goes, and the database
   * itself refuses it for records of the last 30 days.
   *
   * @param options.olderThanMs - how old a record must be to go, in milliseconds, from 2,592,000,000 (30 days)
   * @returns how many went
   * @throws `CREDENTIAL_INVALID` for records that are younger
   */
  purge(options: { readonly olderThanMs: number }): Promise<number>;
}

interface AuditRow {
  tenant_id: string;
  id: string;
  operation_id: string;
  at: Date;
  action: AuditAction;
  outcome: AuditOutcome;
  actor_type: Actor['type'] | null;
  actor_id: string | null;
  scope: string | null;
  credential_id: string | null;
  version: number | null;
  request_id: string | null;
  details: Record<string, JsonValue>;
}

interface Tables {
  credential_audit: AuditRow;
}

const SHORTEST_RETENTION_MS = 30 * 86_400_000;
const PURGE_BATCH = 5_000;

/**
 * Keeps the audit in a table of PostgreSQL, embedded or a server, under the migrations of this package: append-only for everybody, each
 * tenant's records written and read in its own transactions. Where the audit is required, a vault must not be used inside a transaction of
 * the same database, which would refuse it; observed, its records are kept also when such a transaction is rolled back.
 *
 * @param database - where; it stays open
 * @example
 * ```ts
 * const vault = credentials().storage(storage).keys(keys).audit({ audit: postgresAudit(database), mode: 'required' }).build();
 * ```
 */
export function postgresAudit(database: Database): PostgresAudit {
  const tables = database.withTables<Tables>();
  return {
    async append(records, { signal }) {
      for (const [tenant, own] of Map.groupBy(records, (record) => record.tenant)) {
        await runAs({ tenant }, () => tables.withTenant((tx) => insert(tx, own), { signal }));
      }
    },
    async query(query) {
      const limit = auditLimit(query);
      const rows = await runAs({ tenant: query.tenant }, () =>
        tables.withTenant((tx) => select(tx, query, limit), { readOnly: true }),
      );
      return Object.freeze(rows.map(toRecord));
    },
    async purge({ olderThanMs }) {
      if (!(Number.isFinite(olderThanMs) && olderThanMs >= SHORTEST_RETENTION_MS)) {
        throw credentialError(
          'CREDENTIAL_INVALID',
          `records of the audit are kept for 30 days at least: olderThanMs must be ${SHORTEST_RETENTION_MS} or more`,
        );
      }
      for (let removed = 0, last: number; ; removed += last) {
        last = await tables.withSystem('credential-audit-purge', (tx) => purgeSome(tx, olderThanMs));
        if (last < PURGE_BATCH) return removed + last;
      }
    },
  };
}

// One parameter, and so one statement to prepare, for any number of records.
async function insert(tx: Tx<Tables>, records: readonly AuditRecord[]): Promise<void> {
  const rows = records.map((record) => ({
    id: record.id,
    operation_id: record.operationId,
    at: new Date(record.atMs).toISOString(),
    action: record.action,
    outcome: record.outcome,
    actor_type: record.actor?.type,
    actor_id: record.actor?.id,
    scope: record.scope,
    credential_id: record.credentialId,
    version: record.version,
    request_id: record.requestId,
    details: record.details,
  }));
  await sql`insert into credential_audit
      (id, operation_id, at, action, outcome, actor_type, actor_id, scope, credential_id, version, request_id, details)
    select * from json_to_recordset(${JSON.stringify(rows)}::json) as record
      (id text, operation_id text, at timestamptz, action text, outcome text, actor_type text, actor_id text, scope text,
       credential_id text, version integer, request_id text, details jsonb)
    on conflict (tenant_id, id) do nothing`.execute(tx);
}

function select(tx: Tx<Tables>, query: AuditQuery, limit: number): Promise<AuditRow[]> {
  const { scope, credentialId, actorId, action, fromMs, toMs, after } = query;
  let statement = tx
    .selectFrom('credential_audit')
    .selectAll()
    .where('tenant_id', '=', query.tenant)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
  if (scope !== undefined) statement = statement.where('scope', '=', scope);
  if (credentialId !== undefined) statement = statement.where('credential_id', '=', credentialId);
  if (actorId !== undefined) statement = statement.where('actor_id', '=', actorId);
  if (action !== undefined) statement = statement.where('action', '=', action);
  if (fromMs !== undefined) statement = statement.where('at', '>=', new Date(fromMs));
  if (toMs !== undefined) statement = statement.where('at', '<', new Date(toMs));
  if (after !== undefined) {
    statement = statement.where(
      sql<boolean>`(at, id) < (select at, id from credential_audit where tenant_id = ${query.tenant} and id = ${after})`,
    );
  }
  return statement.execute();
}

function toRecord(row: AuditRow): AuditRecord {
  return Object.freeze({
    id: row.id,
    operationId: row.operation_id,
    atMs: row.at.getTime(),
    tenant: row.tenant_id,
    action: row.action,
    outcome: row.outcome,
    ...(row.actor_type === null || row.actor_id === null
      ? {}
      : { actor: Object.freeze({ type: row.actor_type, id: row.actor_id }) }),
    ...(row.scope === null ? {} : { scope: row.scope }),
    ...(row.credential_id === null ? {} : { credentialId: row.credential_id }),
    ...(row.version === null ? {} : { version: row.version }),
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    details: Object.freeze(row.details),
  });
}

async function purgeSome(tx: Tx<Tables>, olderThanMs: number): Promise<number> {
  const { rows } = await sql<{ removed: number }>`
    select credential_audit_purge(now() - ${olderThanMs}::float8 * interval '1 millisecond', ${PURGE_BATCH}) as removed`.execute(
    tx,
  );
  return rows[0]?.removed ?? 0;
}
