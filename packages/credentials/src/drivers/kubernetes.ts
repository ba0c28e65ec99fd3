import { readFile } from 'node:fs/promises';
import { Secret, systemClock } from '@tenon/core';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { SecretInput } from '../kinds/define-kind.ts';
import { plainText } from '../kinds/material.ts';
import type { CredentialSource } from '../sources/credential-source.ts';
import { createSourceClient, type SourceAnswer } from '../sources/source-client.ts';
import { optionInvalid, sourceError } from '../sources/source-error.ts';
import { serverAddress, sourceName, wholeNumber, type CommonSourceOptions } from '../sources/source-options.ts';
import { readSecretAnswer } from './kubernetes/read-secret.ts';
import { kubernetesSecretName } from './kubernetes/secret-name.ts';

export { kubernetesSecretName } from './kubernetes/secret-name.ts';

/** What {@link kubernetesSource} takes. */
export interface KubernetesSourceOptions extends CommonSourceOptions {
  /** The API server. Default `https://kubernetes.default.svc`, where pods find it. */
  readonly server?: string;
  /** Where the secrets lie, or a function that tells: with a namespace for each tenant, Kubernetes itself keeps them apart. */
  readonly namespace: string | ((key: CredentialKey) => string);
  /** What to sign in with. Default: the content of `tokenFile`. */
  readonly token?: SecretInput;
  /** A file with the token, read anew for each request, as Kubernetes replaces it. Default: the one that it gives to each pod. */
  readonly tokenFile?: string;
  /**
   * A file with the certificates to trust, as PEM, read anew for each request. Default: the one that Kubernetes gives to each pod, for its own
   * address; for any other `server`, what the machine trusts.
   */
  readonly caFile?: string;
  /** Goes before the hash in each name, of `a-z 0-9 . -`. Default `tenon-`. */
  readonly prefix?: string;
  /**
   * The name of a secret, in place of {@link kubernetesSecretName}. Different keys must have different names or namespaces, or one tenant is given the
   * secrets of another.
   */
  readonly secretName?: (key: CredentialKey) => string;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

const POD_SERVER = 'https://kubernetes.default.svc';
const POD_FILES = '/var/run/secrets/kubernetes.io/serviceaccount';
/** RFC 1123, as Kubernetes demands it of namespaces and of secrets. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/**
 * Reads secrets of Kubernetes. The right to `get` `secrets` in their namespace is enough. Their fields are text; secrets of the types
 * `kubernetes.io/basic-auth` and `kubernetes.io/tls` become credentials of the kinds `basic` and `certificate` by themselves.
 *
 * @example
 * ```ts
 * const source = kubernetesSource({ namespace: 'credentials', kind: apiKey });
 * const vault = credentials().storage(storage).keys(ring).source(source).build();
 * ```
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 */
export function kubernetesSource(options: KubernetesSourceOptions): CredentialSource {
  const { timeoutMs = 5_000, ttlMs = 0, clock = systemClock, server = POD_SERVER } = options;
  const name = sourceName(options.name ?? 'kubernetes');
  const pathOf = secretPaths(options);
  const caFile = options.caFile ?? (options.server === undefined ? `${POD_FILES}/ca.crt` : undefined);
  const client = createSourceClient({
    source: name,
    address: serverAddress('server', server, options.allowHttp ?? false),
    timeoutMs: wholeNumber('timeoutMs', timeoutMs, 1, 60_000),
    clock,
    ...(caFile === undefined ? {} : { trusted: () => readSetting(name, 'caFile', caFile) }),
  });
  const currentToken = tokens(name, options);
  wholeNumber('ttlMs', ttlMs, 0, 86_400_000);
  const rules = { source: name, kind: options.kind, material: options.material };
  const ask = (path: string, token: Secret, signal: AbortSignal): Promise<SourceAnswer> => {
    const headers = { accept: 'application/json', authorization: `Bearer ${token.reveal()}` };
    return client.send({ method: 'GET', path, headers }, signal);
  };

  return Object.freeze<CredentialSource>({
    name,
    async get(key, { signal }) {
      const place = pathOf(key);
      const path = `/api/v1/namespaces/${place.namespace}/secrets/${place.name}`;
      const token = await currentToken();
      let answer = await ask(path, token, signal);
      if (answer.status === 401) {
        // It may have been replaced while the request was on its way.
        const other = await currentToken();
        if (!other.equals(token)) answer = await ask(path, other, signal);
      }
      const found = readSecretAnswer(rules, answer, { key, ...place }, clock);
      return found === undefined ? undefined : { ...found, ttlMs };
    },
    async close() {
      client.close();
    },
  });
}

function secretPaths(
  options: KubernetesSourceOptions,
): (key: CredentialKey) => { readonly namespace: string; readonly name: string } {
  const { namespace, prefix = 'tenon-', secretName = (key) => kubernetesSecretName(key, prefix) } = options;
  if (!SUBDOMAIN.test(`${prefix}${'a'.repeat(52)}`)) {
    throw optionInvalid('prefix', 'must begin a name of Kubernetes: up to 201 of a-z, 0-9, "." and "-"');
  }
  if (typeof namespace !== 'function') checkNamespace(namespace);
  const namespaceOf = (key: CredentialKey): string =>
    checkNamespace(typeof namespace === 'function' ? namespace(key) : namespace);
  return (key) => {
    const text = secretName(key);
    if (typeof text === 'string' && SUBDOMAIN.test(text)) return { namespace: namespaceOf(key), name: text };
    throw optionInvalid('secretName', 'must return a name of Kubernetes: 1 to 253 of a-z, 0-9, "." and "-"');
  };
}

function checkNamespace(text: unknown): string {
  if (typeof text === 'string' && LABEL.test(text)) return text;
  throw optionInvalid('namespace', 'must be a name of Kubernetes: 1 to 63 of a-z, 0-9 and "-"');
}

function tokens(source: string, { token, tokenFile }: KubernetesSourceOptions): () => Promise<Secret> {
  if (token === undefined) {
    const file = tokenFile ?? `${POD_FILES}/token`;
    return async () => toToken('tokenFile', await readSetting(source, 'tokenFile', file));
  }
  if (tokenFile !== undefined) throw optionInvalid('tokenFile', 'means nothing beside a token: give one of the two');
  const given = toToken('token', plainText(token));
  return () => Promise.resolve(given);
}

function toToken(option: string, text: string): Secret {
  const trimmed = text.trim();
  if (/^[\u0021-\u007e]+$/.test(trimmed)) return new Secret(trimmed);
  throw optionInvalid(option, 'must hold a token: text without spaces');
}

async function readSetting(source: string, option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const what = `cannot read the file of its option "${option}": is this a pod with a service account?`;
    throw sourceError('CREDENTIAL_STORAGE_FAILED', source, what, { cause: error, details: { option } });
  }
}
