import type { CredentialKey } from '../identity/credential-key.ts';
import type { StoredCredential, StoredRefresh, StoredVersion } from '../storage/stored-credential.ts';

/** What {@link sampleRecord} may be told: parts of the key, and fields. */
export type SampleOptions = Partial<CredentialKey> & Partial<Omit<StoredCredential, 'key'>>;

/** A record with nothing in it that could be left out, for tests. Its envelope is made up, and opens nowhere. */
export function sampleRecord(options: SampleOptions = {}): StoredCredential {
  const { tenant = 'acme', scope = 'org:acme', id = 'github', ...fields } = options;
  return {
    key: { tenant, scope, id },
    kind: 'api-key',
    revision: 1,
    current: sampleVersion(),
    previous: [],
    tags: {},
    policies: [],
    createdAt: 1_767_225_600_000,
    modifiedAt: 1_767_225_600_000,
    ...fields,
  };
}

/** A version with nothing in it that could be left out, for tests. */
export function sampleVersion(fields: Partial<StoredVersion> = {}): StoredVersion {
  return {
    version: 1,
    envelope: Uint8Array.from({ length: 48 }, (_, index) => index * 5),
    keyId: 'key-1',
    createdAt: 1_767_225_600_000,
    ...fields,
  };
}

/** A record in which every field there can be says something. */
export function fullRecord(key: Partial<CredentialKey> = {}): StoredCredential {
  const refresh: Required<StoredRefresh> = {
    reauthorize: 'outcome-unknown',
    notBefore: 1_767_300_000_001,
    failures: 3,
    unknownAt: [1_767_299_000_000, 1_767_299_500_000],
    generation: 12,
    claim: { holder: '019b7c3e-0000-7000-8000-000000000001', expiresAt: 1_767_300_060_000 },
  };
  const versions = [4, 3, 2].map((version): Required<StoredVersion> => ({
    version,
    envelope: Uint8Array.from({ length: 20 + version }, (_, index) => 255 - index * version),
    keyId: `key-${version}`,
    createdAt: 1_767_225_600_000 + version,
    expiresAt: 1_798_761_600_000 + version,
    graceUntil: 1_767_312_000_000 + version,
  }));
  const [current = sampleVersion(), ...previous] = versions;
  // Required, so that a field that is added to the record is added here, and each driver has to keep it.
  const fields: Required<Omit<StoredCredential, 'key'>> = {
    kind: 'oauth2',
    revision: 1,
    current,
    previous,
    tags: { env: 'prod', 'team/owner': 'Ängström' },
    description: 'The token of the nightly export.\n"Ask Ann."',
    policies: [
      { type: 'periodic', intervalMs: 2_592_000_000, jitter: true, graceMs: 0.5 },
      { type: 'before-expiry', thresholdShare: 0.75, minimumMs: 86_400_000, graceMs: 1 },
      { type: 'scheduled', cron: '0 3 * * 1', graceMs: 1 },
      { type: 'scheduled', at: 1_767_400_000_000 },
      { type: 'manual', graceMs: 3_600_000 },
      { type: 'manual' },
    ],
    createdAt: 1_767_225_600_000,
    modifiedAt: 1_767_225_600_123,
    rotatedAt: 1_767_225_600_045,
    refresh,
  };
  return sampleRecord({ ...key, ...fields });
}
