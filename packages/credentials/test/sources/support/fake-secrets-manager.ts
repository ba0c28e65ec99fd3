import { randomUUID } from 'node:crypto';
import type { Clock } from '@tenon/core';
import { checkSignature } from './check-signature.ts';
import { openFakeServer, type FakeAnswer, type FakeServer, type SeenRequest } from './fake-server.ts';

export interface FakeAwsUser {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  isExpired?: boolean;
}

/** An AWS Secrets Manager as far as the source knows it. Signatures are worked out anew from each request. */
export interface FakeSecretsManager extends FakeServer {
  readonly region: string;
  readonly users: FakeAwsUser[];
  /** How much later it is at AWS, in milliseconds. */
  aheadMs: number;
  put(name: string, value: { readonly SecretString: string } | { readonly SecretBinary: string }): void;
  /** Deletes for good. */
  remove(name: string): void;
  /** Deletes so that it can be restored. */
  schedule(name: string): void;
  deny(name: string): void;
}

const TOLERANCE_MS = 300_000;

export async function openFakeSecretsManager(clock: Clock): Promise<FakeSecretsManager> {
  const region = 'eu-central-1';
  const secrets = new Map<string, { value: object; versionId: string; createdAt: number; isScheduled: boolean }>();
  const denied = new Set<string>();
  const users: FakeAwsUser[] = [];
  const state = { aheadMs: 0 };

  const answer = (request: SeenRequest): FakeAnswer => {
    const { method, target, headers, body } = request;
    const nowMs = clock.now() + state.aheadMs;
    const reply = (status: number, content: object, more: Readonly<Record<string, string>> = {}): FakeAnswer => ({
      status,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amzn-requestid': randomUUID(),
        date: new Date(nowMs).toUTCString(),
        ...more,
      },
      body: JSON.stringify(content),
    });
    const fail = (name: string, message: string, status = 400): FakeAnswer =>
      reply(status, { __type: name, Message: message });

    const user = users.find(({ accessKeyId }) => headers['authorization']?.includes(`Credential=${accessKeyId}/`));
    const problem = checkSignature(request, {
      region,
      service: 'secretsmanager',
      secretOf: () => user?.secretAccessKey,
    });
    if (problem !== undefined) return fail(problem, 'The request signature we calculated does not match', 403);
    if (headers['x-amz-security-token'] !== user?.sessionToken) {
      return fail('UnrecognizedClientException', 'The security token included in the request is invalid.');
    }
    if (user?.isExpired === true) {
      return fail('ExpiredTokenException', 'The security token included in the request is expired', 403);
    }
    const signedAt = headers['x-amz-date'] ?? '';
    const signedAtMs = Date.parse(signedAt.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    if (!(Math.abs(signedAtMs - nowMs) <= TOLERANCE_MS)) {
      return fail('InvalidSignatureException', `Signature expired: ${signedAt} is now earlier than …`, 403);
    }
    if (method !== 'POST' || target !== '/' || headers['content-type'] !== 'application/x-amz-json-1.1') {
      return fail('SerializationException', 'not a call of this service');
    }
    if (headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') return fail('UnknownOperationException', '', 404);
    const { SecretId: id } = JSON.parse(body) as { SecretId?: string };
    if (id === undefined || id.length > 2048) return fail('InvalidParameterException', 'Invalid name.');
    if (denied.has(id)) {
      return fail('AccessDeniedException', `User: arn:aws:iam::1:user/x is not authorized to perform: … on ${id}`);
    }
    const name = id.replace(/^arn:aws:secretsmanager:[^:]*:\d*:secret:(.*)-\w{6}$/, '$1');
    const secret = secrets.get(name);
    if (secret === undefined) {
      return fail('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    if (secret.isScheduled) {
      const text = 'You can’t perform this operation on the secret because it was marked for deletion.';
      return fail('InvalidRequestException', text);
    }
    return reply(200, {
      ARN: arnOf(region, name),
      Name: name,
      VersionId: secret.versionId,
      VersionStages: ['AWSCURRENT'],
      CreatedDate: secret.createdAt,
      ...secret.value,
    });
  };

  const server = await openFakeServer(answer);
  return Object.defineProperties(state, {
    ...Object.getOwnPropertyDescriptors(server),
    ...Object.getOwnPropertyDescriptors({
      region,
      users,
      put: (name: string, value: object) =>
        void secrets.set(name, {
          value,
          versionId: randomUUID(),
          createdAt: clock.now() / 1_000,
          isScheduled: false,
        }),
      remove: (name: string) => void secrets.delete(name),
      schedule(name: string) {
        const secret = secrets.get(name);
        if (secret !== undefined) secret.isScheduled = true;
      },
      deny: (name: string) => void denied.add(name),
    }),
  }) as FakeSecretsManager;
}

export const arnOf = (region: string, name: string): string =>
  `arn:aws:secretsmanager:${region}:123456789012:secret:${name}-AbCdEf`;
