/** How far the clocks of issuer and verifier may differ, in milliseconds. */
export const CLOCK_SKEW_MS = 30_000;

/** What a verified access token says. */
export interface AccessClaims {
  /** Who: `sub`. */
  readonly accountId: string;
  /** The session that it belongs to: `sid`. */
  readonly sessionId: string;
  /** The token's own id: `jti`. */
  readonly tokenId: string;
  /** The tenant that it works in; undefined when the account belongs to none. */
  readonly tenant: string | undefined;
  /** The tenants that a request may choose among; contains {@link AccessClaims.tenant}. At most 64. */
  readonly tenants: readonly string[];
  /** What it allows in {@link AccessClaims.tenant}, for example `orders:write`. */
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly issuedAtMs: number;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** A public key that access tokens can be checked with (RFC 8037). */
export interface PublicSigningKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly alg: 'EdDSA';
  readonly use: 'sig';
  readonly kid: string;
  readonly x: string;
}

/** The keys that valid access tokens may be signed with (RFC 7517). */
export interface PublicSigningKeys {
  readonly keys: readonly PublicSigningKey[];
}
