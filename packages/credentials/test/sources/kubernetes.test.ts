import type { TestClock } from '@tenon/core/testing';
import { apiKey, type CredentialKey } from '@tenon/credentials';
import { kubernetesSecretName, kubernetesSource } from '@tenon/credentials/drivers/kubernetes';
import { openFakeKubernetes } from './support/fake-kubernetes.ts';
import { httpContract, type HttpRig } from './support/http-contract.ts';
import { sourceContract } from './support/source-contract.ts';

const token = 'eyJhbGciOiJSUzI1NiJ9.service-account.token';

async function openRig(clock: TestClock): Promise<HttpRig> {
  const server = await openFakeKubernetes();
  server.tokens.add(token);
  const source = kubernetesSource({
    server: server.url,
    allowHttp: true,
    namespace: 'credentials',
    token,
    kind: apiKey,
    clock,
  });
  let isDown = false;
  const at = (key: CredentialKey): readonly [string, string] => ['credentials', kubernetesSecretName(key)];
  return {
    source,
    put: (key, secret) => server.put(...at(key), { key: secret }),
    remove: (key) => server.remove(...at(key)),
    deny: (key) => server.deny(...at(key)),
    break() {
      isDown = true;
      server.fault({ status: 503, body: '{"kind":"Status","reason":"ServiceUnavailable"}' }, () => isDown);
    },
    mend() {
      isDown = false;
    },
    async hang() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.fault('hang', () => {
        resolve();
        return true;
      });
      return promise;
    },
    fault: (fault) => server.fault(fault),
    arrived: (count) => server.arrived(count),
    requests: server.requests,
    get connections() {
      return server.connections;
    },
    own: [token],
    timeoutMs: 5_000,
    goAway: () => server.stop(),
    async stop() {
      await source.close();
      await server.stop();
    },
  };
}

sourceContract('Kubernetes', openRig);
httpContract('Kubernetes', openRig);
