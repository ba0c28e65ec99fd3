import type { SignedRequest } from './check-signature.ts';

/** A request with the signature that somebody else worked out. */
export interface KnownSignature {
  readonly name: string;
  readonly region: string;
  readonly service: string;
  readonly request: SignedRequest;
}

/** The secret key of all of them, from AWS's documentation. */
export const exampleSecretKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

/** AWS's own test suite for Signature Version 4, those of its cases that have no query. */
export const awsSuite: readonly KnownSignature[] = [
  suite('get-vanilla', 'GET /', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'),
  suite(
    'get-unreserved',
    'GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    {},
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ),
  suite(
    'get-header-key-duplicate',
    'GET /',
    { 'my-header1': 'value2,value2,value1' },
    'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  ),
  suite(
    'get-header-value-order',
    'GET /',
    { 'my-header1': 'value4,value1,value3,value2' },
    '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
  ),
  suite(
    'get-header-value-trim',
    'GET /',
    { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' },
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ),
  suite('post-vanilla', 'POST /', {}, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'),
  suite(
    'post-header-key-sort',
    'POST /',
    { 'my-header1': 'value1' },
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  ),
  suite(
    'post-header-value-case',
    'POST /',
    { 'my-header1': 'VALUE1' },
    'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  ),
  suite(
    'post-sts-header-before',
    'POST /',
    {
      'x-amz-security-token':
        'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==',
    },
    '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  ),
  suite(
    'post-x-www-form-urlencoded',
    'POST /',
    { 'content-type': 'application/x-www-form-urlencoded' },
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    'Param1=value1',
  ),
  suite(
    'post-x-www-form-urlencoded-parameters',
    'POST /',
    { 'content-type': 'application/x-www-form-urlencoded; charset=utf8' },
    '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
    'Param1=value1',
  ),
];

/** Requests to Secrets Manager as botocore 1.44 signs them. */
export const botocoreRequests: readonly KnownSignature[] = [
  botocore('with a lasting key', {}, 'd747c1794654edeb7edbd3669ade02ced8862516007e45fee3d5848575a78913'),
  botocore(
    'with a session token',
    { 'x-amz-security-token': 'FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDO==' },
    'c7fb6c87b65773df82c4f225100c01d92f9a2b8170c72f0035b37b792ecdd31c',
  ),
];

function suite(
  name: string,
  line: string,
  more: Readonly<Record<string, string>>,
  signature: string,
  body = '',
): KnownSignature {
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z', ...more };
  return known(name, 'us-east-1', 'service', line, headers, signature, body);
}

function botocore(name: string, more: Readonly<Record<string, string>>, signature: string): KnownSignature {
  const headers = {
    host: 'secretsmanager.eu-central-1.amazonaws.com',
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'secretsmanager.GetSecretValue',
    'x-amz-date': '20260101T000000Z',
    ...more,
  };
  const body = '{"SecretId":"tenon/credentials/acme/org=acme/github"}';
  return known(name, 'eu-central-1', 'secretsmanager', 'POST /', headers, signature, body);
}

function known(
  name: string,
  region: string,
  service: string,
  line: string,
  headers: Readonly<Record<string, string>>,
  signature: string,
  body: string,
): KnownSignature {
  const [method = '', target = ''] = line.split(' ');
  const day = (headers['x-amz-date'] ?? '').slice(0, 8);
  const signed = Object.keys(headers).toSorted().join(';');
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${day}/${region}/${service}/aws4_request, SignedHeaders=${signed}, Signature=${signature}`;
  return { name, region, service, request: { method, target, headers: { ...headers, authorization }, body } };
}
