import { egressError, type EgressError } from '../errors.ts';
import { parseRange, type AddressRange } from './address.ts';
import type { DestinationList, EgressPolicy, EgressPolicyOptions } from './egress-policy.ts';
import { translatorPrefixLengths } from './embedded-addresses.ts';
import { parseHostPattern } from './host-pattern.ts';

const widest = { ipv4: 8, ipv6: 7 } as const;

/**
 * Reads a policy: which addresses that a user chose may be reached.
 *
 * @param options - default: https to ports 80 and 443 of every address of the Internet, and to nothing inside
 * @throws `EGRESS_OPTIONS_INVALID` when an entry is not what it should be; it names the entry
 * @example
 * ```ts
 * const policy = defineEgressPolicy({ deny: ['*.competitor.example'], allowPrivate: ['10.20.0.0/16'] });
 * checkAddress('10.20.0.7', policy); // { allowed: true, address: '10.20.0.7' }
 * ```
 */
export function defineEgressPolicy(options: EgressPolicyOptions = {}): EgressPolicy {
  return Object.freeze({
    schemes: new Set(schemesOf(options)),
    ports: portsOf(options),
    allow: options.allow === undefined ? undefined : listOf('allow', options.allow),
    deny: listOf('deny', options.deny ?? []),
    allowPrivate: (options.allowPrivate ?? []).map(privateRange),
    nat64Prefixes: (options.nat64Prefixes ?? []).map(translatorPrefix),
  });
}

function schemesOf({ schemes = ['https'] }: EgressPolicyOptions): NonNullable<EgressPolicyOptions['schemes']> {
  for (const scheme of schemes) {
    if (scheme !== 'http' && scheme !== 'https') throw invalid('schemes', scheme, 'is not "http" or "https"');
  }
  return schemes;
}

function portsOf({ ports = [80, 443] }: EgressPolicyOptions): EgressPolicy['ports'] {
  if (ports === 'any') return ports;
  for (const port of ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('ports', port, 'is not 1 to 65535');
  }
  return new Set(ports);
}

function listOf(option: string, entries: readonly string[]): DestinationList {
  const parsed = entries.map((entry) => {
    const found = parseRange(entry) ?? parseHostPattern(entry);
    if (found === undefined) {
      throw invalid(option, entry, 'is no host name, no name below "*." and no range such as "192.0.2.0/24"');
    }
    return found;
  });
  return {
    names: parsed.filter((one) => 'name' in one),
    ranges: parsed.filter((one) => 'base' in one),
  };
}

function privateRange(entry: string): AddressRange {
  const range = parseRange(entry);
  if (range === undefined) throw invalid('allowPrivate', entry, 'is no range such as "10.0.0.0/8"');
  const limit = widest[range.base.kind()];
  if (range.prefixLength < limit) {
    throw invalid('allowPrivate', entry, `is wider than /${limit}: name the networks that are meant`);
  }
  return range;
}

function translatorPrefix(entry: string): AddressRange {
  const range = parseRange(entry);
  if (range?.base.kind() !== 'ipv6' || !translatorPrefixLengths.includes(range.prefixLength)) {
    throw invalid('nat64Prefixes', entry, 'is no IPv6 prefix of /32, /40, /48, /56, /64 or /96');
  }
  return range;
}

function invalid(option: string, entry: string | number, problem: string): EgressError {
  return egressError('EGRESS_OPTIONS_INVALID', `the entry "${entry}" in ${option} of the egress policy ${problem}`, {
    details: { option, entry },
  });
}
