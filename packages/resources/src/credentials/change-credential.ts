import { codeOfFailure, deadlineAfter, toError } from '@tenon/core';
import type { ManagedResource } from '../managed/managed-resource.ts';
import type { ResourceServices } from '../managed/resource-services.ts';
import { inScope } from '../scope/in-scope.ts';
import { beforeAbort } from '../waiting/before-abort.ts';
import type { SlotCredential } from './credential-slots.ts';
import { tryCredentials } from './try-credentials.ts';

/** How long a new credential may take to be read and to prove itself, in milliseconds. */
const TRIAL_MS = 30_000;

/** What became of a slot that was looked at. */
export type SlotChange = 'unchanged' | 'rotated' | 'missing' | 'failed';

/**
 * Looks whether there is another credential for a slot, and changes over to it: it is tried first, while the old one goes on serving, then
 * every instance that cannot take it over is replaced when its borrower has done with it. No request fails for it.
 *
 * Looks at the slots of one resource come one after the other, so that an older credential never follows a newer one, and whoever is told of a change
 * gets a look that began afterwards.
 */
export function refreshSlot(managed: ManagedResource, slot: string, services: ResourceServices): Promise<SlotChange> {
  return managed.cells.looks.run(() => refresh(managed, slot, services));
}

async function refresh(managed: ManagedResource, slot: string, services: ResourceServices): Promise<SlotChange> {
  const { token } = managed.registration;
  const deadline = deadlineAfter(TRIAL_MS, {
    clock: services.clock,
    signal: managed.end.signal,
    name: `the change of the credential in slot "${slot}" of resource "${token.name}"`,
  });
  try {
    return await changeOver(managed, slot, services, deadline.signal);
  } catch (thrown) {
    // It has ended meanwhile, with all that it held.
    if (managed.isClosing) return 'unchanged';
    const code = codeOfFailure(thrown);
    managed.logger.warn({ slot, code, err: toError(thrown) }, 'a new credential could not be used');
    services.instruments.rotated(token, 'failed');
    services.emit(token, managed.scopeText, { type: 'credential-refresh-failed', slot, code });
    return 'failed';
  } finally {
    deadline.cancel();
  }
}

async function changeOver(
  managed: ManagedResource,
  slot: string,
  services: ResourceServices,
  signal: AbortSignal,
): Promise<SlotChange> {
  const { cells, maker, registration } = managed;
  if (managed.isClosing) return 'unchanged';
  const next = await cells.look(slot, signal);
  const held = cells.held(slot);
  if (next === undefined) return held === undefined ? 'unchanged' : 'missing';
  if (held !== undefined && next.version <= held.version) return 'unchanged';
  if (maker.living().length > 0) await tryCredentials(managed, { [slot]: next }, signal);
  signal.throwIfAborted();
  cells.put(slot, next);
  // What is being made now was begun with the old one.
  const isMaking = maker.making() > 0;
  if (isMaking || !(await allKeep(managed, slot, next, signal))) managed.invalidate('credential rotated');
  services.instruments.rotated(registration.token, 'rotated');
  services.emit(registration.token, managed.scopeText, { type: 'credential-rotated', slot });
  return 'rotated';
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
    const asked = inScope(managed.scope, () =>
      definition.onCredentialRotated(instance.value, { slot, credential, signal }),
    );
    const answer = await beforeAbort(asked, signal).catch(() => 'replace' as const);
    if (answer === 'replace') return false;
  }
  return true;
}
