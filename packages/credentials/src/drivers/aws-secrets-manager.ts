import { systemClock } from '@tenon/core';
import type { CredentialKey } from '../identity/credential-key.ts';
import type { CredentialSource, SourcedCredential } from '../sources/credential-source.ts';
import { keyPath } from '../sources/key-path.ts';
import { parseJsonObject, readBase64, readJsonObject, readText, type JsonObject } from '../sources/read-json.ts';
import { materialOf, type SecretContent } from '../sources/secret-material.ts';
import { createSourceClient, retryAfterMs, type SourceAnswer } from '../sources/source-client.ts';
import { optionInvalid, sourceError } from '../sources/source-error.ts';
import { serverAddress, sourceName, wholeNumber, type CommonSourceOptions } from '../sources/source-options.ts';
import {
  createCredentialsKeeper,
  type AwsCredentials,
  type SigningCredentials,
} from './aws-secrets-manager/aws-credentials.ts';
import { isMissing, readRefusal, remedyFor, toFailure } from './aws-secrets-manager/aws-failure.ts';
import { signRequest, toAmzDate } from './aws-secrets-manager/sign-request.ts';

export type { AwsCredentials } from './aws-secrets-manager/aws-credentials.ts';

/** What {@link awsSecretsManagerSource} takes. */
export interface AwsSecretsManagerSourceOptions extends CommonSourceOptions {
  /** For example `eu-central-1`. */
  readonly region: string;
  /** What requests are signed with, or a function that gets it, for example from the role of a machine. */
  readonly credentials: AwsCredentials | (() => Promise<AwsCredentials>);
  /** The address, for VPC endpoints and emulators. Default: that of the region. */
  readonly endpoint?: string;
  /** Goes before the tenant in each name, of `A-Z a-z 0-9 / _ + = . @ -`; empty: nothing does. Default `tenon/credentials`. */
  readonly prefix?: string;
  /**
   * The name or the ARN of a secret, in place of `prefix/tenant/scope/id`. Different keys must have different names, or one tenant is given the secrets
   * of another.
   */
  readonly secretName?: (key: CredentialKey) => string;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

const SECRET_NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;
const ARN = /^arn:[A-Za-z0-9:/_+=.@-]{1,2044}$/;

/**
 * Reads secrets from AWS Secrets Manager: their version `AWSCURRENT`. The right `secretsmanager:GetSecretValue` is enough, with `kms:Decrypt` where
 * they are encrypted with a key of one's own.
 *
 * Names hold no `:`, so the scope is written with `=`: `tenon/credentials/acme/org=acme/team=eng/github`. A credential whose name would be longer than
 * the 512 characters that AWS permits is missing. A secret that was deleted is missing too, also while it could be restored.
 *
 * @example
 * ```ts
 * const source = awsSecretsManagerSource({ region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, kind: apiKey });
 * const vault = credentials().storage(storage).keys(ring).source(source).build();
 *
 * // Secrets that AWS rotates for a database have fields of their own.
 * const logins = awsSecretsManagerSource({
 *   region: 'eu-central-1',
 *   credentials: () => credentialsOfThisMachine(),
 *   material: ({ field }) =>
 *     database({
 *       host: field('host'),
 *       port: Number(field('port')),
 *       database: field('dbname'),
 *       username: field('username'),
 *       password: field('password'),
 *     }),
 * });
 * ```
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 */
export function awsSecretsManagerSource(options: AwsSecretsManagerSourceOptions): CredentialSource {
  const { timeoutMs = 5_000, ttlMs = 0, clock = systemClock } = options;
  const name = sourceName(options.name ?? 'aws-secrets-manager');
  const region = checkedRegion(options.region);
  const address = endpointOf(region, options);
  const nameOf = secretNames(options);
  const client = createSourceClient({
    source: name,
    address,
    timeoutMs: wholeNumber('timeoutMs', timeoutMs, 1, 60_000),
    clock,
  });
  const keeper = createCredentialsKeeper(name, options.credentials, clock);
  wholeNumber('ttlMs', ttlMs, 0, 86_400_000);
  const rules = { source: name, kind: options.kind, material: options.material };
  // How much later it is at AWS than here.
  let aheadMs = 0;

  const ask = (secretId: string, signer: SigningCredentials, signal: AbortSignal): Promise<SourceAnswer> => {
    const body = JSON.stringify({ SecretId: secretId });
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      host: address.host,
      'x-amz-date': toAmzDate(clock.now() + aheadMs),
      'x-amz-target': 'secretsmanager.GetSecretValue',
      ...(signer.sessionToken === undefined ? {} : { 'x-amz-security-token': signer.sessionToken.reveal() }),
    };
    const authorization = signRequest({ method: 'POST', headers, body, region, service: 'secretsmanager', ...signer });
    return client.send({ method: 'POST', path: '/', headers: { ...headers, authorization }, body }, signal);
  };
  // AWS says with each answer what time it is there.
  const takeTime = (answer: SourceAnswer): boolean => {
    const aheadNowMs = Date.parse(answer.headers.date ?? '') - clock.now();
    if (!(Math.abs(aheadNowMs - aheadMs) >= WORTH_CORRECTING_MS)) return false;
    aheadMs = aheadNowMs;
    return true;
  };

