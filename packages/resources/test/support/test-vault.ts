import { currentContext, Secret } from '@tenon/core';
import type { CredentialReader, SlotCredential } from '@tenon/resources';

/** A vault that keeps plain secrets, and does what a test wants. */
export interface TestVault extends CredentialReader {
  /** Stores a credential of a tenant, or of none: the version after the last one, unless the test says which. */
  put(
    tenant: string | undefined,
    id: string,
    secret: string,
    more?: Partial<Pick<SlotCredential, 'kind' | 'version' | 'expiresAt'>>,
  ): void;
  delete(tenant: string | undefined, id: string): void;
  /** Before each read. */
  before: () => Promise<void> | void;
  /** Who has read what. */
  readonly reads: { readonly tenant: string | undefined; readonly id: string; readonly scope: string | undefined }[];
}

export function createTestVault(): TestVault {
  const held = new Map<string, SlotCredential>();
  const keyOf = (tenant: string | undefined, id: string): string => JSON.stringify([tenant ?? null, id]);
  const vault: TestVault = {
    put(tenant, id, secret, { kind = 'basic', version, expiresAt } = {}) {
      const key = keyOf(tenant, id);
      held.set(key, {
        kind,
        version: version ?? (held.get(key)?.version ?? 0) + 1,
        secret: new Secret(secret),
        value: { username: 'app' },
        expiresAt,
      });
    },
    delete: (tenant, id) => void held.delete(keyOf(tenant, id)),
    before: () => undefined,
    reads: [],
    async retrieve({ id, scope }) {
      const tenant = currentContext()?.tenant;
      vault.reads.push({ tenant, id, scope });
      const found = held.get(keyOf(tenant, id));
      await vault.before();
      return found;
    },
  };
  return vault;
}
