import { randomUUID } from 'node:crypto';
import {
  json,
  openFakeServer,
  type FakeAnswer,
  type FakeServer,
  type FakeServerOptions,
  type SeenRequest,
} from './fake-server.ts';

/** The API server of Kubernetes as far as the source knows it. */
export interface FakeKubernetes extends FakeServer {
  /** Tokens of service accounts that are good now. */
  readonly tokens: Set<string>;
  put(namespace: string, name: string, data: Readonly<Record<string, string | Uint8Array>>, type?: string): void;
  remove(namespace: string, name: string): void;
  deny(namespace: string, name: string): void;
}

export async function openFakeKubernetes(options: FakeServerOptions = {}): Promise<FakeKubernetes> {
  const tokens = new Set<string>();
  const secrets = new Map<string, object>();
  const denied = new Set<string>();
  let revision = 1_000;

  const answer = ({ method, target, headers, body }: SeenRequest): FakeAnswer => {
    const token = /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1];
    if (token === undefined || !tokens.has(token)) return failure(401, 'Unauthorized', 'Unauthorized');
    if (headers['accept'] !== 'application/json') return failure(406, 'NotAcceptable', 'only JSON');
    const [, namespace = '', name = ''] =
      /^\/api\/v1\/namespaces\/([a-z0-9-]+)\/secrets\/([a-z0-9.-]+)$/.exec(target) ?? [];
    if (method !== 'GET' || body !== '' || name === '') {
      return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
    }
    const place = `${namespace}/${name}`;
    if (denied.has(place)) {
      const who = `User "system:serviceaccount:apps:tenon" cannot get resource "secrets" in API group ""`;
      return failure(403, 'Forbidden', `secrets "${name}" is forbidden: ${who} in the namespace "${namespace}"`, {
        name,
      });
    }
    const secret = secrets.get(place);
    if (secret !== undefined) return json(200, secret);
    return failure(404, 'NotFound', `secrets "${name}" not found`, { name, kind: 'secrets' });
  };

  const server = await openFakeServer(answer, options);
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(server),
      ...Object.getOwnPropertyDescriptors({
        tokens,
        put(namespace: string, name: string, data: Readonly<Record<string, string | Uint8Array>>, type = 'Opaque') {
          const encoded = Object.entries(data).map(([field, value]) => [field, Buffer.from(value).toString('base64')]);
          revision += 1;
          secrets.set(`${namespace}/${name}`, {
            kind: 'Secret',
            apiVersion: 'v1',
            metadata: {
              name,
              namespace,
              uid: randomUUID(),
              resourceVersion: String(revision),
              creationTimestamp: '2026-01-01T00:00:00Z',
            },
            data: Object.fromEntries(encoded),
            type,
          });
        },
        remove: (namespace: string, name: string) => void secrets.delete(`${namespace}/${name}`),
        deny: (namespace: string, name: string) => void denied.add(`${namespace}/${name}`),
      }),
    },
  ) as FakeKubernetes;
}

function failure(code: number, reason: string, message: string, details?: object): FakeAnswer {
  return json(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  });
}
