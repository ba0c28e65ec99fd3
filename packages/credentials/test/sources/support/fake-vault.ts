import { randomUUID } from 'node:crypto';
import type { Clock } from '@tenon/core';
import {
  json,
  openFakeServer,
  type FakeAnswer,
  type FakeServer,
  type FakeServerOptions,
  type SeenRequest,
} from './fake-server.ts';

/** A Vault as far as the source knows it. Its answers are those that an OpenBao 2.7 gives. */
export interface FakeVault extends FakeServer {
  readonly rootToken: string;
  readonly roleId: string;
  secretId: string;
  /** How long tokens of the role are good, and how often they can be renewed. */
  lease: { seconds: number; maxSeconds: number; renewable: boolean };
  /** The namespace that there is. */
  namespace: string | undefined;
  sealed: boolean;
  readonly logins: number;
  readonly renewals: number;
  /** Tokens that were given out, the newest last. */
  readonly issued: readonly string[];
  put(path: string, data: Readonly<Record<string, unknown>>, deletionTime?: string): void;
  /** Deletes the newest version; it could be brought back. */
  remove(path: string): void;
  destroy(path: string): void;
  /** No policy permits to read this path. */
  deny(path: string): void;
  revoke(token: string): void;
  /** A token of its own, such as an operator makes. */
  issue(lease?: FakeVault['lease']): string;
}

interface Token {
  readonly maxAtMs: number;
  readonly renewable: boolean;
  readonly seconds: number;
  endsAtMs: number;
}

interface Version {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly metadata: {
    readonly created_time: string;
    readonly custom_metadata: null;
    deletion_time: string;
    destroyed: boolean;
    readonly version: number;
  };
}

