import type { Clock } from '@tenon/core';
import type { KeyRing } from '@tenon/crypto';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { KindRegistry } from '../kinds/kind-registry.ts';
import { sealMaterial } from '../sealing/seal-material.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import type { SourcedCredential } from './credential-source.ts';
import { sourceError } from './source-error.ts';

/** Where a credential came from that the vault does not keep itself. */
export interface CredentialOrigin {
  /** The name of the source. */
  readonly source: string;
  /** How the source names the version. */
  readonly version: string | undefined;
}

/** A record as a vault works on it: its storage's, or made of what a source gave, and then never stored. */
export interface LoadedCredential extends StoredCredential {
  /** Absent: the vault's own storage. */
  readonly origin?: CredentialOrigin;
}

/** What {@link toSourcedRecord} needs besides. */
export interface SourcedRecordParts {
  readonly ring: KeyRing;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
}

/**
 * Makes a record of what a source gave: checked against its kind, and sealed from here on.
 *
 * @throws `CREDENTIAL_KIND_UNKNOWN`; `CREDENTIAL_INVALID`; `CREDENTIAL_STORAGE_CORRUPT` for a date that is none
 */
export function toSourcedRecord(
  { ring, kinds, clock }: SourcedRecordParts,
  source: string,
  key: CredentialKey,
  sourced: SourcedCredential,
): LoadedCredential {
  const { kind, plain } = kinds.read(sourced.material);
  const expiresAt = moment(source, sourced.expiresAt ?? kind.expiresAt(plain));
  const createdAt = moment(source, sourced.createdAt) ?? clock.now();
  // Versions are the vault's own: what a source calls its versions stands in the origin.
  const version = 1;
  const sealed = sealMaterial(ring, plain, { key, kind: kind.name, version });
  return {
    key,
    kind: kind.name,
    revision: 0,
    current: { version, ...sealed, createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) },
    previous: [],
    tags: {},
    policies: [],
    createdAt,
    modifiedAt: createdAt,
    origin: Object.freeze({ source, version: sourced.version }),
  };
}

function moment(source: string, date: Date | undefined): number | undefined {
  if (date === undefined) return undefined;
  const atMs = date.getTime();
  if (!Number.isNaN(atMs)) return atMs;
  throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, 'gave a date that is none');
}
