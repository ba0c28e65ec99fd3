import { codeOf, failureOf } from '@tenon/core/testing';
import { checkUrl, defineEgressPolicy, type EgressPolicyOptions } from '@tenon/egress';
import { describe, expect, it } from 'vitest';

const code = (url: string, policy: EgressPolicyOptions = {}): Promise<string> =>
  codeOf(() => checkUrl(url, defineEgressPolicy(policy)));

describe('a URL', () => {
  it.each([
    ['', 'EGRESS_URL_INVALID'],
    ['/path', 'EGRESS_URL_INVALID'],
    ['example.com', 'EGRESS_URL_INVALID'],
    ['https://', 'EGRESS_URL_INVALID'],
    ['https://user@example.com/', 'EGRESS_URL_INVALID'],
    ['https://user:pass@example.com/', 'EGRESS_URL_INVALID'],
    ['https://:pass@example.com/', 'EGRESS_URL_INVALID'],
    ['https://example.com../', 'EGRESS_URL_INVALID'],
    ['https://./', 'EGRESS_URL_INVALID'],
    ['https://a..b/', 'EGRESS_URL_INVALID'],
    ['https://exa!mple.com/', 'EGRESS_URL_INVALID'],
    [`https://${'a'.repeat(64)}.com/`, 'EGRESS_URL_INVALID'],
    [`https://${'a.'.repeat(130)}com/`, 'EGRESS_URL_INVALID'],
    [`https://example.com/${'a'.repeat(8_192)}`, 'EGRESS_URL_INVALID'],
    ['https://[fe80::1%25eth0]/', 'EGRESS_URL_INVALID'],
    ['https://999.1.1.1/', 'EGRESS_URL_INVALID'],
    ['http://example.com/', 'EGRESS_SCHEME_FORBIDDEN'],
    ['file:///etc/passwd', 'EGRESS_SCHEME_FORBIDDEN'],
    ['ftp://example.com/', 'EGRESS_SCHEME_FORBIDDEN'],
    ['gopher://127.0.0.1:6379/_x', 'EGRESS_SCHEME_FORBIDDEN'],
    ['data:text/plain,x', 'EGRESS_SCHEME_FORBIDDEN'],
    ['wss://example.com/', 'EGRESS_SCHEME_FORBIDDEN'],
    ['https://example.com:22/', 'EGRESS_PORT_FORBIDDEN'],
    ['https://example.com:8443/', 'EGRESS_PORT_FORBIDDEN'],
    ['https://example.com/', 'none'],
    ['https://example.com:80/', 'none'],
    ['HTTPS://EXAMPLE.com:443/a?b#c', 'none'],
    ['https://bücher.example/', 'none'],
    ['https://8.8.8.8/', 'none'],
    ['https://[2606:4700::1111]/', 'none'],
    ['https://localhost/', 'none'],
  ])('%s: %s', async (url, expected) => {
    expect(await code(url)).toBe(expected);
  });

  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://127.0.0.1./',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0/',
    'https://１２７.０.０.１/',
    'https://%31%32%37.0.0.1/',
    'https://127。0。0。1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00:ec2::254]/',
  ])('%s is refused, however it is spelled', async (url) => {
    expect(await code(url)).toBe('EGRESS_ADDRESS_FORBIDDEN');
  });

  it('is normalised: letters, script, final dot, fragment', () => {
    const target = checkUrl('https://BÜCHER.Example.:443/a?b=c#d', defineEgressPolicy());
    expect(target).toMatchObject({ scheme: 'https', hostname: 'xn--bcher-kva.example', port: 443, isAddress: false });
    expect(target.url.href).toBe('https://xn--bcher-kva.example/a?b=c');
    expect(checkUrl('https://[2606:4700:0::1111]/', defineEgressPolicy())).toMatchObject({
      hostname: '2606:4700::1111',
      isAddress: true,
    });
  });

  it('is refused without being quoted', async () => {
    const failure = await failureOf(() => checkUrl('https://me:canary@example.com/', defineEgressPolicy()));
    expect(JSON.stringify(failure)).not.toContain('canary');
  });
});

