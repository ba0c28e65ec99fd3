import { currentContext, isCodedError, newId, toError, type Clock, type JsonValue, type Logger } from '@tenon/core';
import { credentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { AuditAction, AuditOutcome, AuditRecord, CredentialAudit } from './audit-record.ts';

/** What a vault's audit is told. */
export interface AuditOptions {
  readonly audit: CredentialAudit;
  /**
   * `required`: an operation that changes something begins when its intention is kept, and material is handed out when that is; what
   * cannot be recorded does not happen. `observe`: records follow within moments, and are lost when the audit fails for long.
   * Default `observe`.
   */
  readonly mode?: 'required' | 'observe';
}

/** What is recorded about an operation. */
export interface AuditSubject {
  readonly action: AuditAction;
  readonly tenant: string;
  readonly key?: CredentialKey;
  readonly details?: Readonly<Record<string, JsonValue>>;
}

/** The end of an operation. */
export interface AuditEnd {
  readonly outcome: Exclude<AuditOutcome, 'intended'>;
  readonly version?: number;
  readonly details?: Readonly<Record<string, JsonValue>>;
}

/** Records what a vault does. */
export interface AuditTrail {
  /** Whether anything is recorded at all. */
  readonly isOn: boolean;
  /** Whether nothing may happen without being recorded first. */
  readonly isRequired: boolean;
  /** Runs a change between its intention and its outcome. `end` tells the outcome of work that did not throw. */
  around<T>(subject: AuditSubject, work: () => Promise<T>, end: (result: T) => AuditEnd): Promise<T>;
  /** Records something that changed nothing. Resolves when the caller may go on. */
  note(subject: AuditSubject, end: AuditEnd): Promise<void> | undefined;
  /** Waits until everything recorded so far is kept, or could not be. */
  flush(): Promise<void>;
}

// Past this, an audit that does not answer would take the memory of the process.
const MAX_WAITING = 10_000;
const BATCH = 500;

/** A trail that records nothing, for a vault without an audit. */
export const noAuditTrail: AuditTrail = Object.freeze({
  isOn: false,
  isRequired: false,
  around: <T>(_subject: AuditSubject, work: () => Promise<T>) => work(),
  note: () => undefined,
  flush: () => Promise.resolve(),
});

/** Makes the trail of one vault. */
export function createAuditTrail({ audit, mode = 'observe' }: AuditOptions, clock: Clock, logger: Logger): AuditTrail {
  const required = mode === 'required';
  const behind = createWriteBehind(audit, logger);

  const toRecord = (subject: AuditSubject, operationId: string, end: AuditEnd | undefined): AuditRecord => {
    const context = currentContext();
    const { actor, requestId } = context ?? {};
    return Object.freeze({
      id: newId(),
      operationId,
      atMs: clock.now(),
      tenant: subject.tenant,
      action: subject.action,
      outcome: end?.outcome ?? 'intended',
      ...(actor === undefined ? {} : { actor: { type: actor.type, id: actor.id } }),
      ...(subject.key === undefined ? {} : { scope: subject.key.scope, credentialId: subject.key.id }),
      ...(end?.version === undefined ? {} : { version: end.version }),
      ...(requestId === undefined ? {} : { requestId }),
      details: Object.freeze({ ...subject.details, ...end?.details }),
    });
  };
  const keep = async (record: AuditRecord): Promise<void> => {
    try {
      await audit.append([record]);
    } catch (error) {
      throw credentialError(
        'CREDENTIAL_AUDIT_UNAVAILABLE',
        'the audit could not be written, and nothing is done without it; try again when it can be',
        { cause: toError(error), retryable: true },
      );
    }
  };

  return {
    isOn: true,
    isRequired: required,
    async around(subject, work, end) {
      const operationId = newId();
      if (required) await keep(toRecord(subject, operationId, undefined));
      // The change is made or not by then: an audit that fails now must not say otherwise.
      const finish = (ended: AuditEnd): void => behind.add(toRecord(subject, operationId, ended));
      try {
        const result = await work();
        finish(end(result));
        return result;
      } catch (error) {
        finish({ outcome: 'failed', details: { code: isCodedError(error) ? error.code : 'UNEXPECTED' } });
        throw error;
      }
    },
    note(subject, end) {
      const record = toRecord(subject, newId(), end);
      if (required) return keep(record);
      behind.add(record);
      return undefined;
    },
    flush: () => behind.flush(),
  };
}

interface WriteBehind {
  add(record: AuditRecord): void;
  flush(): Promise<void>;
}

/** Writes records in the order in which they came, many at a time, behind the work that they tell of. */
function createWriteBehind(audit: CredentialAudit, logger: Logger): WriteBehind {
  let waiting: AuditRecord[] = [];
  let writing: Promise<void> | undefined;
  let lost = 0;

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      try {
        await audit.append(batch);
      } catch (error) {
        lost += batch.length;
        logger.error({ err: toError(error), records: batch.length, lost }, 'audit records could not be written');
      }
    }
  };
  const start = (): Promise<void> =>
    (writing ??= Promise.resolve()
      .then(writeAll)
      .finally(() => {
        writing = undefined;
      }));

  return {
    add(record) {
      if (waiting.length >= MAX_WAITING) {
        lost += 1;
        if (lost % MAX_WAITING === 1) logger.error({ lost }, 'the audit is too slow; records are lost');
        return;
      }
      waiting.push(record);
      void start();
    },
    async flush() {
      while (writing !== undefined || waiting.length > 0) await start();
    },
  };
}
