import type { AddressRange } from './address.ts';
import type { HostPattern } from './host-pattern.ts';

/** A scheme that egress speaks. */
export type EgressScheme = 'http' | 'https';

/** What {@link defineEgressPolicy} takes. The empty policy is the strict one. */
export interface EgressPolicyOptions {
  /** Schemes of the addresses that users may choose. Default: `['https']`. */
  readonly schemes?: readonly EgressScheme[];
  /**
   * Ports, 1 to 65535. Default: `[80, 443]`. `'any'` is every port but those that browsers refuse to speak HTTP to, such as
   * 25 (mail); name such a port to allow it.
   */
  readonly ports?: readonly number[] | 'any';
  /**
   * When given, nothing else is reached: host names (`api.example.com`), all names below one (`*.example.com`), and ranges
   * (`8.8.8.0/24`). It opens nothing that is inside: see {@link EgressPolicyOptions.allowPrivate}. Default: everything.
   */
  readonly allow?: readonly string[];
  /** Never reached, whatever else allows it; written as in `allow`. Default: nothing. */
  readonly deny?: readonly string[];
  /**
   * Ranges that may be reached although they are not the Internet's, for intranets and tests: `['127.0.0.0/8']`. No wider
   * than /8, or /7 in IPv6. Metadata services of clouds stay closed unless the address itself is listed (`169.254.169.254/32`).
   * Default: none.
   */
  readonly allowPrivate?: readonly string[];
  /**
   * Prefixes with which translators of your network write IPv4 in IPv6 (RFC 6052: /32, /40, /48, /56, /64 or /96), for example
   * `['64:ff9b::/96']` where there is DNS64. Addresses behind them are reached when the IPv4 address within may be.
   * Default: none, so that the well-known prefix is refused.
   */
  readonly nat64Prefixes?: readonly string[];
}

/** Names and ranges of a list, read. */
export interface DestinationList {
  readonly names: readonly HostPattern[];
  readonly ranges: readonly AddressRange[];
}

/** Which addresses may be reached, checked and read once. Made by {@link defineEgressPolicy}. */
export interface EgressPolicy {
  readonly schemes: ReadonlySet<EgressScheme>;
  readonly ports: ReadonlySet<number> | 'any';
  readonly allow: DestinationList | undefined;
  readonly deny: DestinationList;
  readonly allowPrivate: readonly AddressRange[];
  readonly nat64Prefixes: readonly AddressRange[];
}