  return Object.freeze<CredentialSource>({
    name,
    async get(key, { signal }) {
      const secretId = nameOf(key);
      if (secretId === undefined) return undefined;
      let signer = await keeper.current(signal);
      const tried = new Set<string>();
      for (;;) {
        const answer = await ask(secretId, signer, signal);
        if (answer.status === 200) return { ...readValue(name, secretId, answer, key, rules), ttlMs };
        const refusal = readRefusal(answer, retryAfterMs(answer, clock));
        if (isMissing(refusal)) return undefined;
        const remedy = remedyFor(refusal);
        // Each remedy is tried once: what it does not help against is a refusal.
        const isNew = remedy !== 'none' && !tried.has(remedy);
        tried.add(remedy);
        const other = isNew && remedy === 'other-credentials' ? await keeper.instead(signer, signal) : undefined;
        const isCorrected = isNew && remedy === 'right-time' && takeTime(answer);
        if (other === undefined && !isCorrected) throw toFailure(name, refusal);
        signer = other ?? signer;
      }
    },
    async close() {
      client.close();
    },
  });
}

function checkedRegion(region: string): string {
  if (typeof region === 'string' && /^[a-z0-9-]{1,64}$/.test(region)) return region;
  throw optionInvalid('region', 'must be the name of a region such as eu-central-1');
}

// AWS refuses what is signed more than five minutes before or after its own time.
const WORTH_CORRECTING_MS = 60_000;

function endpointOf(region: string, { endpoint, allowHttp = false }: AwsSecretsManagerSourceOptions): URL {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = serverAddress('endpoint', endpoint ?? `https://secretsmanager.${region}.${domain}`, allowHttp);
  if (url.pathname === '/') return url;
  throw optionInvalid('endpoint', 'must be without a path');
}

function secretNames({
  prefix = 'tenon/credentials',
  secretName,
}: AwsSecretsManagerSourceOptions): (key: CredentialKey) => string | undefined {
  if (prefix !== '' && !SECRET_NAME.test(prefix)) {
    throw optionInvalid('prefix', 'must be up to 512 of A-Z, a-z, 0-9 and /_+=.@-');
  }
  if (secretName === undefined) {
    return (key) => {
      // Injective all the same: neither a tenant nor a scope nor an id holds "=".
      const text = keyPath(prefix, { ...key, scope: key.scope.replaceAll(':', '=') });
      return text.length <= 512 ? text : undefined;
    };
  }
  return (key) => {
    const text = secretName(key);
    if (typeof text === 'string' && (SECRET_NAME.test(text) || ARN.test(text))) return text;
    throw optionInvalid('secretName', 'must return the name or the ARN of a secret');
  };
}

function readValue(
  source: string,
  secretId: string,
  answer: SourceAnswer,
  key: CredentialKey,
  rules: Parameters<typeof materialOf>[0],
): SourcedCredential {
  const corrupt = (what: string): Error => sourceError('CREDENTIAL_STORAGE_CORRUPT', source, what);
  const json = readJsonObject(answer.body);
  if (json === undefined) throw corrupt('answered with what is no JSON');
  if (json['Name'] !== secretId && json['ARN'] !== secretId) throw corrupt('answered with another secret');
  const secret = readSecret(json);
  if (secret === undefined) throw corrupt('answered without a secret');
  const { VersionId: version, CreatedDate: createdAt } = json;
  return {
    material: materialOf(rules, secret, key),
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof createdAt === 'number' ? { createdAt: new Date(createdAt * 1_000) } : {}),
  };
}

function readSecret({ SecretString: text, SecretBinary: base64 }: JsonObject): SecretContent | undefined {
  if (typeof text === 'string') return textSecret(text);
  if (typeof base64 !== 'string') return undefined;
  const bytes = readBase64(base64);
  if (bytes === undefined) return undefined;
  const decoded = readText(bytes);
  return decoded === undefined ? { fields: {}, binary: { SecretBinary: bytes } } : textSecret(decoded);
}

function textSecret(text: string): SecretContent {
  const fields = parseJsonObject(text);
  return fields === undefined ? { fields: {}, text, binary: {} } : { fields, binary: {} };
}
