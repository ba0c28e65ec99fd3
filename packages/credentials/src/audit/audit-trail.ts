import {
  currentContext,
  deadlineAfter,
  isCodedError,
  newId,
  toError,
  type Clock,
  type JsonValue,
  type Logger,
} from '@tenon/core';
import { beforeAbort } from '../cache/before-abort.ts';
import { credentialError, type CredentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { AuditAction, AuditOutcome, AuditRecord, CredentialAudit } from './audit-record.ts';
import { createWriteAhead } from './write-ahead.ts';
import { WriteBehind } from './write-behind.ts';

/** What a vault's audit is told. */
export interface AuditOptions {
  readonly audit: CredentialAudit;
  /**
   * `required`: an operation that changes something begins when its intention is kept, and material is handed out when that is; what
   * cannot be recorded does not happen. `observe`: records follow within moments; while the audit fails 10,000 wait, and those beyond
   * are lost. Default `observe`.
   */
  readonly mode?: 'required' | 'observe';
  /** How long the audit may take to keep something, in milliseconds, 1 to 60,000. Default 5,000. */
  readonly timeoutMs?: number;
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
  /** Waits until everything recorded so far is kept, or a try to keep it has failed: for whoever reads the audit next. */
  settled(): Promise<void>;
  /** At the end: keeps what waits, as far as that can be done within `timeoutMs`; what cannot is lost, and logged. */
  flush(): Promise<void>;
}

/** A trail that records nothing, for a vault without an audit. */
export const noAuditTrail: AuditTrail = Object.freeze({
  isOn: false,
  isRequired: false,
  around: <T>(_subject: AuditSubject, work: () => Promise<T>) => work(),
  note: () => undefined,
  settled: () => Promise.resolve(),
  flush: () => Promise.resolve(),
});

/**
 * Makes the trail of one vault.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 */
export function createAuditTrail(options: AuditOptions, clock: Clock, logger: Logger): AuditTrail {
  const { audit, mode = 'observe', timeoutMs = 5_000 } = options;
  check(mode, timeoutMs);
  const isRequired = mode === 'required';
  const append = createAppend(audit, clock, timeoutMs);
  const behind = new WriteBehind(append, clock, logger);
  const keep = createKeep(append, clock, timeoutMs);

  return {
    isOn: true,
    isRequired,
    async around(subject, work, end) {
      const operationId = newId();
      if (isRequired) await keep(toRecord(subject, undefined, { operationId, atMs: clock.now() }));
      // The change is made or not by then: an audit that fails now must not say otherwise.
      const finish = (ended: AuditEnd): void =>
        behind.add(toRecord(subject, ended, { operationId, atMs: clock.now() }));
      let result: Awaited<ReturnType<typeof work>>;
      try {
        result = await work();
      } catch (error) {
        finish(endOf(error));
        throw error;
      }
      finish(end(result));
      return result;
    },
    note(subject, end) {
      const record = toRecord(subject, end, { operationId: newId(), atMs: clock.now() });
      if (isRequired) return keep(record);
      behind.add(record);
      return undefined;
    },
    settled: () => behind.settled(),
    flush: () => behind.close(timeoutMs),
  };
}

type Append = (records: readonly AuditRecord[], signal?: AbortSignal) => Promise<void>;

/** Appends in time, or fails. */
function createAppend(audit: CredentialAudit, clock: Clock, timeoutMs: number): Append {
  return async (records, signal) => {
    const given = signal === undefined ? {} : { signal };
    const deadline = deadlineAfter(timeoutMs, { clock, name: 'the audit', ...given });
    try {
      await beforeAbort(audit.append(records, { signal: deadline.signal }), deadline.signal);
    } finally {
      deadline.cancel();
    }
  };
}

/** Keeps a record before anything else happens. Its caller waits for one group before its own at most, and no longer than `timeoutMs` for both. */
function createKeep(append: Append, clock: Clock, timeoutMs: number): (record: AuditRecord) => Promise<void> {
  const ahead = createWriteAhead(append);
  return async (record) => {
    const signal = currentContext()?.signal;
    const given = signal === undefined ? {} : { signal };
    const deadline = deadlineAfter(timeoutMs, { clock, name: 'the audit', ...given });
    try {
      deadline.check();
      await beforeAbort(ahead(record), deadline.signal);
    } catch (error) {
      throw isCodedError(deadline.signal.reason, 'ABORTED') ? gaveUp(record, error) : unavailable(record, error);
    } finally {
      deadline.cancel();
    }
  };
}

function check(mode: string, timeoutMs: number): void {
  if (mode !== 'required' && mode !== 'observe') {
    throw credentialError('CREDENTIALS_OPTIONS_INVALID', 'audit.mode must be "required" or "observe"', {
      details: { option: 'audit.mode' },
    });
  }
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 60_000) return;
  throw credentialError('CREDENTIALS_OPTIONS_INVALID', 'audit.timeoutMs must be a whole number from 1 to 60000', {
    details: { option: 'audit.timeoutMs' },
  });
}

