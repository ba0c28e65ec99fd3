import { memoryAudit } from '@tenon/credentials/drivers/memory-audit';
import { describe, expect, it } from 'vitest';
import { auditContract, idsOf, never, recordOf } from './audit-contract.ts';

describe('the audit in memory', () => {
  auditContract(async () => memoryAudit());

  it('keeps as many as it may, and gives up the oldest', async () => {
    const audit = memoryAudit({ maxRecords: 3 });
    const records = Array.from({ length: 5 }, () => recordOf());
    await audit.append(records.slice(0, 2), never);
    await audit.append(records.slice(2), never);
    expect(idsOf(await audit.query({ tenant: 'acme' }))).toEqual(idsOf(records.slice(2).toReversed()));
  });

  it('keeps 10,000 when nothing is said', async () => {
    const audit = memoryAudit();
    const records = Array.from({ length: 10_001 }, () => recordOf());
    await audit.append(records, never);
    const oldest = { tenant: 'acme', toMs: (records[2]?.atMs ?? 0) + 1 };
    expect(idsOf(await audit.query(oldest))).toEqual(idsOf(records.slice(1, 3).toReversed()));
  });

  it.each([0, 1_000_001, 1.5, Number.NaN])('refuses to keep %s records', (maxRecords) => {
    expect(() => memoryAudit({ maxRecords })).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option: 'maxRecords' } }),
    );
  });
});
