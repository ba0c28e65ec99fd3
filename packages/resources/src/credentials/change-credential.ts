import { deadlineAfter, isCodedError, toError } from '@tenon/core';
import type { ManagedResource } from '../managed/managed-resource.ts';
import type { ResourceServices } from '../managed/resource-services.ts';
import type { SlotCredential } from './credential-slots.ts';

/** How long a new credential may take to prove itself, in milliseconds. */
const TRIAL_MS = 30_000;

/** What became of a slot that was looked at. */
export type SlotChange = 'unchanged' | 'rotated' | 'missing' | 'failed';

/**
 * Looks whether there is another credential for a slot, and changes over to it: it is tried first, while the old one goes on serving, then
 * every instance that cannot take it over is replaced when its borrower has done with it. No request fails for it.
 */
export async function refreshSlot(
  managed: ManagedResource,
  slot: string,
  services: ResourceServices,
): Promise<SlotChange> {
  const { token } = managed.registration;
  const deadline = deadlineAfter(TRIAL_MS, {
    clock: services.clock,
    name: `the change of the credential in slot "${slot}" of resource "${token.name}"`,
  });
  try {
    const next = await managed.cells.look(slot, deadline.signal);
    if (next === undefined) return 'missing';
    const held = managed.cells.held(slot);
    if (held !== undefined && next.version <= held.version) return 'unchanged';
    const living = managed.maker.living();
    if (living.length > 0) await managed.tryCredentials({ [slot]: next }, deadline.signal);
    managed.cells.put(slot, next);
    if (!(await allKeep(managed, slot, next, deadline.signal))) managed.supply.invalidate('credential rotated');
    services.instruments.rotated(token, 'rotated');
    services.emit(token, managed.scopeText, { type: 'credential-rotated', slot });
    return 'rotated';
  } catch (thrown) {
    const code = isCodedError(thrown) ? thrown.code : toError(thrown).name;
    services.logger.warn(
      { resource: token.name, slot, code, err: toError(thrown) },
      'a new credential could not be used',
    );
    services.instruments.rotated(token, 'failed');
    services.emit(token, managed.scopeText, { type: 'credential-refresh-failed', slot, code });
    return 'failed';
  } finally {
    deadline.cancel();
  }
}

/** Whether every instance that lives has taken the new credential over. */
async function allKeep(
  managed: ManagedResource,
  slot: string,
  credential: SlotCredential,
  signal: AbortSignal,
): Promise<boolean> {
  const { definition } = managed.registration.token;
  for (const instance of managed.maker.living()) {
    const answer = await definition
      .onCredentialRotated(instance.value, { slot, credential, signal })
      .catch(() => 'replace' as const);
    if (answer === 'replace') return false;
  }
  return true;
}

/** The credentials that were withdrawn, so that no reader that lags behind brings one back. */
export interface RevokedCredentials {
  /** @param version - this one and all before it */
  add(place: CredentialPlace, version: number): void;
  has(place: CredentialPlace, version: number): boolean;
}

/** Where a credential lies among all. */
export interface CredentialPlace {
  readonly tenant: string | undefined;
  readonly scope: string | undefined;
  readonly id: string;
}

const MAX_REVOKED = 10_000;

const keyOf = ({ tenant = '', scope = '', id }: CredentialPlace): string => JSON.stringify([tenant, scope, id]);

/** Remembers the last 10,000. */
export function createRevokedCredentials(): RevokedCredentials {
  const versions = new Map<string, number>();
  return {
    add(place, version) {
      const key = keyOf(place);
      const known = versions.get(key) ?? 0;
      versions.delete(key);
      if (versions.size >= MAX_REVOKED) versions.delete([...versions.keys()][0] ?? '');
      versions.set(key, Math.max(known, version));
    },
    has: (place, version) => version <= (versions.get(keyOf(place)) ?? 0),
  };
}
