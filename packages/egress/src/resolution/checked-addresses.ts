import type { Logger } from '@tenon/core';
import { checkAddress } from '../policy/check-address.ts';
import { addressForbidden, type EgressTarget } from '../policy/check-url.ts';
import type { EgressPolicy } from '../policy/egress-policy.ts';
import type { NameCache } from './name-cache.ts';

/** What {@link resolveChecked} needs. */
export interface CheckedResolution {
  readonly names: NameCache;
  readonly policy: EgressPolicy;
  readonly logger: Logger;
}

/**
 * Resolves a target to addresses of which each one has passed the policy, in the order in which to try them.
 *
 * One forbidden address refuses the whole name: a name that leads outside and inside at once is either an attack or a mistake,
 * and which of its addresses answers must not decide.
 *
 * @throws `EGRESS_ADDRESS_FORBIDDEN`, and what {@link NameCache.resolve} throws
 */
export async function resolveChecked(target: EgressTarget, parts: CheckedResolution): Promise<readonly string[]> {
  const { hostname, isAddress } = target;
  const found = isAddress ? [hostname] : await parts.names.resolve(hostname);
  const checked = new Set<string>();
  for (const address of found) {
    const verdict = checkAddress(address, parts.policy, hostname);
    if (!verdict.allowed) {
      const { reason } = verdict;
      parts.logger.warn({ host: hostname, address, reason }, 'a host leads to a forbidden address');
      throw addressForbidden(hostname);
    }
    checked.add(verdict.address);
  }
  return interleaved([...checked]);
}

/** Alternates between the families, beginning with that of the first address (RFC 8305, section 4). */
function interleaved(addresses: readonly string[]): readonly string[] {
  const isFirstFamily = (address: string): boolean => address.includes(':') === addresses[0]?.includes(':');
  const first = addresses.filter(isFirstFamily);
  const second = addresses.filter((address) => !isFirstFamily(address));
  return first
    .flatMap((address, index) => [address, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length));
}
