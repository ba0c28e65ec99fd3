import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A parsed IPv4 or IPv6 address. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A range of addresses: the first one and how many leading bits it shares with the others. */
export interface AddressRange {
  readonly base: Address;
  readonly prefixLength: number;
}

/**
 * Reads an address as the system's own calls print it.
 *
 * Strict on purpose: `ipaddr.js` alone also takes octal, hexadecimal and short forms, which others read differently.
 * An address with a zone (`fe80::1%eth0`) names an interface of this machine, and is none for us.
 */
export function parseAddress(text: string): Address | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  // ipaddr.js reads ::10.0.0.1 as ::ffff:10.0.0.1. Written in hexadecimal alone, there is one reading.
  const isMixed = text.includes(':') && text.includes('.');
  return ipaddr.parse(isMixed ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text);
}

/** Reads `10.0.0.0/8` or a single address; `undefined` when it is neither, or has bits set beyond its prefix. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const base = parseAddress(address);
  if (base === undefined || rest.length > 0) return undefined;
  const bits = base.toByteArray().length * 8;
  if (prefix === undefined) return { base, prefixLength: bits };
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bits) return undefined;
  const range = { base, prefixLength: Number(prefix) };
  return isBase(range) ? range : undefined;
}

/** Tells whether an address lies within a range. Addresses of the other family never do. */
export function isWithin(address: Address, { base, prefixLength }: AddressRange): boolean {
  return address.kind() === base.kind() && address.match(base, prefixLength);
}

/** The one way in which an address is written here, so that two spellings of it compare equal. */
export function formatAddress(address: Address): string {
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** The IPv4 address that four bytes mean. */
export function addressFromBytes(bytes: readonly number[]): Address {
  return new ipaddr.IPv4([...bytes]);
}

function isBase({ base, prefixLength }: AddressRange): boolean {
  return base.toByteArray().every((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixLength - index * 8));
    return (byte & (0xff >> kept)) === 0;
  });
}
