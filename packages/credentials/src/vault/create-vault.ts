import { credentialError } from '../errors.ts';
import { keyText } from '../identity/credential-key.ts';
import { assertScope } from '../identity/scope.ts';
import { rotateDue } from '../rotation/run-rotator.ts';
import { reseal } from '../reseal/reseal.ts';
import { openParts, type VaultConfig } from './open-parts.ts';
import { createView } from './create-view.ts';
import type { CredentialVault } from './credential-vault.ts';
import { resolveKey } from './resolve-key.ts';
import { tenantOf } from './vault-parts.ts';

/** Makes the vault. */
export function createVault(config: VaultConfig): CredentialVault {
  const open = openParts(config);
  const { parts } = open;
  const { cache, sources } = parts;
  return Object.freeze<CredentialVault>({
    ...createView(parts, {}),
    within(scope) {
      assertScope(scope);
      return createView(parts, { scope });
    },
    asAdministrator(reason) {
      if (typeof reason === 'string' && reason.trim() !== '' && reason.length <= 256) {
        return createView(parts, { administrator: { reason } });
      }
      throw credentialError('CREDENTIAL_INVALID', 'an administrator states a reason of 1 to 256 characters');
    },
    rotateDue: (signal) => rotateDue(parts, signal),
    reseal: (options) => reseal(parts, options),
    async auditRecords(query = {}) {
      const tenant = tenantOf(parts);
      // What has been done so far is among them.
      await parts.audit.settled();
      return config.audit?.audit.query({ ...query, tenant }) ?? [];
    },
    statistics: () => Object.freeze({ cache: cache?.statistics() }),
    clearCache() {
      cache?.clear();
      sources?.forget();
    },
    clearCacheFor(reference) {
      const { key } = resolveKey(parts, {}, reference, 'clearCacheFor');
      cache?.drop(keyText(key));
      sources?.forget(key);
    },
    close: () => open.close(),
  });
}
