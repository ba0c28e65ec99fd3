import { checkAddress, defineEgressPolicy, type AddressVerdict } from '@tenon/egress';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';

const strict = defineEgressPolicy();
const reasonOf = (verdict: AddressVerdict): string => (verdict.allowed ? 'allowed' : verdict.reason);
const check = (address: string): string => reasonOf(checkAddress(address, strict));

const table: readonly (readonly [address: string, outcome: string])[] = [
  ['1.1.1.1', 'allowed'],
  ['8.8.8.8', 'allowed'],
  ['9.255.255.255', 'allowed'],
  ['11.0.0.0', 'allowed'],
  ['93.184.215.14', 'allowed'],
  ['100.63.255.255', 'allowed'],
  ['100.128.0.0', 'allowed'],
  ['126.255.255.255', 'allowed'],
  ['128.0.0.0', 'allowed'],
  ['168.63.129.15', 'allowed'],
  ['169.253.255.255', 'allowed'],
  ['169.255.0.0', 'allowed'],
  ['172.15.255.255', 'allowed'],
  ['172.32.0.0', 'allowed'],
  ['192.167.255.255', 'allowed'],
  ['192.169.0.0', 'allowed'],
  ['198.17.255.255', 'allowed'],
  ['198.20.0.0', 'allowed'],
  ['223.255.255.255', 'allowed'],
  ['0.0.0.0', 'this-network'],
  ['0.1.2.3', 'this-network'],
  ['0.255.255.255', 'this-network'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['100.64.0.0', 'shared'],
  ['100.127.255.255', 'shared'],
  ['100.100.100.200', 'metadata'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['168.63.129.16', 'metadata'],
  ['169.254.0.1', 'link-local'],
  ['169.254.255.255', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['169.254.169.253', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['169.254.170.23', 'metadata'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.1', 'protocol-assignment'],
  ['192.0.0.192', 'metadata'],
  ['192.0.2.1', 'documentation'],
  ['192.31.196.1', 'as112'],
  ['192.52.193.1', 'relay'],
  ['192.88.99.1', 'relay'],
  ['192.168.0.0', 'private'],
  ['192.168.255.255', 'private'],
  ['192.175.48.6', 'as112'],
  ['198.18.0.0', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['198.51.100.7', 'documentation'],
  ['203.0.113.9', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.254', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['2606:4700:4700::1111', 'allowed'],
  ['2a00:1450:4001:82b::200e', 'allowed'],
  ['2001:4860:4860::8888', 'allowed'],
  ['2003::1', 'allowed'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::2', 'ipv4-compatible'],
  ['::127.0.0.1', 'ipv4-compatible'],
  ['::8.8.8.8', 'ipv4-compatible'],
  ['::ffff:127.0.0.1', 'ipv4-mapped'],
  ['::ffff:8.8.8.8', 'ipv4-mapped'],
  ['::ffff:a9fe:a9fe', 'ipv4-mapped'],
  ['0:0:0:0:0:ffff:7f00:1', 'ipv4-mapped'],
  ['::ffff:0:10.0.0.1', 'ipv4-translated'],
  ['64:ff9b::10.0.0.1', 'nat64'],
  ['64:ff9b::8.8.8.8', 'nat64'],
  ['64:ff9b:1::1', 'nat64'],
  ['64:ff9b:1:ffff::10.0.0.1', 'nat64'],
  ['100::1', 'discard'],
  ['1000::1', 'reserved'],
  ['2001::1', 'teredo'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'teredo'],
  ['2001:2::1', 'benchmarking'],
  ['2001:10::1', 'protocol-assignment'],
  ['2001:20::1', 'protocol-assignment'],
  ['2001:1ff:ffff::1', 'protocol-assignment'],
  ['2001:200::1', 'allowed'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::', '6to4'],
  ['2002:808:808::1', '6to4'],
  ['2620:4f:8000::1', 'as112'],
  ['3ffe::1', 'reserved'],
  ['3fff::1', 'documentation'],
  ['4000::1', 'reserved'],
  ['5f00::1', 'segment-routing'],
  ['fbff::1', 'reserved'],
  ['fc00::1', 'unique-local'],
  ['fd12:3456::1', 'unique-local'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:ec2::23', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['fe80::1', 'link-local'],
  ['febf:ffff::1', 'link-local'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  // ISATAP: the prefix is the Internet's, the machine behind it is not.
  ['2606:4700::5efe:10.0.0.1', 'embedded'],
  ['2606:4700::200:5efe:169.254.169.254', 'embedded'],
  ['2606:4700::5efe:8.8.8.8', 'allowed'],
  // What is no address as the system writes one.
  ['', 'malformed'],
  ['localhost', 'malformed'],
  ['127.1', 'malformed'],
  ['2130706433', 'malformed'],
  ['0x7f.0.0.1', 'malformed'],
  ['0177.0.0.1', 'malformed'],
  ['8.8.8.08', 'malformed'],
  ['8.8.8.8/32', 'malformed'],
  ['[::1]', 'malformed'],
  ['fe80::1%eth0', 'malformed'],
  ['2606:4700::1%1', 'malformed'],
  [' 8.8.8.8', 'malformed'],
  ['8.8.8.8\n', 'malformed'],
];

describe('an address', () => {
  it.each(table)('%s is %s', (address, outcome) => {
    expect(check(address)).toBe(outcome);
  });

  it('that is allowed is spelled in one way, whichever it came in', () => {
    expect(checkAddress('2606:4700:4700:0000:0:0:0:1111', strict)).toEqual({
      allowed: true,
      address: '2606:4700:4700::1111',
    });
  });
});

/** Any 32 bits, and more often than by chance those that lead inside. */
const octets = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [...bytes]),
  fc
    .constantFrom([10], [127], [169, 254], [172, 16], [192, 168], [100, 64], [0], [224])
    .chain((head) =>
      fc.uint8Array({ minLength: 4 - head.length, maxLength: 4 - head.length }).map((rest) => [...head, ...rest]),
    ),
);
const v4 = (bytes: readonly number[]): string => bytes.join('.');
const v6 = (bytes: readonly number[]): string => new ipaddr.IPv6([...bytes]).toString();
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const isInternet = (address: string): boolean => ipaddr.parse(address).range() === 'unicast';

const embeddings: readonly (readonly [name: string, embed: (bytes: readonly number[]) => number[]])[] = [
  ['mapped', (bytes) => [...zeros(10), 0xff, 0xff, ...bytes]],
  ['compatible', (bytes) => [...zeros(12), ...bytes]],
  ['translated', (bytes) => [...zeros(8), 0xff, 0xff, 0, 0, ...bytes]],
  ['NAT64', (bytes) => [0, 0x64, 0xff, 0x9b, ...zeros(8), ...bytes]],
  ['local NAT64', (bytes) => [0, 0x64, 0xff, 0x9b, 0, 1, ...zeros(6), ...bytes]],
  ['6to4', (bytes) => [0x20, 0x02, ...bytes, ...zeros(10)]],
  ['Teredo server', (bytes) => [0x20, 0x01, 0, 0, ...bytes, ...zeros(4), 0xf7, 0xf7, 0xf7, 0xf7]],
  ['Teredo client', (bytes) => [0x20, 0x01, 0, 0, 8, 8, 8, 8, ...zeros(4), ...bytes.map((byte) => byte ^ 0xff)]],
];

describe('any address', () => {
  it('of IPv4 that another list calls special is refused', () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        expect(isInternet(v4(bytes)) || check(v4(bytes)) !== 'allowed').toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of IPv6 that another list calls special is refused, and so is all outside of 2000::/3', () => {
    const random = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(random, (bytes) => {
        const address = v6([...bytes]);
        const isGlobal = isInternet(address) && ((bytes[0] ?? 0) & 0xe0) === 0x20;
        expect(isGlobal || check(address) !== 'allowed').toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(embeddings)('that carries an IPv4 address as %s is refused', (_name, embed) => {
    fc.assert(
      fc.property(octets, (bytes) => {
        expect(check(v6(embed(bytes)))).not.toBe('allowed');
      }),
    );
  });

  it.each(embeddings)(
    'as %s stays refused where its form is opened, unless what it carries is open',
    (_name, embed) => {
      const forms = [
        '::ffff:0:0/96',
        '::ffff:0:0:0/96',
        '::/96',
        '64:ff9b::/96',
        '64:ff9b:1::/48',
        '2002::/16',
        '2001::/32',
      ];
      const opened = defineEgressPolicy({ allowPrivate: forms });
      fc.assert(
        fc.property(octets, (bytes) => {
          const verdict = reasonOf(checkAddress(v6(embed(bytes)), opened));
          expect(isInternet(v4(bytes)) || verdict !== 'allowed').toBe(true);
        }),
      );
    },
  );

  it('of ISATAP is what it carries, under every prefix', () => {
    fc.assert(
      fc.property(
        octets,
        fc.uint8Array({ minLength: 7, maxLength: 7 }),
        fc.constantFrom(0, 2),
        (bytes, prefix, bit) => {
          const address = v6([0x2a, ...prefix, bit, 0, 0x5e, 0xfe, ...bytes]);
          expect(check(address)).toBe(check(v4(bytes)) === 'allowed' ? 'allowed' : 'embedded');
        },
      ),
    );
  });

  it.each([32, 40, 48, 56, 64, 96])('behind a translator of /%d is what it carries', (length) => {
    const policy = defineEgressPolicy({ nat64Prefixes: [`2a00:100::/${length}`] });
    fc.assert(
      fc.property(octets, (bytes) => {
        const prefix = [0x2a, 0, 1, 0, ...zeros(length / 8 - 4)];
        const body = [...prefix, ...bytes];
        // RFC 6052, section 2.2: bits 64 to 71 are zero and no part of the address.
        const whole =
          length === 96 ? body : [...body.slice(0, 8), ...(length === 64 ? [0, ...bytes] : [0, ...body.slice(8)])];
        const address = v6([...whole, ...zeros(16 - whole.length)]);
        expect(checkAddress(address, policy).allowed).toBe(check(v4(bytes)) === 'allowed');
      }),
    );
  });
});

describe('a policy about addresses', () => {
  const verdict = (address: string, policy: Parameters<typeof defineEgressPolicy>[0], host?: string): string =>
    reasonOf(checkAddress(address, defineEgressPolicy(policy), host));

  it('opens the private ranges that it names, and no others', () => {
    const policy = { allowPrivate: ['10.20.0.0/16', 'fd12::/16'] };
    expect(verdict('10.20.255.255', policy)).toBe('allowed');
    expect(verdict('10.21.0.0', policy)).toBe('private');
    expect(verdict('fd12::1', policy)).toBe('allowed');
    expect(verdict('fd13::1', policy)).toBe('unique-local');
    expect(verdict('::ffff:10.20.0.1', policy)).toBe('ipv4-mapped');
  });

  it('opens a metadata service only when that very address is named', () => {
    expect(verdict('169.254.169.254', { allowPrivate: ['169.254.0.0/16'] })).toBe('metadata');
    expect(verdict('169.254.1.1', { allowPrivate: ['169.254.0.0/16'] })).toBe('allowed');
    expect(verdict('169.254.169.254', { allowPrivate: ['169.254.169.254/32'] })).toBe('allowed');
    expect(verdict('fd00:ec2::254', { allowPrivate: ['fc00::/7'] })).toBe('metadata');
  });

  it('refuses what it denies, also inside of other addresses and of what it opens', () => {
    const policy = {
      deny: ['8.8.8.0/24', '10.1.0.0/16'],
      allowPrivate: ['10.0.0.0/8'],
      nat64Prefixes: ['64:ff9b::/96'],
    };
    expect(verdict('8.8.8.8', policy)).toBe('denied');
    expect(verdict('8.8.9.8', policy)).toBe('allowed');
    expect(verdict('10.1.2.3', policy)).toBe('denied');
    expect(verdict('10.2.2.3', policy)).toBe('allowed');
    expect(verdict('64:ff9b::8.8.8.8', policy)).toBe('embedded');
    expect(verdict('64:ff9b::8.8.9.8', policy)).toBe('allowed');
    expect(verdict('64:ff9b::127.0.0.1', policy)).toBe('embedded');
  });

  it('that lists what is allowed lets nothing else through, and opens nothing inside', () => {
    const policy = { allow: ['8.8.8.0/24', '10.0.0.0/8', '*.example.com'] };
    expect(verdict('8.8.8.8', policy)).toBe('allowed');
    expect(verdict('1.1.1.1', policy)).toBe('not-allowed');
    expect(verdict('1.1.1.1', policy, 'api.example.com')).toBe('allowed');
    expect(verdict('1.1.1.1', policy, 'example.com')).toBe('not-allowed');
    expect(verdict('10.0.0.1', policy)).toBe('private');
    expect(verdict('10.0.0.1', policy, 'api.example.com')).toBe('private');
  });
});
