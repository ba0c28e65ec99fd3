import type { Clock } from '@tenon/core';
import type { CredentialKey } from '../../identity/credential-key.ts';
import { basic, certificate } from '../../kinds/built-in-kinds.ts';
import type { CredentialMaterial } from '../../kinds/material.ts';
import type { SourcedCredential } from '../../sources/credential-source.ts';
import { asObject, readBase64, readJsonObject, readText, type JsonObject } from '../../sources/read-json.ts';
import { materialOf, type MaterialRules } from '../../sources/secret-material.ts';
import { retryAfterMs, type SourceAnswer } from '../../sources/source-client.ts';
import { sourceError, sourceUnavailable } from '../../sources/source-error.ts';

/** What was asked for. */
export interface AskedSecret {
  readonly key: CredentialKey;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Reads what the API server says to the request for a secret.
 *
 * @returns `undefined` when it says that there is none
 * @throws `CREDENTIAL_STORAGE_DENIED`, `CREDENTIAL_STORAGE_UNAVAILABLE`, `CREDENTIAL_STORAGE_CORRUPT`, `CREDENTIAL_STORAGE_FAILED`,
 *   `CREDENTIAL_INVALID`
 */
export function readSecretAnswer(
  rules: MaterialRules,
  answer: SourceAnswer,
  asked: AskedSecret,
  clock: Clock,
): SourcedCredential | undefined {
  const object = readObject(rules.source, answer, clock);
  if (object === undefined) return undefined;
  const metadata = asObject(object['metadata']);
  if (metadata?.['name'] !== asked.name || metadata['namespace'] !== asked.namespace) {
    throw sourceError('CREDENTIAL_STORAGE_CORRUPT', rules.source, 'answered with another secret');
  }
  const { resourceVersion: version } = metadata;
  const material = toMaterial(rules, object['type'], readData(rules.source, object), asked.key);
  return { material, ...(typeof version === 'string' ? { version } : {}) };
}

function readObject(source: string, answer: SourceAnswer, clock: Clock): JsonObject | undefined {
  const { status } = answer;
  const json = readJsonObject(answer.body);
  const isStatus = json?.['kind'] === 'Status';
  const details = { status };
  if (status === 200 && json?.['kind'] === 'Secret') return json;
  if (status === 200) {
    throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, 'answered with what is no secret', { details });
  }
  if (status === 404 && isStatus && json['reason'] === 'NotFound') return undefined;
  if (status === 401 || status === 403) {
    const what =
      status === 401
        ? 'does not know its token: is it of this cluster, and has it ended?'
        : 'refused to give the secret: its service account needs the right to get secrets in this namespace';
    throw sourceError('CREDENTIAL_STORAGE_DENIED', source, what, { details });
  }
  if (status === 429 || status >= 500) {
    const seconds = isStatus ? asObject(json['details'])?.['retryAfterSeconds'] : undefined;
    const fromBody = typeof seconds === 'number' && seconds >= 0 ? seconds * 1_000 : undefined;
    throw sourceUnavailable(source, 'limits how often it is asked, or failed; try again', {
      retryAfterMs: retryAfterMs(answer, clock) ?? fromBody,
      details,
    });
  }
  const what = `answered with the status ${status}: is it the API server of Kubernetes?`;
  throw sourceError('CREDENTIAL_STORAGE_FAILED', source, what, { details });
}

interface SecretData {
  readonly fields: Readonly<Record<string, string>>;
  readonly binary: Readonly<Record<string, Uint8Array>>;
}

function readData(source: string, object: JsonObject): SecretData {
  const texts: [string, string][] = [];
  const binary: [string, Uint8Array][] = [];
  for (const [field, base64] of Object.entries(asObject(object['data']) ?? {})) {
    const bytes = typeof base64 === 'string' ? readBase64(base64) : undefined;
    if (bytes === undefined) {
      throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, 'answered with a field that is no base64');
    }
    const text = readText(bytes);
    if (text === undefined) binary.push([field, bytes]);
    else texts.push([field, text]);
  }
  return { fields: Object.fromEntries(texts), binary: Object.fromEntries(binary) };
}

function toMaterial(rules: MaterialRules, type: unknown, data: SecretData, key: CredentialKey): CredentialMaterial {
  const { fields } = data;
  if (rules.material === undefined && type === 'kubernetes.io/basic-auth') {
    return basic(fields['username'] ?? '', fields['password'] ?? '');
  }
  if (rules.material === undefined && type === 'kubernetes.io/tls') {
    return certificate(fields['tls.crt'] ?? '', fields['tls.key'] ?? '');
  }
  return materialOf(rules, data, key);
}
