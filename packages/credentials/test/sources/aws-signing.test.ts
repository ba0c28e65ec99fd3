import { createTestClock } from '@tenon/core/testing';
import { apiKey } from '@tenon/credentials';
import { awsSecretsManagerSource } from '@tenon/credentials/drivers/aws-secrets-manager';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsSuite, botocoreRequests, exampleSecretKey } from './support/aws-signatures.ts';
import { checkSignature, type SignedRequest } from './support/check-signature.ts';
import { json, openFakeServer } from './support/fake-server.ts';

const idle = new AbortController().signal;
const party = (region: string, service: string) => ({ region, service, secretOf: () => exampleSecretKey });

describe('the check of signatures that the other tests rely on', () => {
  it.each([...awsSuite, ...botocoreRequests])('finds nothing wrong with $name', ({ request, region, service }) => {
    expect(checkSignature(request, party(region, service))).toBeUndefined();
  });

  it.each(botocoreRequests)('finds whatever was changed of a request $name', ({ request, region, service }) => {
    const { headers } = request;
    const changed: SignedRequest[] = [
      { ...request, method: 'GET' },
      { ...request, target: '/other' },
      { ...request, body: request.body.replace('github', 'gitlab') },
      ...Object.keys(headers).map((name) => ({ ...request, headers: { ...headers, [name]: `${headers[name]}x` } })),
      { ...request, headers: { ...headers, 'x-amz-security-token': 'another' } },
    ];
    for (const one of changed) expect(checkSignature(one, party(region, service))).toBeTypeOf('string');
    expect(checkSignature(request, party('us-east-1', service))).toBeTypeOf('string');
    expect(checkSignature(request, { ...party(region, service), secretOf: () => 'another' })).toBeTypeOf('string');
  });
});

describe('what the source signs', () => {
  it('is right for any key, token, name and time', async () => {
    const clock = createTestClock();
    const seen: SignedRequest[] = [];
    const server = await openFakeServer((request) => {
      seen.push(request);
      return json(400, { __type: 'ResourceNotFoundException' });
    });
    const printable = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          accessKeyId: fc.stringMatching(/^\w{1,24}$/),
          secretAccessKey: printable,
          sessionToken: fc.option(printable, { nil: undefined }),
          region: fc.constantFrom('eu-central-1', 'us-gov-west-1', 'cn-north-1'),
          name: fc.stringMatching(/^[A-Za-z0-9/_+=.@-]{1,64}$/),
          at: fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
        }),
        async ({ accessKeyId, secretAccessKey, sessionToken, region, name, at }) => {
          clock.setNow(at.getTime());
          const source = awsSecretsManagerSource({
            region,
            endpoint: server.url,
            allowHttp: true,
            credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
            secretName: () => name,
            kind: apiKey,
            clock,
          });
          await source.get({ tenant: 'a', scope: 'b:c', id: 'd' }, { signal: idle });
          await source.close();
          const request = seen.at(-1);
          expect(request?.headers['x-amz-security-token']).toBe(sessionToken);
          expect(request?.headers['x-amz-date']).toBe(at.toISOString().replaceAll(/[-:]|\.\d+/g, ''));
          expect(JSON.parse(request?.body ?? '')).toEqual({ SecretId: name });
          const check = {
            region,
            service: 'secretsmanager',
            secretOf: (id: string) => (id === accessKeyId ? secretAccessKey : undefined),
          };
          expect(checkSignature(request as SignedRequest, check)).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
    await server.stop();
  });
});
