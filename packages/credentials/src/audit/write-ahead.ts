import { forAll } from '../cache/for-all.ts';
import type { AuditRecord } from './audit-record.ts';
import { BATCH, type AppendRecords } from './write-behind.ts';

interface Group {
  readonly records: AuditRecord[];
  isOpen: boolean;
  readonly kept: Promise<void>;
}

/**
 * Writes records that somebody waits for. Those of one tenant that come while others are being written go together (group commit, after
 * DeWitt and others, "Implementation techniques for main memory database systems", 1984), each tenant's for itself.
 *
 * @returns keeps one record; rejects when its group could not be written
 */
export function createWriteAhead(append: AppendRecords): (record: AuditRecord) => Promise<void> {
  const newest = new Map<string, Group>();

  const begin = (record: AuditRecord, before: Promise<void> | undefined): Group => {
    const group: Group = { records: [record], isOpen: true, kept: forAll(write) };
    async function write(): Promise<void> {
      await before?.catch(() => undefined);
      await Promise.resolve(); // what comes at the same time goes together
      group.isOpen = false;
      try {
        await append(group.records);
      } finally {
        if (newest.get(record.tenant) === group) newest.delete(record.tenant);
      }
    }
    return group;
  };

  return (record) => {
    const last = newest.get(record.tenant);
    if (last?.isOpen === true && last.records.length < BATCH) {
      last.records.push(record);
      return last.kept;
    }
    const group = begin(record, last?.kept);
    newest.set(record.tenant, group);
    return group.kept;
  };
}
