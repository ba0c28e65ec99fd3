import type { SlotCredential } from '../credentials/credential-slots.ts';
import type { HealthStatus } from '../health/health-status.ts';
import { inScope } from '../scope/in-scope.ts';
import type { ManagedResource } from './managed-resource.ts';
import { unavailable } from './refusal.ts';

/**
 * Makes an instance apart from the pool, looks at it, and ends it. It is one more than the pool may have, and there is one at a time: a
 * second one is refused as long as the first hangs.
 *
 * @param options - `candidates`: credentials to try in the place of those in the slots; `onMade`: hears that there is an instance
 * @throws what keeps it from being made or looked at
 */
export async function tryInstance(
  { registration, scope, maker, end }: ManagedResource,
  signal: AbortSignal,
  options: { readonly candidates?: Readonly<Record<string, SlotCredential>>; readonly onMade?: () => void } = {},
): Promise<HealthStatus> {
  const { name, definition } = registration.token;
  if (end.isBusy) throw unavailable(name, 'an earlier try to make an instance has not ended yet', undefined);
  const trial = async (): Promise<HealthStatus> => {
    const instance = await maker.create(signal, options.candidates);
    options.onMade?.();
    try {
      signal.throwIfAborted();
      return await inScope(scope, () => definition.check(instance.value, { signal }));
    } finally {
      await maker.destroy(instance, { reason: 'surplus', signal });
    }
  };
  return end.during(trial(), signal);
}
