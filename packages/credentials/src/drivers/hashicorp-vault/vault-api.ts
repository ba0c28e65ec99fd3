import type { Clock, JsonValue, Secret } from '@tenon/core';
import { asObject, readJsonObject, type JsonObject } from '../../sources/read-json.ts';
import { retryAfterMs, type SourceAnswer, type SourceClient, type SourceRequest } from '../../sources/source-client.ts';
import { sourceError, sourceUnavailable } from '../../sources/source-error.ts';

/** What {@link createVaultApi} takes. */
export interface VaultApiOptions {
  readonly source: string;
  readonly client: SourceClient;
  readonly namespace: string | undefined;
  readonly clock: Clock;
}

/** One call of Vault's HTTP API. */
export interface VaultCall {
  readonly method: 'GET' | 'POST';
  /** Behind `/v1/`, not encoded. */
  readonly path: string;
  readonly token?: Secret;
  readonly body?: Readonly<Record<string, string>>;
}

/** What Vault says to a call. */
export interface VaultAnswer {
  readonly status: number;
  /** Empty where Vault sends nothing. */
  readonly json: JsonObject;
}

/** Calls Vault or OpenBao. */
export interface VaultApi {
  /**
   * The answer to a call, as long as it is Vault that answers and is able to: a refusal is an answer.
   *
   * @throws `CREDENTIAL_STORAGE_UNAVAILABLE` when Vault is sealed, limits the rate or fails; `CREDENTIAL_STORAGE_CORRUPT`; what the client throws
   */
  call(call: VaultCall, signal: AbortSignal): Promise<VaultAnswer>;
}

/** Makes the API of one server. */
export function createVaultApi({ source, client, namespace, clock }: VaultApiOptions): VaultApi {
  const toRequest = ({ method, path, token, body }: VaultCall): SourceRequest => ({
    method,
    path: `/v1/${path.split('/').map(encodeURIComponent).join('/')}`,
    headers: {
      accept: 'application/json',
      // Agents and proxies of Vault can demand it: a forged request from a browser does not carry it.
      'x-vault-request': 'true',
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(token === undefined ? {} : { 'x-vault-token': token.reveal() }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    async call(call, signal) {
      const answer = await client.send(toRequest(call), signal);
      const { status } = answer;
      // 412: an Enterprise standby that has not yet heard of what the token was made with.
      if (status === 412 || status === 429 || status >= 500) throw unavailable(source, answer, clock);
      const json = answer.body.byteLength === 0 ? {} : readJsonObject(answer.body);
      if (json !== undefined) return { status, json };
      throw sourceError('CREDENTIAL_STORAGE_CORRUPT', source, 'answered with what is no JSON: is it Vault?', {
        details: { status },
      });
    },
  };
}

function unavailable(source: string, answer: SourceAnswer, clock: Clock): Error {
  const { status } = answer;
  const what =
    status === 429
      ? 'limits how often it is asked; wait'
      : status === 503
        ? 'is sealed or in maintenance; unseal it'
        : 'failed; try again';
  return sourceUnavailable(source, what, { retryAfterMs: retryAfterMs(answer, clock), details: { status } });
}

/** Whether the answer is how Vault itself says that there is nothing, and not, for example, that nothing is mounted there. */
export function saysMissing({ json }: VaultAnswer): boolean {
  const { errors, data } = json;
  if (Array.isArray(errors)) return errors.length === 0;
  // A version that was deleted or destroyed keeps its metadata.
  const version = asObject(data);
  return version !== undefined && version['data'] === null && asObject(version['metadata']) !== undefined;
}

/** A length of time in an answer, in milliseconds; 0 is for ever. */
export function secondsToMs(value: JsonValue | undefined): number {
  return typeof value === 'number' && value > 0 ? value * 1_000 : 0;
}
