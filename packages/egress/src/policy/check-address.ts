import { formatAddress, isWithin, parseAddress, type Address, type AddressRange } from './address.ts';
import { classifyAddress } from './classify-address.ts';
import type { EgressPolicy } from './egress-policy.ts';
import { embeddedAddresses } from './embedded-addresses.ts';
import { matchesHost } from './host-pattern.ts';
import type { AddressKind } from './special-ranges.ts';

/** Why an address is refused: what it is for, or which rule of the policy it meets. */
export type AddressRefusal = Exclude<AddressKind, 'global'> | 'denied' | 'embedded' | 'malformed' | 'not-allowed';

/**
 * Whether an address may be reached. An allowed one is spelled in the one way in which it is compared.
 *
 * The reason is for logs: told to the user who chose the address, it maps the network for them.
 */
export type AddressVerdict =
  | { readonly allowed: true; readonly address: string }
  | { readonly allowed: false; readonly reason: AddressRefusal };

/**
 * Checks one address against a policy. What an IPv6 address carries of IPv4 is checked by the same policy.
 *
 * @param address - as `dns.lookup` and `socket.remoteAddress` write it; any other spelling is `malformed`
 * @param hostname - the name that led to it, which may stand in the policy's `allow`
 * @example
 * ```ts
 * checkAddress('::ffff:169.254.169.254', defineEgressPolicy()); // { allowed: false, reason: 'ipv4-mapped' }
 * ```
 */
export function checkAddress(address: string, policy: EgressPolicy, hostname?: string): AddressVerdict {
  const parsed = parseAddress(address);
  if (parsed === undefined) return { allowed: false, reason: 'malformed' };
  const reason = refusalOf(parsed, policy) ?? refusalByList(parsed, policy, hostname);
  return reason === undefined ? { allowed: true, address: formatAddress(parsed) } : { allowed: false, reason };
}

function refusalOf(address: Address, policy: EgressPolicy): AddressRefusal | undefined {
  if (isInOneOf(address, policy.deny.ranges)) return 'denied';
  const kind = classifyAddress(address);
  if (kind !== 'global' && !isOpened(address, kind, policy)) return kind;
  const embedded = embeddedAddresses(address, policy.nat64Prefixes);
  return embedded.some((one) => refusalOf(one, policy) !== undefined) ? 'embedded' : undefined;
}

function isOpened(address: Address, kind: AddressKind, { allowPrivate, nat64Prefixes }: EgressPolicy): boolean {
  const bits = address.toByteArray().length * 8;
  // A wide range that happens to hold a metadata service was not meant to open it.
  const ranges = kind === 'metadata' ? allowPrivate.filter((range) => range.prefixLength === bits) : allowPrivate;
  return isInOneOf(address, ranges) || (kind !== 'metadata' && isInOneOf(address, nat64Prefixes));
}

function refusalByList(address: Address, { allow }: EgressPolicy, hostname?: string): AddressRefusal | undefined {
  if (allow === undefined || isInOneOf(address, allow.ranges)) return undefined;
  const isNamed = hostname !== undefined && allow.names.some((name) => matchesHost(hostname, name));
  return isNamed ? undefined : 'not-allowed';
}

function isInOneOf(address: Address, ranges: readonly AddressRange[]): boolean {
  return ranges.some((range) => isWithin(address, range));
}
