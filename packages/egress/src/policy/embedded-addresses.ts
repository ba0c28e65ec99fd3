import { addressFromBytes, isWithin, type Address, type AddressRange } from './address.ts';
import { classifyAddress } from './classify-address.ts';
import type { AddressKind } from './special-ranges.ts';

/** Lengths that a prefix of a translator may have (RFC 6052, section 2.2). */
export const translatorPrefixLengths: readonly number[] = [32, 40, 48, 56, 64, 96];

const endsInIpv4: ReadonlySet<AddressKind> = new Set(['ipv4-mapped', 'ipv4-compatible', 'ipv4-translated']);

/**
 * The IPv4 addresses that an IPv6 address carries, to which some router, tunnel or translator may deliver what is sent to it.
 *
 * Sources: RFC 4291 2.5.5 (mapped, compatible), RFC 2765 (translated), RFC 6052 (NAT64), RFC 8215 (local NAT64), RFC 3056
 * (6to4), RFC 4380 (Teredo: its server, and the client with all bits turned over), RFC 5214 (ISATAP).
 *
 * @param translators - NAT64 prefixes of the network besides the well-known one; when the address lies in one of them, its
 *   length says where the IPv4 address stands
 */
export function embeddedAddresses(address: Address, translators: readonly AddressRange[]): readonly Address[] {
  if (address.kind() === 'ipv4') return [];
  const bytes = address.toByteArray();
  const last = bytes.slice(12);
  const translator = translators.find((range) => isWithin(address, range));
  if (translator !== undefined) return [translated(bytes, translator.prefixLength)];
  const kind = classifyAddress(address);
  if (kind === '6to4') return [addressFromBytes(bytes.slice(2, 6)), ...isatap(bytes)];
  if (kind === 'teredo') {
    return [addressFromBytes(bytes.slice(4, 8)), addressFromBytes(last.map((byte) => byte ^ 0xff))];
  }
  if (kind === 'nat64') {
    // Within the local block each network chooses a length. Without knowing it, both of the likely places are checked.
    const isLocal = bytes[5] === 1;
    return [addressFromBytes(last), ...(isLocal ? [translated(bytes, 48)] : [])];
  }
  return endsInIpv4.has(kind) ? [addressFromBytes(last)] : isatap(bytes);
}

/** Takes 32 bits from behind the prefix; bits 64 to 71 are no part of it. */
function translated(bytes: readonly number[], prefixLength: number): Address {
  const start = prefixLength / 8;
  const rest = start > 8 ? bytes.slice(start) : [...bytes.slice(start, 8), ...bytes.slice(9)];
  return addressFromBytes(rest.slice(0, 4));
}

/** The interface identifier `0000:5efe` or `0200:5efe` followed by an IPv4 address, behind whatever prefix. */
function isatap(bytes: readonly number[]): readonly Address[] {
  const [universal, zero, high, low] = bytes.slice(8, 12);
  const isIsatap = (universal === 0 || universal === 2) && zero === 0 && high === 0x5e && low === 0xfe;
  return isIsatap ? [addressFromBytes(bytes.slice(12))] : [];
}
