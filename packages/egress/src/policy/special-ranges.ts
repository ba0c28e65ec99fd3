import { parseRange, type AddressRange } from './address.ts';

/** What a block of addresses is for; `global` is what the Internet routes to one machine. */
export type AddressKind =
  | 'global'
  | 'as112'
  | 'benchmarking'
  | 'broadcast'
  | 'discard'
  | 'documentation'
  | 'ipv4-compatible'
  | 'ipv4-mapped'
  | 'ipv4-translated'
  | 'link-local'
  | 'loopback'
  | 'metadata'
  | 'multicast'
  | 'nat64'
  | 'private'
  | 'protocol-assignment'
  | 'relay'
  | 'reserved'
  | 'segment-routing'
  | 'shared'
  | 'site-local'
  | 'teredo'
  | 'this-network'
  | 'unique-local'
  | 'unspecified'
  | '6to4';

/**
 * Blocks that are not for one machine on the Internet, the narrower before the wider.
 *
 * Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and what amended it), the multicast
 * registries, and the blocks that RFC 3879, RFC 4291 and RFC 3701 gave back.
 */
const blocks: readonly (readonly [range: string, kind: AddressKind])[] = [
  ['0.0.0.0/8', 'this-network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol-assignment'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'as112'],
  ['192.52.193.0/24', 'relay'],
  ['192.88.99.0/24', 'relay'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'as112'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::/96', 'ipv4-compatible'],
  ['::ffff:0:0/96', 'ipv4-mapped'],
  ['::ffff:0:0:0/96', 'ipv4-translated'],
  ['64:ff9b::/96', 'nat64'],
  ['64:ff9b:1::/48', 'nat64'],
  ['100::/64', 'discard'],
  ['2001::/32', 'teredo'],
  ['2001:2::/48', 'benchmarking'],
  ['2001::/23', 'protocol-assignment'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['2620:4f:8000::/48', 'as112'],
  ['3ffe::/16', 'reserved'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment-routing'],
  ['fc00::/7', 'unique-local'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
];

/**
 * Where machines of clouds ask for their own credentials. Some lie in blocks that are the Internet's (168.63.129.16 of
 * Azure), so that they are named one by one: AWS (EC2, DNS, ECS, EKS), Google, Azure, Alibaba, Oracle, Tencent, Scaleway.
 */
const metadataAddresses: readonly string[] = [
  '100.100.100.200',
  '168.63.129.16',
  '169.254.0.23',
  '169.254.42.42',
  '169.254.169.253',
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '192.0.0.192',
  'fd00:42::42',
  'fd00:ec2::23',
  'fd00:ec2::253',
  'fd00:ec2::254',
  'fd20:ce::254',
];

/** The special blocks, read. */
export const specialRanges: readonly { readonly range: AddressRange; readonly kind: AddressKind }[] = [
  ...metadataAddresses.map((address) => ({ range: rangeOf(address), kind: 'metadata' as const })),
  ...blocks.map(([range, kind]) => ({ range: rangeOf(range), kind })),
];

/** What is given out to the Internet of IPv6 so far. All else is reserved, and may become something else one day. */
export const globalIpv6: AddressRange = rangeOf('2000::/3');

function rangeOf(text: string): AddressRange {
  const range = parseRange(text);
  if (range === undefined) throw new Error(`${text} is no range`);
  return range;
}
