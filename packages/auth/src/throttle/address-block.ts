import { isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * What counts as one address: an IPv4 address, also when it is written inside IPv6, or the /64 that one IPv6 subscriber
 * has. Anything else counts as its own text.
 */
export function addressBlock(ip: string): string {
  if (!isIPv6(ip)) return ip;
  // The URL parser writes all spellings of an address the same way (RFC 5952), dotted quads included.
  const host = new URL(`http://[${ip.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const mapped = MAPPED_IPV4.exec(host);
  if (mapped !== null) return [...bytesOf(mapped[1]), ...bytesOf(mapped[2])].join('.');
  const [head = '', tail] = host.split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

function groupsOf(part: string | undefined): string[] {
  return part === undefined || part === '' ? [] : part.split(':');
}

function bytesOf(group: string | undefined): [number, number] {
  const value = Number.parseInt(group ?? '0', 16);
  return [value >> 8, value & 0xff];
}
