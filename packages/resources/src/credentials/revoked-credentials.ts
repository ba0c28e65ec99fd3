/** The credentials that were withdrawn, so that no reader that lags behind brings one back. */
export interface RevokedCredentials {
  /** @param version - this one and all before it */
  add(place: CredentialPlace, version: number): void;
  has(place: CredentialPlace, version: number): boolean;
}

/** Where a credential lies among all. */
export interface CredentialPlace {
  readonly tenant: string | undefined;
  readonly scope: string | undefined;
  readonly id: string;
}

const MAX_REVOKED = 10_000;

const keyOf = ({ tenant = '', scope = '', id }: CredentialPlace): string => JSON.stringify([tenant, scope, id]);

/** Remembers the last 10,000. */
export function createRevokedCredentials(): RevokedCredentials {
  const versions = new Map<string, number>();
  return {
    add(place, version) {
      const key = keyOf(place);
      const known = versions.get(key) ?? 0;
      versions.delete(key);
      for (const oldest of versions.keys()) {
        if (versions.size < MAX_REVOKED) break;
        versions.delete(oldest);
      }
      versions.set(key, Math.max(known, version));
    },
    has: (place, version) => version <= (versions.get(keyOf(place)) ?? 0),
  };
}
