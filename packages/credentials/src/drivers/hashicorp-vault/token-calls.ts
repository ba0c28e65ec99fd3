import { Secret } from '@tenon/core';
import type { JsonValue } from '@tenon/core';
import type { CredentialError } from '../../errors.ts';
import { asObject } from '../../sources/read-json.ts';
import { sourceError } from '../../sources/source-error.ts';
import { secondsToMs, type VaultApi } from './vault-api.ts';

/** How long a token is good. */
export interface Lifetime {
  /** From now on, in milliseconds; 0: it does not end. */
  readonly ttlMs: number;
  readonly isRenewable: boolean;
}

/** A role that logs in through AppRole. */
export interface VaultRole {
  readonly roleId: string;
  readonly secretId: Secret;
  readonly mount: string;
}

/** What Vault is asked about tokens. Each throws `CREDENTIAL_STORAGE_DENIED` when it is refused, and what the API throws. */
export interface TokenCalls {
  logIn(role: VaultRole): Promise<{ readonly secret: Secret; readonly lifetime: Lifetime }>;
  renew(token: Secret): Promise<Lifetime>;
  lookUp(token: Secret): Promise<Lifetime>;
}

/** Makes the calls of one source. */
export function createTokenCalls(source: string, api: VaultApi, signal: AbortSignal): TokenCalls {
  const refused = (what: string, status: number): CredentialError =>
    sourceError('CREDENTIAL_STORAGE_DENIED', source, what, { details: { status } });

  return {
    async logIn({ roleId, secretId, mount }) {
      const body = { role_id: roleId, secret_id: secretId.reveal() };
      const { status, json } = await api.call({ method: 'POST', path: `auth/${mount}/login`, body }, signal);
      const auth = asObject(json['auth']);
      const token = auth?.['client_token'];
      if (status !== 200)
        throw refused('refused the login with its role: check the role, the secret id and the mount', status);
      if (typeof token !== 'string' || token === '') {
        throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, 'answered a login without a token');
      }
      return { secret: new Secret(token), lifetime: lifetimeOf(auth?.['lease_duration'], auth?.['renewable']) };
    },
    async renew(token) {
      const given = { method: 'POST', path: 'auth/token/renew-self', token, body: {} } as const;
      const { status, json } = await api.call(given, signal);
      if (status !== 200) throw refused('refused to renew its token', status);
      return lifetimeOf(asObject(json['auth'])?.['lease_duration'], asObject(json['auth'])?.['renewable']);
    },
    async lookUp(token) {
      const { status, json } = await api.call({ method: 'GET', path: 'auth/token/lookup-self', token }, signal);
      if (status !== 200) throw refused('does not tell how long its token is good', status);
      return lifetimeOf(asObject(json['data'])?.['ttl'], asObject(json['data'])?.['renewable']);
    },
  };
}

function lifetimeOf(seconds: JsonValue | undefined, renewable: JsonValue | undefined): Lifetime {
  return { ttlMs: secondsToMs(seconds), isRenewable: renewable === true };
}
