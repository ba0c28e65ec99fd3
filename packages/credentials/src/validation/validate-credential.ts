import { rotationDue } from '../rotation/rotation-due.ts';
import type { StoredSummary } from '../storage/credential-storage.ts';

/**
 * Whether a credential can be expected to work, told from what stands beside it, offline. `isRotationRecommended` is true from the moment
 * that a policy asks for it, or less than a quarter of the lifetime is left; it says nothing about whether the credential works.
 */
export type Validation = ValidCredential | ExpiredCredential | MissingCredential | InvalidCredential;

/** It can be expected to work. */
export interface ValidCredential {
  readonly status: 'valid';
  readonly scope: string;
  readonly id: string;
  readonly expiresAt: Date | undefined;
  readonly rotateAfter: Date | undefined;
  readonly isRotationRecommended: boolean;
}

/** Its time is over. */
export interface ExpiredCredential {
  readonly status: 'expired';
  readonly scope: string;
  readonly id: string;
  readonly expiredAt: Date;
  readonly now: Date;
}

/** There is none, or none that the viewer may know of. */
export interface MissingCredential {
  readonly status: 'not-found';
  readonly scope: string;
  readonly id: string;
}

/** It is there and cannot be used. */
export interface InvalidCredential {
  readonly status: 'invalid';
  readonly scope: string;
  readonly id: string;
  readonly reason: string;
}

/** What {@link validateCredential} takes besides. */
export interface ValidateOptions {
  /** How many milliseconds earlier it counts as expired, for clocks that differ. Default 0. */
  readonly skewMs?: number;
  /** Whether the vault knows the kind. */
  readonly isKindKnown: boolean;
}

/** Judges a record at a moment. From `expiresAt` on, that moment included, it is expired. */
export function validateCredential(record: StoredSummary, nowMs: number, options: ValidateOptions): Validation {
  const { key, current } = record;
  const place = { scope: key.scope, id: key.id };
  if (!options.isKindKnown) {
    const reason = `the vault knows no kind of credential called "${record.kind}"`;
    return Object.freeze({ status: 'invalid', ...place, reason });
  }
  if (record.refresh?.reauthorize !== undefined) {
    return Object.freeze({ status: 'invalid', ...place, reason: 'a person has to sign in again' });
  }
  const { expiresAt } = current;
  if (expiresAt !== undefined && nowMs + (options.skewMs ?? 0) >= expiresAt) {
    return Object.freeze({ status: 'expired', ...place, expiredAt: new Date(expiresAt), now: new Date(nowMs) });
  }
  const due = rotationDue(record);
  return Object.freeze({
    status: 'valid',
    ...place,
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    rotateAfter: due === undefined ? undefined : new Date(due.atMs),
    isRotationRecommended:
      (due !== undefined && nowMs >= due.atMs) ||
      (expiresAt !== undefined && expiresAt - nowMs < (expiresAt - current.createdAt) / 4),
  });
}

/**
 * Whether less than a quarter of a maximal age is left before a credential ends. Always so once it has ended; never for one without an
 * end, and for none that is not valid.
 *
 * @param maxAgeMs - the lifetime that the quarter is of, in milliseconds
 */
export function rotationRecommended(validation: Validation, maxAgeMs: number, nowMs: number): boolean {
  if (validation.status !== 'valid' || validation.expiresAt === undefined) return false;
  return validation.expiresAt.getTime() - nowMs < maxAgeMs / 4;
}
