import type { AuditRecord, CredentialAudit } from '@tenon/credentials';
import { memoryAudit } from '@tenon/credentials/drivers/memory-audit';

/** An audit that tells what it was given, and does what a test tells it. */
export interface SpiedAudit extends CredentialAudit {
  /** What each call was given, those that failed included. */
  readonly appends: readonly (readonly AuditRecord[])[];
  /** What is kept, the oldest first. */
  readonly kept: readonly AuditRecord[];
  /** What happens before anything is kept from now on: a wait, a failure. */
  before(hook: (records: readonly AuditRecord[]) => Promise<void> | void): void;
}

export function spyAudit(): SpiedAudit {
  const inner = memoryAudit({ maxRecords: 100_000 });
  const appends: (readonly AuditRecord[])[] = [];
  const kept: AuditRecord[] = [];
  let before: (records: readonly AuditRecord[]) => Promise<void> | void = () => undefined;
  return {
    appends,
    kept,
    before(hook) {
      before = hook;
    },
    async append(records, options) {
      appends.push(records);
      await before(records);
      await inner.append(records, options);
      kept.push(...records);
    },
    query: (query) => inner.query(query),
  };
}

/** Something that happens when a test says so. */
export function createGate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** Lets everything that waits for nothing but its turn go on. */
export function aMoment(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
