import type { TestClock } from '@tenon/core/testing';
import { apiKey, type CredentialKey } from '@tenon/credentials';
import { hashicorpVaultSource } from '@tenon/credentials/drivers/hashicorp-vault';
import { openFakeVault } from './support/fake-vault.ts';
import { httpContract, type HttpRig } from './support/http-contract.ts';
import { sourceContract } from './support/source-contract.ts';

const pathOf = ({ tenant, scope, id }: CredentialKey): string => `tenon/credentials/${tenant}/${scope}/${id}`;

async function openRig(clock: TestClock, withRole: boolean): Promise<HttpRig> {
  const vault = await openFakeVault(clock);
  const auth = withRole ? { roleId: vault.roleId, secretId: vault.secretId } : { token: vault.rootToken };
  const source = hashicorpVaultSource({ address: vault.url, allowHttp: true, auth, kind: apiKey, clock });
  const isRead = ({ target }: { readonly target: string }): boolean => target.includes('/data/');
  return {
    source,
    put: (key, secret) => vault.put(pathOf(key), { key: secret }),
    remove: (key) => vault.remove(pathOf(key)),
    deny: (key) => vault.deny(pathOf(key)),
    break() {
      vault.sealed = true;
    },
    mend() {
      vault.sealed = false;
    },
    async hang() {
      const { promise, resolve } = Promise.withResolvers<void>();
      vault.fault('hang', (request) => {
        if (isRead(request)) resolve();
        return isRead(request);
      });
      return promise;
    },
    fault: (fault) => vault.fault(fault, isRead),
    arrived: (count) => vault.arrived(count),
    requests: vault.requests,
    get connections() {
      return vault.connections;
    },
    get own() {
      return [vault.rootToken, vault.secretId, ...vault.issued];
    },
    timeoutMs: 10_000,
    goAway: () => vault.stop(),
    async stop() {
      await source.close();
      await vault.stop();
    },
  };
}

sourceContract('Vault, with a token', (clock) => openRig(clock, false));
sourceContract('Vault, with a role', (clock) => openRig(clock, true));
httpContract('Vault', (clock) => openRig(clock, true));
