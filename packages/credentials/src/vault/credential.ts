import type { Secret } from '@tenon/core';
import type { CredentialOrigin } from '../sources/sourced-record.ts';
import type { StoredSummary } from '../storage/credential-storage.ts';
import { rotationDue } from '../rotation/rotation-due.ts';
import type { RotationPolicy } from '../rotation/rotation-policy.ts';

/** What is known of a credential without opening it. */
export interface CredentialInfo {
  readonly scope: string;
  readonly id: string;
  /** The name of its kind. */
  readonly kind: string;
  /** 1 for the first material, one more for each that replaced it; 1 for what a source gave. */
  readonly version: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string | undefined;
  readonly policies: readonly RotationPolicy[];
  readonly createdAt: Date;
  /** The last change of anything. */
  readonly modifiedAt: Date;
  readonly rotatedAt: Date | undefined;
  /** When the material no longer works; undefined: unknown or never. */
  readonly expiresAt: Date | undefined;
  /** When its policies ask for a rotation; undefined: never. */
  readonly rotateAfter: Date | undefined;
  /** Earlier versions that are still known, the newest first. */
  readonly previous: readonly PreviousVersion[];
  /** Whether a person has to sign in again before it can be refreshed. */
  readonly needsReauthorization: boolean;
  /** The keys with which its versions are sealed. */
  readonly keyIds: readonly string[];
  /** Which source gave it; undefined: it is the vault's own. */
  readonly origin: CredentialOrigin | undefined;
}

/** An earlier version of a credential. */
export interface PreviousVersion {
  readonly version: number;
  readonly createdAt: Date;
  /** Until when it is handed out to who asks for it; undefined: not at all. */
  readonly graceUntil: Date | undefined;
}

/**
 * A credential as a consumer receives it.
 *
 * @typeParam Value - what its kind shows besides the secret
 */
export interface Credential<Value extends object = object> {
  readonly scope: string;
  readonly id: string;
  readonly kind: string;
  readonly version: number;
  /** The key, the password, the token. */
  readonly secret: Secret;
  /** What its kind shows besides: names and numbers plain, further secrets as `Secret`. */
  readonly value: Value;
  readonly expiresAt: Date | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** Which source gave it, and how that names the version; undefined: it is the vault's own. */
  readonly origin: CredentialOrigin | undefined;
}

/** What a record says without its envelopes. */
export function toInfo(record: StoredSummary & { readonly origin?: CredentialOrigin }): CredentialInfo {
  const { key, current, previous } = record;
  return Object.freeze({
    scope: key.scope,
    id: key.id,
    kind: record.kind,
    version: current.version,
    tags: Object.freeze({ ...record.tags }),
    description: record.description,
    policies: Object.freeze(record.policies.map((policy) => Object.freeze({ ...policy }))),
    createdAt: new Date(record.createdAt),
    modifiedAt: new Date(record.modifiedAt),
    rotatedAt: toDate(record.rotatedAt),
    expiresAt: toDate(current.expiresAt),
    rotateAfter: toDate(rotationDue(record)?.atMs),
    previous: Object.freeze(
      previous.map(({ version, createdAt, graceUntil }) =>
        Object.freeze({ version, createdAt: new Date(createdAt), graceUntil: toDate(graceUntil) }),
      ),
    ),
    needsReauthorization: record.refresh?.reauthorize !== undefined,
    keyIds: Object.freeze([...new Set([current, ...previous].map(({ keyId }) => keyId))]),
    origin: record.origin,
  });
}

/** A moment of storage as a Date. */
export function toDate(atMs: number | undefined): Date | undefined {
  return atMs === undefined ? undefined : new Date(atMs);
}
