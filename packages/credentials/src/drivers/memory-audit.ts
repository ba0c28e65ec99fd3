import { deepFreeze } from '@tenon/core';
import { auditLimit } from '../audit/audit-limit.ts';
import type { AuditQuery, AuditRecord, CredentialAudit } from '../audit/audit-record.ts';
import { credentialError } from '../errors.ts';

/** What {@link memoryAudit} takes. */
export interface MemoryAuditOptions {
  /** Most records that are kept, 1 to 1,000,000; the oldest go for new ones. Default 10,000. */
  readonly maxRecords?: number;
}

const LARGEST_MAX_RECORDS = 1_000_000;

/**
 * Keeps the audit in the memory of this process, up to a number of records: for tests, and for programs that need to look back a little.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` when `maxRecords` is out of its range
 * @example
 * ```ts
 * const vault = credentials().storage(storage).keys(keys).audit({ audit: memoryAudit() }).build();
 * ```
 */
export function memoryAudit({ maxRecords = 10_000 }: MemoryAuditOptions = {}): CredentialAudit {
  if (!(Number.isInteger(maxRecords) && maxRecords >= 1 && maxRecords <= LARGEST_MAX_RECORDS)) {
    throw credentialError(
      'CREDENTIALS_OPTIONS_INVALID',
      `maxRecords of the audit in memory must be a whole number from 1 to ${LARGEST_MAX_RECORDS}`,
      { details: { option: 'maxRecords' } },
    );
  }
  // A Map gives its entries in the order in which they came.
  const records = new Map<string, AuditRecord>();

  return {
    async append(added) {
      for (const record of added) {
        if (!records.has(placeOf(record))) records.set(placeOf(record), deepFreeze(structuredClone(record)));
      }
      for (const oldest of records.keys()) {
        if (records.size <= maxRecords) break;
        records.delete(oldest);
      }
    },
    async query(query) {
      const limit = auditLimit(query);
      const after = query.after === undefined ? undefined : records.get(placeOf({ ...query, id: query.after }));
      if (query.after !== undefined && after === undefined) return Object.freeze([]);
      const found = [...records.values()]
        .filter((record) => fits(record, query) && (after === undefined || byNewest(record, after) > 0))
        .toSorted(byNewest);
      return Object.freeze(found.slice(0, limit));
    },
  };
}

// No tenant's name holds a blank.
const placeOf = ({ tenant, id }: Pick<AuditRecord, 'tenant' | 'id'>): string => `${tenant} ${id}`;

function fits(record: AuditRecord, query: AuditQuery): boolean {
  if (record.tenant !== query.tenant) return false;
  if (query.scope !== undefined && record.scope !== query.scope) return false;
  if (query.credentialId !== undefined && record.credentialId !== query.credentialId) return false;
  if (query.actorId !== undefined && record.actor?.id !== query.actorId) return false;
  if (query.action !== undefined && record.action !== query.action) return false;
  if (query.fromMs !== undefined && record.atMs < query.fromMs) return false;
  return query.toMs === undefined || record.atMs < query.toMs;
}

function byNewest(left: AuditRecord, right: AuditRecord): number {
  if (left.atMs !== right.atMs) return right.atMs - left.atMs;
  if (left.id === right.id) return 0;
  return left.id > right.id ? -1 : 1;
}
