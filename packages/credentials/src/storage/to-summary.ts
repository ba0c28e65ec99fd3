import type { StoredSummary, VersionSummary } from './credential-storage.ts';
import type { StoredCredential, StoredVersion } from './stored-credential.ts';

/** A record without its envelopes. */
export function toSummary(record: StoredCredential): StoredSummary {
  return { ...record, current: withoutEnvelope(record.current), previous: record.previous.map(withoutEnvelope) };
}

/** A version without its envelope. */
export function withoutEnvelope(version: StoredVersion): VersionSummary {
  const { envelope: _, ...rest } = version;
  return rest;
}