function toRecord(
  subject: AuditSubject,
  end: AuditEnd | undefined,
  { operationId, atMs }: { readonly operationId: string; readonly atMs: number },
): AuditRecord {
  const { actor, requestId } = currentContext() ?? {};
  return Object.freeze({
    id: newId(),
    operationId,
    atMs,
    tenant: subject.tenant,
    action: subject.action,
    outcome: end?.outcome ?? 'intended',
    ...(actor === undefined ? {} : { actor: Object.freeze({ type: actor.type, id: storable(actor.id) }) }),
    ...(subject.key === undefined ? {} : { scope: subject.key.scope, credentialId: subject.key.id }),
    ...(end?.version === undefined ? {} : { version: end.version }),
    ...(requestId === undefined ? {} : { requestId: storable(requestId) }),
    details: storableDetails({ ...subject.details, ...end?.details }),
  });
}

const MAX_TEXT = 1_024;

// A database refuses NUL and halves of characters, and one such name must not keep the records around it from being written.
function storable(text: string): string {
  return text.slice(0, MAX_TEXT).toWellFormed().replaceAll('\0', '\u{FFFD}');
}

function storableDetails(details: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>> {
  const entries = Object.entries(details).map(([name, value]) => [
    name,
    typeof value === 'string' ? storable(value) : value,
  ]);
  return Object.freeze(Object.fromEntries(entries) as Record<string, JsonValue>);
}

/** How an operation that threw is recorded: with the code alone, because messages are for people. */
function endOf(error: unknown): AuditEnd {
  const code = isCodedError(error) ? error.code : 'UNEXPECTED';
  return { outcome: OUTCOMES.get(code) ?? 'failed', details: { code } };
}

const OUTCOMES: ReadonlyMap<string, AuditEnd['outcome']> = new Map([
  ['CREDENTIAL_NOT_FOUND', 'missing'],
  ['CREDENTIAL_OUTCOME_UNKNOWN', 'unknown'],
  ['CREDENTIAL_UNREADABLE', 'unreadable'],
]);

function unavailable(record: AuditRecord, cause: unknown): CredentialError {
  return credentialError(
    'CREDENTIAL_AUDIT_UNAVAILABLE',
    'the audit could not be written, and nothing is done without it; try again when it can be',
    { cause: toError(cause), retryable: true, details: placeOf(record) },
  );
}

function gaveUp(record: AuditRecord, cause: unknown): CredentialError {
  return credentialError('CREDENTIAL_ABORTED', 'the caller gave up before the audit was written; nothing was done', {
    cause: toError(cause),
    details: placeOf(record),
  });
}

function placeOf({ scope, credentialId }: AuditRecord): Readonly<Record<string, string>> {
  return scope === undefined || credentialId === undefined ? {} : { id: credentialId, scope };
}
