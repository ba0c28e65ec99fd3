import { Secret, silentLogger, systemClock, type Logger } from '@tenon/core';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { SecretInput } from '../kinds/define-kind.ts';
import { plainText } from '../kinds/material.ts';
import type { CredentialSource, SourcedCredential } from '../sources/credential-source.ts';
import { isPlainPath, keyPath } from '../sources/key-path.ts';
import { asDate, asObject } from '../sources/read-json.ts';
import { materialOf } from '../sources/secret-material.ts';
import { createSourceClient } from '../sources/source-client.ts';
import { optionInvalid, sourceError } from '../sources/source-error.ts';
import { serverAddress, sourceName, wholeNumber, type CommonSourceOptions } from '../sources/source-options.ts';
import { createVaultApi, saysMissing, type VaultAnswer } from './hashicorp-vault/vault-api.ts';
import { createTokenKeeper, type VaultSignIn } from './hashicorp-vault/vault-token.ts';

/** What {@link hashicorpVaultSource} takes. */
export interface HashicorpVaultSourceOptions extends CommonSourceOptions {
  /** For example `https://vault.example:8200`; what stands in its path goes before `/v1`. */
  readonly address: string;
  /**
   * A token that was made for this program, which is renewed as long as Vault permits; or a role of AppRole, with which the source logs in, and again
   * when its token has ended. `mount` is where AppRole is enabled, `approle` by default.
   */
  readonly auth:
    | { readonly token: SecretInput }
    | { readonly roleId: string; readonly secretId: SecretInput; readonly mount?: string };
  /** Where the KV engine of version 2 is mounted. Default `secret`. */
  readonly mount?: string;
  /** Goes before the tenant in each path, without `/` at its ends; empty: nothing does. Default `tenon/credentials`. */
  readonly pathPrefix?: string;
  /**
   * The path of a secret behind the mount, in place of `pathPrefix/tenant/scope/id`. Different keys must have different paths, or one tenant is given
   * the secrets of another.
   */
  readonly path?: (key: CredentialKey) => string;
  /** A namespace of Vault Enterprise or OpenBao. Default: none. */
  readonly namespace?: string;
  /** The certificates to trust, as PEM, in place of the machine's. */
  readonly certificates?: string;
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** Hears of tokens that cannot be renewed. Default: silent. */
  readonly logger?: Logger;
}

/**
 * Reads secrets from the KV engine, version 2, of HashiCorp Vault or OpenBao. Only reading is asked for, with a policy such as
 * `path "secret/data/tenon/credentials/*" { capabilities = ["read"] }`.
 *
 * A version that was deleted or destroyed is missing; one with a time to be deleted at ends then. Whoever is refused is told so: with a role, after
 * one more login.
 *
 * @example
 * ```ts
 * const source = hashicorpVaultSource({ address: 'https://vault.example:8200', auth: { roleId, secretId }, kind: apiKey });
 * const vault = credentials().storage(storage).keys(ring).source(source).build();
 * await vault.retrieve({ scope: 'org:acme', id: 'github' }); // of tenant "main": secret/tenon/credentials/main/org:acme/github
 * ```
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 */
export function hashicorpVaultSource(options: HashicorpVaultSourceOptions): CredentialSource {
  const { timeoutMs = 10_000, ttlMs = 0, clock = systemClock, logger = silentLogger, certificates } = options;
  const name = sourceName(options.name ?? 'hashicorp-vault');
  const mount = plainPath('mount', options.mount ?? 'secret');
  const pathOf = options.path ?? defaultPath(options.pathPrefix ?? 'tenon/credentials');
  const client = createSourceClient({
    source: name,
    address: serverAddress('address', options.address, options.allowHttp ?? false),
    timeoutMs: wholeNumber('timeoutMs', timeoutMs, 1, 60_000),
    clock,
    ...(certificates === undefined ? {} : { trusted: () => Promise.resolve(certificates) }),
  });
  const api = createVaultApi({ source: name, client, namespace: options.namespace, clock });
  const tokens = createTokenKeeper({ source: name, api, signIn: checkAuth(options.auth), clock, logger });
  wholeNumber('ttlMs', ttlMs, 0, 86_400_000);
  const rules = { source: name, kind: options.kind, material: options.material };

  return Object.freeze<CredentialSource>({
    name,
    async get(key, { signal }) {
      const path = `${mount}/data/${plainPath('path', pathOf(key))}`;
      const token = await tokens.current(signal);
      let answer = await api.call({ method: 'GET', path, token: token.secret }, signal);
      if (answer.status === 403) {
        const other = await tokens.instead(token, signal);
        if (other !== undefined) answer = await api.call({ method: 'GET', path, token: other.secret }, signal);
      }
      const found = readVersion(name, answer);
      if (found === undefined) return undefined;
      const { fields, ...rest } = found;
      return { ...rest, material: materialOf(rules, { fields, binary: {} }, key), ttlMs };
    },
    async close() {
      tokens.close();
      client.close();
    },
  });
}

type FoundVersion = Omit<SourcedCredential, 'material'> & {
  readonly fields: NonNullable<ReturnType<typeof asObject>>;
};

function readVersion(source: string, answer: VaultAnswer): FoundVersion | undefined {
  const { status, json } = answer;
  const details = { status };
  if (status === 404 && saysMissing(answer)) return undefined;
  if (status === 404) {
    const what = 'has no KV engine at this mount, or not this namespace: check the options "mount" and "namespace"';
    throw sourceError('CREDENTIAL_STORAGE_FAILED', source, what, { details });
  }
  if (status === 403) {
    const what = 'refused to give the secret: check that the token is good and its policy permits to read';
    throw sourceError('CREDENTIAL_STORAGE_DENIED', source, what, { details });
  }
  if (status !== 200) {
    throw sourceError('CREDENTIAL_STORAGE_FAILED', source, `answered with the status ${status}`, { details });
  }
  const version = asObject(json['data']);
  const fields = asObject(version?.['data']);
  const metadata = asObject(version?.['metadata']);
  if (fields === undefined || metadata === undefined) {
    const what = 'answered without a version of a secret: is its KV engine of version 2?';
    throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, what, { details });
  }
  const createdAt = asDate(metadata['created_time']);
  const expiresAt = asDate(metadata['deletion_time']);
  return {
    fields,
    ...(typeof metadata['version'] === 'number' ? { version: String(metadata['version']) } : {}),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function checkAuth(auth: HashicorpVaultSourceOptions['auth']): VaultSignIn {
  if ('token' in auth) return { token: new Secret(printable('auth.token', plainText(auth.token))) };
  const { roleId, secretId, mount = 'approle' } = auth;
  if (typeof roleId !== 'string' || roleId === '') throw optionInvalid('auth.roleId', 'must be the id of a role');
  return {
    roleId,
    secretId: new Secret(printable('auth.secretId', plainText(secretId))),
    mount: plainPath('auth.mount', mount),
  };
}

function printable(option: string, text: string): string {
  if (/^[\u0021-\u007e]+$/.test(text)) return text;
  throw optionInvalid(option, 'must be text without spaces: was a line break read with it?');
}

function plainPath(option: string, text: string): string {
  if (isPlainPath(text)) return text;
  throw optionInvalid(option, 'must be a path without "/" at its ends, and without empty, "." or ".." segments');
}

function defaultPath(prefix: string): (key: CredentialKey) => string {
  if (prefix !== '') plainPath('pathPrefix', prefix);
  return (key) => keyPath(prefix, key);
}
