import type { TestClock } from '@tenon/core/testing';
import { apiKey, type CredentialKey } from '@tenon/credentials';
import { awsSecretsManagerSource } from '@tenon/credentials/drivers/aws-secrets-manager';
import { openFakeSecretsManager } from './support/fake-secrets-manager.ts';
import { httpContract, type HttpRig } from './support/http-contract.ts';
import { sourceContract } from './support/source-contract.ts';

const nameOf = ({ tenant, scope, id }: CredentialKey): string =>
  `tenon/credentials/${tenant}/${scope.replaceAll(':', '=')}/${id}`;
const user = {
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDO==',
};

async function openRig(clock: TestClock): Promise<HttpRig> {
  const server = await openFakeSecretsManager(clock);
  server.users.push({ ...user });
  const source = awsSecretsManagerSource({
    region: server.region,
    endpoint: server.url,
    allowHttp: true,
    credentials: user,
    kind: apiKey,
    clock,
  });
  let isDown = false;
  return {
    source,
    put: (key, secret) => server.put(nameOf(key), { SecretString: JSON.stringify({ key: secret }) }),
    remove: (key) => server.remove(nameOf(key)),
    deny: (key) => server.deny(nameOf(key)),
    break() {
      isDown = true;
      server.fault({ status: 500, body: '{"__type":"InternalServiceError"}' }, () => isDown);
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
    own: [user.secretAccessKey, user.sessionToken],
    timeoutMs: 5_000,
    goAway: () => server.stop(),
    async stop() {
      await source.close();
      await server.stop();
    },
  };
}

sourceContract('Secrets Manager', openRig);
httpContract('Secrets Manager', openRig);
