import { isWithin, type Address } from './address.ts';
import { globalIpv6, specialRanges, type AddressKind } from './special-ranges.ts';

/** Says what kind of block an address lies in, by the narrowest one that is known. */
export function classifyAddress(address: Address): AddressKind {
  const special = specialRanges.find(({ range }) => isWithin(address, range));
  if (special !== undefined) return special.kind;
  return address.kind() === 'ipv4' || isWithin(address, globalIpv6) ? 'global' : 'reserved';
}
