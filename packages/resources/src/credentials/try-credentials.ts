import { isUsable } from '../health/health-status.ts';
import type { ManagedResource } from '../managed/managed-resource.ts';
import { unavailable } from '../managed/refusal.ts';
import { inScope } from '../scope/in-scope.ts';
import type { SlotCredential } from './credential-slots.ts';

/**
 * Makes an instance with other credentials, looks at it, and ends it. It is one more than its pool may have, and there is one at a time: a
 * second one is refused as long as the first hangs.
 *
 * @throws what keeps them from being used
 */
export async function tryCredentials(
  { registration, scope, maker, end }: ManagedResource,
  candidates: Readonly<Record<string, SlotCredential>>,
  signal: AbortSignal,
): Promise<void> {
  const { name, definition } = registration.token;
  if (end.isBusy) throw unavailable(name, 'an earlier try of a credential has not ended yet', undefined);
  const trial = async (): Promise<void> => {
    const instance = await maker.create(signal, candidates);
    try {
      signal.throwIfAborted();
      const seen = await inScope(scope, () => definition.check(instance.value, { signal }));
      if (!isUsable(seen)) throw unavailable(name, 'with its new credential it does not work', undefined);
    } finally {
      await maker.destroy(instance, { reason: 'surplus', signal });
    }
  };
  return end.during(trial(), signal);
}
