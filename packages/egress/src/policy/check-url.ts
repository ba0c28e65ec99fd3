import { isIP } from 'node:net';
import { egressError } from '../errors.ts';
import { badPorts } from './bad-ports.ts';
import { checkAddress } from './check-address.ts';
import type { EgressPolicy, EgressScheme } from './egress-policy.ts';
import { isHostName, matchesHost, withoutFinalDot } from './host-pattern.ts';

/** Where a URL leads, with all said that can be said before its name is resolved. */
export interface EgressTarget {
  /** Normalised: lower case, punycode, no final dot, no fragment. */
  readonly url: URL;
  readonly scheme: EgressScheme;
  /** A name, or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Whether `hostname` is an address, which has passed the policy already. */
  readonly isAddress: boolean;
}

const LONGEST_URL = 8_192;
const defaultPorts: Readonly<Record<EgressScheme, number>> = { http: 80, https: 443 };

/**
 * Checks a URL that a user chose, as far as that goes without asking DNS: use it when the URL is stored. What its name leads
 * to is checked at every request.
 *
 * @param url - absolute. Odd spellings of IPv4 (decimal, octal, hexadecimal, short) are read as browsers read them
 * @throws `EGRESS_URL_INVALID`, `EGRESS_SCHEME_FORBIDDEN`, `EGRESS_PORT_FORBIDDEN`, `EGRESS_HOST_FORBIDDEN`, or
 *   `EGRESS_ADDRESS_FORBIDDEN` when its host is an address that the policy refuses
 * @example
 * ```ts
 * checkUrl('https://0x7f.1/', defineEgressPolicy()); // throws EGRESS_ADDRESS_FORBIDDEN
 * ```
 */
export function checkUrl(url: string | URL, policy: EgressPolicy): EgressTarget {
  const parsed = parse(url);
  const scheme = schemeOf(parsed, policy);
  const host = parsed.hostname;
  const hostname = host.startsWith('[') ? host.slice(1, -1) : host;
  const port = portOf(parsed, scheme, policy);
  const isAddress = isIP(hostname) !== 0;
  if (!isAddress && !isHostName(hostname)) {
    throw egressError('EGRESS_URL_INVALID', 'the URL names no host that DNS could know');
  }
  checkHost(hostname, isAddress, policy);
  return { url: parsed, scheme, hostname, port, isAddress };
}

function parse(url: string | URL): URL {
  const text = typeof url === 'string' ? url : url.href;
  if (text.length > LONGEST_URL) {
    throw egressError('EGRESS_URL_INVALID', `the URL is longer than ${LONGEST_URL} characters`);
  }
  if (!URL.canParse(text)) throw egressError('EGRESS_URL_INVALID', 'the URL is not absolute, or is malformed');
  const parsed = new URL(text);
  if (parsed.username !== '' || parsed.password !== '') {
    throw egressError('EGRESS_URL_INVALID', 'the URL holds a user name or password; send credentials in a header');
  }
  parsed.hash = '';
  parsed.hostname = withoutFinalDot(parsed.hostname);
  return parsed;
}

function schemeOf(url: URL, { schemes }: EgressPolicy): EgressScheme {
  const scheme = url.protocol.slice(0, -1);
  const allowed = [...schemes].find((one) => one === scheme);
  if (allowed === undefined) {
    throw egressError('EGRESS_SCHEME_FORBIDDEN', `addresses with "${scheme}:" are not allowed here`, {
      details: { scheme, allowed: [...schemes] },
    });
  }
  return allowed;
}

function portOf(url: URL, scheme: EgressScheme, { ports }: EgressPolicy): number {
  const port = url.port === '' ? defaultPorts[scheme] : Number(url.port);
  if (ports === 'any' ? badPorts.has(port) : !ports.has(port)) {
    throw egressError('EGRESS_PORT_FORBIDDEN', `port ${port} is not allowed here`, { details: { port } });
  }
  return port;
}

function checkHost(hostname: string, isAddress: boolean, policy: EgressPolicy): void {
  if (isAddress) {
    if (!checkAddress(hostname, policy).allowed) throw addressForbidden(hostname);
    return;
  }
  const { allow, deny } = policy;
  const isNamed = allow === undefined || allow.names.some((name) => matchesHost(hostname, name));
  // With ranges in the list, only the addresses behind the name can tell.
  const mayBeAllowed = isNamed || (allow?.ranges.length ?? 0) > 0;
  if (!mayBeAllowed || deny.names.some((name) => matchesHost(hostname, name))) {
    throw egressError('EGRESS_HOST_FORBIDDEN', `the host "${hostname}" is not allowed here`, {
      details: { host: hostname },
    });
  }
}

/** The refusal of what a host leads to. It says neither the address nor the reason: both would map the network inside. */
export function addressForbidden(hostname: string): Error {
  return egressError('EGRESS_ADDRESS_FORBIDDEN', `the host "${hostname}" may not be reached from here`, {
    details: { host: hostname, mayHaveBeenSent: false },
  });
}
