import { isUsable } from '../health/health-status.ts';
import type { ManagedResource } from '../managed/managed-resource.ts';
import { unavailable } from '../managed/refusal.ts';
import { tryInstance } from '../managed/try-instance.ts';
import type { SlotCredential } from './credential-slots.ts';

/**
 * Tries an instance with other credentials, see {@link tryInstance}.
 *
 * @throws what keeps them from being used
 */
export async function tryCredentials(
  managed: ManagedResource,
  candidates: Readonly<Record<string, SlotCredential>>,
  signal: AbortSignal,
): Promise<void> {
  const seen = await tryInstance(managed, signal, { candidates });
  if (isUsable(seen)) return;
  throw unavailable(managed.registration.token.name, 'with its new credential it does not work', undefined);
}
