import type { CredentialKey } from '../../identity/credential-key.ts';
import type { StoragePut, StoredSummary, VersionSummary } from '../../storage/credential-storage.ts';
import { corrupt } from '../../storage/encode-record.ts';
import { misplaced } from '../../storage/record-form.ts';
import type { StoredCredential, StoredRefresh } from '../../storage/stored-credential.ts';
import { withoutEnvelope } from '../../storage/to-summary.ts';

/** The columns of a summary, as they are selected. */
export const SUMMARY_COLUMNS: string =
  'scope, id, kind, revision, version, key_id, version_created_at_ms, expires_at_ms, grace_until_ms, previous, tags, ' +
  'description, policies, created_at_ms, modified_at_ms, rotated_at_ms, refresh';

/** The columns of a whole record. */
export const RECORD_COLUMNS: string = `${SUMMARY_COLUMNS}, envelope, previous_envelopes`;

/** What {@link SUMMARY_COLUMNS} give. */
export interface SummaryRow {
  readonly scope: string;
  readonly id: string;
  readonly kind: string;
  /** `bigint`, which the client gives as text. */
  readonly revision: string;
  readonly version: string;
  readonly key_id: string;
  readonly version_created_at_ms: number;
  readonly expires_at_ms: number | null;
  readonly grace_until_ms: number | null;
  readonly previous: readonly VersionSummary[];
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string | null;
  readonly policies: StoredCredential['policies'];
  readonly created_at_ms: number;
  readonly modified_at_ms: number;
  readonly rotated_at_ms: number | null;
  readonly refresh: StoredRefresh | null;
}

/** What {@link RECORD_COLUMNS} give. */
export interface RecordRow extends SummaryRow {
  readonly envelope: Uint8Array;
  readonly previous_envelopes: readonly string[];
}

/** @throws `CREDENTIAL_STORAGE_CORRUPT` naming the credential */
export function toStoredSummary(row: SummaryRow, tenant: string): StoredSummary {
  const { description, rotated_at_ms: rotatedAt, refresh, expires_at_ms: expiresAt, grace_until_ms: graceUntil } = row;
  const summary: StoredSummary = {
    key: { tenant, scope: row.scope, id: row.id },
    kind: row.kind,
    revision: Number(row.revision),
    current: {
      version: Number(row.version),
      keyId: row.key_id,
      createdAt: row.version_created_at_ms,
      ...(expiresAt === null ? {} : { expiresAt }),
      ...(graceUntil === null ? {} : { graceUntil }),
    },
    previous: row.previous,
    tags: row.tags,
    ...(description === null ? {} : { description }),
    policies: row.policies,
    createdAt: row.created_at_ms,
    modifiedAt: row.modified_at_ms,
    ...(rotatedAt === null ? {} : { rotatedAt }),
    ...(refresh === null ? {} : { refresh }),
  };
  const place = misplaced(summary);
  if (place !== undefined) throw corrupt(summary.key, `it is not of the right form at ${place}`);
  return summary;
}

/** @throws `CREDENTIAL_STORAGE_CORRUPT` naming the credential */
export function toStoredCredential(row: RecordRow, tenant: string): StoredCredential {
  const summary = toStoredSummary(row, tenant);
  const envelopes = row.previous_envelopes;
  if (envelopes.length !== summary.previous.length) throw corrupt(summary.key, 'envelopes are missing');
  return {
    ...summary,
    // A copy: the client gives a view on all that it received.
    current: { ...summary.current, envelope: new Uint8Array(row.envelope) },
    previous: summary.previous.map((version, at) => ({
      ...version,
      envelope: new Uint8Array(Buffer.from(String(envelopes[at]), 'base64')),
    })),
  };
}

/** The columns that a change writes, with their types as the change carries them. */
export const PUT_FIELDS = {
  scope: 'text',
  id: 'text',
  kind: 'text',
  revision: 'bigint',
  version: 'bigint',
  key_id: 'text',
  envelope: 'text',
  version_created_at_ms: 'double precision',
  expires_at_ms: 'double precision',
  grace_until_ms: 'double precision',
  previous: 'jsonb',
  previous_envelopes: 'jsonb',
  sealing_key_ids: 'text',
  tags: 'jsonb',
  description: 'text',
  policies: 'jsonb',
  created_at_ms: 'double precision',
  modified_at_ms: 'double precision',
  rotated_at_ms: 'double precision',
  refresh: 'jsonb',
} as const;

/** A change, by its columns. */
export type PutRow = { readonly [column in keyof typeof PUT_FIELDS]: unknown } & {
  readonly expected_revision: number;
};

/** A change as the database takes it. What is undefined is left out of the JSON, and becomes null. */
export function toPutRow({ record, expectedRevision }: StoragePut): PutRow {
  const { key, current, previous } = record;
  return {
    expected_revision: expectedRevision,
    scope: key.scope,
    id: key.id,
    kind: record.kind,
    revision: record.revision,
    version: current.version,
    key_id: current.keyId,
    envelope: base64Of(current.envelope),
    version_created_at_ms: current.createdAt,
    expires_at_ms: current.expiresAt,
    grace_until_ms: current.graceUntil,
    previous: previous.map(withoutEnvelope),
    previous_envelopes: previous.map(({ envelope }) => base64Of(envelope)),
    sealing_key_ids: [...new Set([current, ...previous].map(({ keyId }) => keyId))].toSorted().join(','),
    tags: record.tags,
    description: record.description,
    policies: record.policies,
    created_at_ms: record.createdAt,
    modified_at_ms: record.modifiedAt,
    rotated_at_ms: record.rotatedAt,
    refresh: record.refresh,
  };
}

const base64Of = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** Which credential a row is of, within one tenant. */
export const placeOfRow = ({ scope, id }: Pick<CredentialKey, 'scope' | 'id'>): string => `${scope}|${id}`;
