import { isCodedError } from '@tenon/core';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type { LoadedCredential } from '../sources/sourced-record.ts';
import { alone } from '../sealing/seal-material.ts';
import { callersSignal } from '../storage/guarded-call.ts';
import type { StoredCredential, StoredVersion } from '../storage/stored-credential.ts';
import type { VaultParts } from './vault-parts.ts';

/** What the cache holds of a credential. */
export function lookUp({ cache, logger }: VaultParts, key: CredentialKey): StoredCredential | undefined {
  if (cache === undefined) return undefined;
  const found = cache.peek(keyText(key));
  const message = found === undefined ? 'credential is not in the cache' : 'credential found in the cache';
  logger.debug({ credentialId: key.id, scope: key.scope }, message);
  return found;
}

/**
 * A record as storage has it, kept by the cache. Those who want the same one at the same time share one reading.
 *
 * @param read - reads it. Default: from storage
 */
export async function load(
  { cache, storage }: VaultParts,
  key: CredentialKey,
  read: () => Promise<StoredCredential | undefined> = () => storage.get(key),
): Promise<StoredCredential | undefined> {
  if (cache === undefined) return read();
  try {
    return await cache.load(keyText(key), async () => compact(await read()));
  } catch (error) {
    // It was being read for a batch whose caller gave up. This one has not.
    if (isCodedError(error, 'CREDENTIAL_ABORTED') && callersSignal()?.aborted !== true) return storage.get(key);
    throw error;
  }
}

/** A record from the cache or from storage; where there is none, of the first source that has one. */
export async function loadAnywhere(parts: VaultParts, key: CredentialKey): Promise<LoadedCredential | undefined> {
  const { sources, clock } = parts;
  if (sources === undefined) return load(parts, key);
  const startedAtMs = clock.monotonicMs();
  return (await load(parts, key)) ?? sources.get(key, clock.monotonicMs() - startedAtMs);
}

// What stays in the cache must not keep the buffers of the connection that it came through.
function compact(record: StoredCredential | undefined): StoredCredential | undefined {
  if (record === undefined) return undefined;
  return { ...record, current: own(record.current), previous: record.previous.map(own) };
}

function own(version: StoredVersion): StoredVersion {
  return { ...version, envelope: alone(version.envelope) };
}