export async function openFakeVault(clock: Clock, options: FakeServerOptions = {}): Promise<FakeVault> {
  const tokens = new Map<string, Token>();
  const secrets = new Map<string, Version[]>();
  const denied = new Set<string>();
  const issued: string[] = [];
  const counts = { logins: 0, renewals: 0 };
  const rootToken = `hvs.root-${randomUUID()}`;
  const roleId = randomUUID();
  tokens.set(rootToken, { seconds: 0, maxAtMs: Infinity, renewable: false, endsAtMs: Infinity });

  const state: Pick<FakeVault, 'lease' | 'namespace' | 'sealed' | 'secretId'> = {
    lease: { seconds: 60, maxSeconds: 600, renewable: true },
    namespace: undefined,
    sealed: false,
    secretId: randomUUID(),
  };
  const issue = (lease = state.lease): string => {
    const token = `hvs.${randomUUID()}`;
    const { seconds, maxSeconds, renewable } = lease;
    const nowMs = clock.monotonicMs();
    tokens.set(token, { seconds, renewable, maxAtMs: nowMs + maxSeconds * 1_000, endsAtMs: nowMs + seconds * 1_000 });
    issued.push(token);
    return token;
  };
  const live = (token: string | undefined): Token | undefined => {
    const found = tokens.get(token ?? '');
    return found !== undefined && clock.monotonicMs() < found.endsAtMs ? found : undefined;
  };
  const secondsLeft = ({ endsAtMs }: Token): number =>
    endsAtMs === Infinity ? 0 : Math.round((endsAtMs - clock.monotonicMs()) / 1_000);

  const answer = (request: SeenRequest): FakeAnswer => {
    const { method, target, headers, body } = request;
    const wrong = misuse(request);
    if (wrong !== undefined) return json(400, { errors: [wrong] });
    if (state.sealed) return json(503, { errors: ['Vault is sealed'] });
    if (headers['x-vault-namespace'] !== state.namespace) return json(404, { errors: ['namespace not found'] });
    const path = decodeURIComponent(target.replace(/^\/v1\//, ''));
    if (method === 'POST' && path === 'auth/approle/login') {
      const given = JSON.parse(body) as { role_id?: string; secret_id?: string };
      if (given.role_id !== roleId || given.secret_id !== state.secretId) {
        return json(400, { errors: ['invalid role or secret ID'] });
      }
      counts.logins += 1;
      const token = issue();
      return json(200, { ...envelope(), auth: auth(token, state.lease.seconds, state.lease.renewable) });
    }
    const token = live(headers['x-vault-token']);
    if (token === undefined) return json(403, { errors: ['permission denied'] });
    if (method === 'GET' && path === 'auth/token/lookup-self') {
      const data = { id: headers['x-vault-token'], ttl: secondsLeft(token), renewable: token.renewable };
      return json(200, { ...envelope(), data });
    }
    if (method === 'POST' && path === 'auth/token/renew-self') {
      if (!token.renewable) return json(400, { errors: ['lease is not renewable'] });
      counts.renewals += 1;
      token.endsAtMs = Math.min(clock.monotonicMs() + token.seconds * 1_000, token.maxAtMs);
      return json(200, { ...envelope(), auth: auth(headers['x-vault-token'] ?? '', secondsLeft(token), true) });
    }
    const [, mount, name = ''] = /^([^/]+)\/data\/(.+)$/.exec(path) ?? [];
    if (method !== 'GET' || mount !== 'secret') {
      return json(404, { errors: [`no handler for route "${path}". route entry not found.`] });
    }
    if (denied.has(name)) return json(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] });
    const version = secrets.get(name)?.at(-1);
    if (version === undefined) return json(404, { errors: [] });
    const { deletion_time: deletionTime, destroyed } = version.metadata;
    const isGone = destroyed || (deletionTime !== '' && Date.parse(deletionTime) <= clock.now());
    return json(isGone ? 404 : 200, { ...envelope(), data: isGone ? { ...version, data: null } : version });
  };

  const server = await openFakeServer(answer, options);
  const newest = (path: string): Version['metadata'] => {
    const version = secrets.get(path)?.at(-1);
    if (version === undefined) throw new Error(`there is nothing at ${path}`);
    return version.metadata;
  };
  return Object.defineProperties(state, {
    ...Object.getOwnPropertyDescriptors(server),
    ...Object.getOwnPropertyDescriptors({
      rootToken,
      roleId,
      issued,
      issue,
      get logins() {
        return counts.logins;
      },
      get renewals() {
        return counts.renewals;
      },
      put(path: string, data: Version['data'], deletionTime = '') {
        const versions = secrets.get(path) ?? [];
        const metadata = {
          // With nanoseconds, as Go writes them.
          created_time: new Date(clock.now()).toISOString().replace('Z', '123456Z'),
          custom_metadata: null,
          deletion_time: deletionTime,
          destroyed: false,
          version: versions.length + 1,
        };
        secrets.set(path, [...versions, { data, metadata }]);
      },
      remove(path: string) {
        newest(path).deletion_time = new Date(clock.now()).toISOString();
      },
      destroy(path: string) {
        newest(path).destroyed = true;
      },
      deny: (path: string) => void denied.add(path),
      revoke: (token: string) => void tokens.delete(token),
    }),
  }) as FakeVault;
}

/** What a client of Vault must not do. */
function misuse({ method, target, headers, body }: SeenRequest): string | undefined {
  if (headers['x-vault-request'] !== 'true') return 'missing required Vault header';
  if (!target.startsWith('/v1/')) return 'unsupported path';
  if (target.includes('?') || /[^A-Za-z0-9/%._~!*'()-]/.test(target)) return 'the path is not encoded';
  if (target.split('/').some((segment) => encodeURIComponent(decodeURIComponent(segment)) !== segment)) {
    return 'the path is not encoded as it should be';
  }
  if (method === 'POST' && headers['content-type'] !== 'application/json') return 'error parsing JSON';
  if (method === 'GET' && body !== '') return 'a body with GET';
  return undefined;
}

const envelope = (): object => ({
  request_id: randomUUID(),
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data: null,
  wrap_info: null,
  warnings: null,
  auth: null,
});

const auth = (token: string, seconds: number, renewable: boolean): object => ({
  client_token: token,
  accessor: randomUUID(),
  policies: ['default', 'tenon'],
  token_policies: ['default', 'tenon'],
  metadata: { role_name: 'tenon' },
  lease_duration: seconds,
  renewable,
  entity_id: randomUUID(),
  token_type: 'service',
  orphan: true,
});