describe('a policy about URLs', () => {
  it('lets the schemes through that it names', async () => {
    expect(await code('http://example.com/', { schemes: ['http'] })).toBe('none');
    expect(await code('https://example.com/', { schemes: ['http'] })).toBe('EGRESS_SCHEME_FORBIDDEN');
  });

  it('lets the ports through that it names', async () => {
    expect(await code('https://example.com:8443/', { ports: [8443] })).toBe('none');
    expect(await code('https://example.com/', { ports: [8443] })).toBe('EGRESS_PORT_FORBIDDEN');
    expect(await code('https://example.com:22/', { ports: [22] })).toBe('none');
  });

  it('lets any port through but those of other protocols', async () => {
    expect(await code('https://example.com:31000/', { ports: 'any' })).toBe('none');
    expect(await code('https://example.com:25/', { ports: 'any' })).toBe('EGRESS_PORT_FORBIDDEN');
    expect(await code('https://example.com:0/', { ports: 'any' })).toBe('EGRESS_PORT_FORBIDDEN');
  });

  it.each([
    ['https://api.example.com/', 'none'],
    ['https://API.EXAMPLE.COM./', 'none'],
    ['https://a.b.hooks.example.com/', 'none'],
    ['https://hooks.example.com/', 'EGRESS_HOST_FORBIDDEN'],
    ['https://nothooks.example.com/', 'EGRESS_HOST_FORBIDDEN'],
    ['https://api.example.com.evil.example/', 'EGRESS_HOST_FORBIDDEN'],
    ['https://xn--bcher-kva.example/', 'none'],
  ])('that lists hosts: %s: %s', async (url, expected) => {
    expect(await code(url, { allow: ['api.example.com', '*.HOOKS.example.com', 'bücher.example'] })).toBe(expected);
  });

  it('that lists ranges as well leaves names to their addresses', async () => {
    expect(await code('https://other.example/', { allow: ['api.example.com', '8.8.8.0/24'] })).toBe('none');
    expect(await code('https://8.8.8.8/', { allow: ['8.8.8.0/24'] })).toBe('none');
    expect(await code('https://8.8.4.4/', { allow: ['8.8.8.0/24'] })).toBe('EGRESS_ADDRESS_FORBIDDEN');
  });

  it('refuses the hosts that it denies, allowed or not', async () => {
    const policy = { allow: ['*.example.com'], deny: ['bad.example.com', '*.worse.example.com'] };
    expect(await code('https://good.example.com/', policy)).toBe('none');
    for (const host of ['bad.example.com', 'BAD.example.com.', 'a.worse.example.com']) {
      expect(await code(`https://${host}/`, policy)).toBe('EGRESS_HOST_FORBIDDEN');
    }
    expect(await code('https://8.8.8.8/', { deny: ['8.8.8.8'] })).toBe('EGRESS_ADDRESS_FORBIDDEN');
  });

  it.each<readonly [string, EgressPolicyOptions]>([
    ['ftp', { schemes: ['ftp' as 'http'] }],
    ['0', { ports: [0] }],
    ['65536', { ports: [65_536] }],
    ['0.0.0.0/0', { allowPrivate: ['0.0.0.0/0'] }],
    ['10.0.0.0/7', { allowPrivate: ['10.0.0.0/7'] }],
    ['::/0', { allowPrivate: ['::/0'] }],
    ['c000::/2', { allowPrivate: ['c000::/2'] }],
    ['10.1.0.0/8', { allowPrivate: ['10.1.0.0/8'] }],
    ['localhost', { allowPrivate: ['localhost'] }],
    ['10.0.0.0/33', { allowPrivate: ['10.0.0.0/33'] }],
    ['*', { allow: ['*'] }],
    ['a.*.example', { allow: ['a.*.example'] }],
    ['https://example.com', { deny: ['https://example.com'] }],
    ['10.0.0.0/a', { deny: ['10.0.0.0/a'] }],
    ['0x7f.1', { deny: ['0x7f.1'] }],
    ['64:ff9b::/97', { nat64Prefixes: ['64:ff9b::/97'] }],
    ['10.0.0.0/32', { nat64Prefixes: ['10.0.0.0/32'] }],
  ])('cannot be made of %s', async (entry, policy) => {
    const failure = await failureOf(() => defineEgressPolicy(policy));
    expect(failure.code).toBe('EGRESS_OPTIONS_INVALID');
    expect(failure.message).toContain(`"${entry}"`);
  });
});
