import { runAs, type LogFields, type Logger } from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import {
  credentials,
  type AuditRecord,
  type CredentialAudit,
  type CredentialsBuilder,
  type CredentialVault,
} from '@tenon/credentials';
import { KeyRing } from '@tenon/crypto';
import { spyStorage, type SpiedStorage, type SpyOptions } from './spied-storage.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

/** A logger that keeps its lines. */
export function createMemoryLogger(lines: LogLine[]): Logger {
  const at = (level: LogLine['level']) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields, message });
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

/** An audit that keeps its records in a list. */
export function createListAudit(records: AuditRecord[]): CredentialAudit {
  return {
    append: async (more) => void records.push(...more),
    query: async ({ tenant, credentialId }) =>
      records
        .filter((one) => one.tenant === tenant && (credentialId === undefined || one.credentialId === credentialId))
        .toReversed(),
  };
}

export interface OpenVault {
  readonly vault: CredentialVault;
  readonly storage: SpiedStorage;
  readonly clock: TestClock;
  readonly ring: KeyRing;
  readonly log: LogLine[];
  /** What has been recorded by now; the ends of changes follow a moment later. */
  readonly audited: AuditRecord[];
  /** What was recorded, all of it. */
  readonly audit: () => Promise<readonly AuditRecord[]>;
}

export interface OpenVaultOptions extends SpyOptions {
  readonly storage?: SpiedStorage;
  readonly ring?: KeyRing;
  /** `none`: the context's. Default `main`. */
  readonly tenant?: string;
  readonly auditMode?: 'observe' | 'required' | 'none';
  /** More steps of the builder. */
  readonly build?: (builder: CredentialsBuilder<true, true>) => CredentialsBuilder<true, true>;
}

/** A vault on a storage in memory, of which a test sees everything. */
export function openVault(options: OpenVaultOptions = {}): OpenVault {
  const { storage = spyStorage(options), ring = KeyRing.generate(), tenant = 'main', auditMode = 'required' } = options;
  const clock = createTestClock();
  const log: LogLine[] = [];
  const audited: AuditRecord[] = [];
  let builder = credentials().storage(storage).keys(ring).clock(clock).logger(createMemoryLogger(log));
  if (tenant !== 'none') builder = builder.tenant(tenant);
  if (auditMode !== 'none') builder = builder.audit({ audit: createListAudit(audited), mode: auditMode });
  const vault = (options.build?.(builder) ?? builder).build();
  const audit = async (): Promise<readonly AuditRecord[]> => {
    await runAs({ tenant: tenant === 'none' ? 'main' : tenant }, () => vault.auditRecords());
    return audited;
  };
  return { vault, storage, clock, ring, log, audited, audit };
}
